import { describe, expect, it } from '@jest/globals'
import type { Json } from '../../../domain/canonical-json.js'
import type { MlforgeError } from '../../../domain/errors.js'
import { strategyOfStep, trainingOf } from '../../../domain/pipelines/requests.js'

const TRAINING = {
  features: ['temp'],
  target: 'cnt',
  split: {
    column: 'day',
    train: { until: '2011-10-01' },
    holdout: { from: '2011-10-01', until: '2011-11-01' },
  },
}

function problemsOf(call: () => unknown): { at: string; message: string }[] {
  try {
    call()
  } catch (error) {
    const { code, details } = error as MlforgeError
    expect(code).toBe('step_input_invalid')
    return [...details.problems!]
  }
  throw new Error('nothing is wrong with it')
}

describe('the training of a step', () => {
  it('is a request on the dataset that it was given', () => {
    const dataset = { name: 'bike', version: 3 }
    expect(trainingOf('bike', dataset, TRAINING)).toEqual({ ...TRAINING, model: 'bike', dataset })
  })

  it('is refused with everything that has another form', () => {
    const wrong = { features: 'temp', target: 1, split: { column: 'day', train: {}, extra: 1 }, round: 3 }
    expect(
      problemsOf(() => trainingOf('bike', { name: 'bike' }, wrong))
        .map(({ at }) => at)
        .sort(),
    ).toEqual([
      'training.features',
      'training.round',
      'training.split.extra',
      'training.split.holdout',
      'training.split.train.until',
      'training.target',
    ])
  })

  it.each([null, 'x', [], 3] as Json[])('is refused as %j', value => {
    expect(problemsOf(() => trainingOf('bike', { name: 'bike' }, value))).toEqual([
      { at: 'training', message: expect.stringMatching(/^Must be an object of engine, /) },
    ])
  })
})

describe('the strategy of a step', () => {
  it.each<[Json, object]>([
    [null, { kind: 'canary' }],
    [
      { kind: 'canary', mirrorPercent: 5 },
      { kind: 'canary', mirror: 5 },
    ],
    [
      { kind: 'canary', stops: [{ percent: 10, minRows: 5 }] },
      { kind: 'canary', stops: [{ percent: 10, minRows: 5 }] },
    ],
    [{ kind: 'instant' }, { kind: 'instant', cause: 'force' }],
    [
      { kind: 'blueGreen', observeSeconds: null },
      { kind: 'blueGreen', observeSeconds: null },
    ],
    [
      { kind: 'shadow', percent: 5, minRows: 3 },
      { kind: 'shadow', percent: 5, minRows: 3 },
    ],
  ])('%j is %j', (given, strategy) => {
    expect(strategyOfStep(given)).toEqual(strategy)
  })

  it.each<[Json, string]>([
    [{ kind: 'canery' }, 'strategy.kind'],
    [{}, 'strategy.kind'],
    ['canary', 'strategy.kind'],
    [{ kind: 'canary', stops: 3 }, 'strategy.stops'],
    [{ kind: 'canary', stops: [{ percent: 1 }] }, 'strategy.stops[0].minRows'],
    [{ kind: 'shadow', percent: 1 }, 'strategy.minRows'],
    [{ kind: 'instant', stops: [] }, 'strategy.stops'],
  ])('%j is refused at %s', (given, at) => {
    expect(problemsOf(() => strategyOfStep(given)).map(problem => problem.at)).toContain(at)
  })
})
