import { describe, expect, it } from '@jest/globals'
import { compilePipeline } from '../../../domain/pipelines/compile.js'
import type { PipelineDefinition } from '../../../domain/pipelines/definition.js'
import { policyProblems } from '../../../domain/retraining/check-policy.js'
import { retrainingFacts, versionStep } from '../../../domain/retraining/pipeline.js'
import type { PipelineRetrainingPolicy } from '../../../domain/retraining/policy.js'

const POLICY: PipelineRetrainingPolicy = {
  dataset: 'bike',
  timeColumn: 'dteday',
  pipeline: {
    name: 'retrain',
    parameters: { dataset: '${{ retraining.dataset }}', from: '${{ retraining.holdout.from }}' },
  },
  holdout: 'month',
  strategy: { kind: 'canary' },
  incident: {},
}

const TRAINING = {
  features: ['hr'],
  target: 'cnt',
  split: {
    column: 'dteday',
    train: { until: '2011-09-01' },
    holdout: { from: '2011-09-01', until: '2011-10-01' },
  },
}

const train = (model: string) => ({
  uses: 'train',
  with: { model, dataset: 'bike', version: 1, training: TRAINING },
})
const register = (model: string) => ({
  uses: 'register',
  with: {
    model,
    file: { path: 'model.onnx' },
    signature: { features: [{ name: 'hr', type: 'number' }], target: 'cnt' },
  },
})

/** A pipeline with the steps that a policy is about. */
function pipeline(steps: object): PipelineDefinition {
  const { definition, problems } = compilePipeline(
    {
      parameters: {
        dataset: { type: 'string' },
        from: { type: 'string', default: '2011-09-01' },
        model: { type: 'string', default: 'bike-demand' },
      },
      steps,
    },
    'retrain',
  )
  expect(problems).toEqual([])
  return definition!
}

describe('what a retraining tells its pipeline', () => {
  it('is the set, and the last whole period of the new data', () => {
    const facts = retrainingFacts(
      POLICY,
      { deployment: 'bike', model: 'bike-demand' },
      7,
      Date.UTC(2012, 3, 10),
    )
    expect(facts).toEqual({
      dataset: 'bike@7',
      deployment: 'bike',
      model: 'bike-demand',
      dataUntil: '2012-04-10T00:00:00.000Z',
      holdout: { from: '2012-03-01', until: '2012-04-01' },
    })
  })
})

describe('the step that gives the version', () => {
  it.each([
    ['the only one that trains', { train: train('bike-demand') }, undefined, 'train'],
    ['the only one that registers', { keep: register('bike-demand') }, undefined, 'keep'],
    [
      'not one of another model',
      { train: train('bike-demand'), other: train('bike-other') },
      undefined,
      'train',
    ],
    ['one whose model is known in the run', { train: train('${{ parameters.model }}') }, undefined, 'train'],
    ['the one that is named', { a: train('bike-demand'), b: register('bike-demand') }, 'b', 'b'],
  ])('is %s', (_, steps, wanted, step) => {
    expect(versionStep(pipeline(steps), 'bike-demand', wanted)).toEqual({ step })
  })

  it.each([
    [
      'none',
      { other: train('bike-other') },
      undefined,
      'pipeline.name',
      'No step of pipeline "retrain" trains',
    ],
    [
      'several',
      { a: train('bike-demand'), b: train('bike-demand') },
      undefined,
      'pipeline.step',
      'Steps a, b of pipeline "retrain"',
    ],
    ['another name', { train: train('bike-demand') }, 'trian', 'pipeline.step', 'Did you mean "train"?'],
    [
      'one of another model',
      { train: train('bike-demand'), other: train('bike-other') },
      'other',
      'pipeline.step',
      'no step "other" that trains or registers model "bike-demand"',
    ],
  ])('is asked for where there is %s', (_, steps, wanted, at, message) => {
    expect(versionStep(pipeline(steps), 'bike-demand', wanted)).toEqual({
      at,
      message: expect.stringContaining(message),
    })
  })
})

describe('a policy to retrain by a pipeline', () => {
  const dataset = {
    name: 'bike',
    version: 3,
    root: 'r',
    rows: '100',
    schema: [
      { name: 'dteday', type: 'date', nullable: false },
      { name: 'hr', type: 'integer', nullable: false },
      { name: 'cnt', type: 'integer', nullable: false },
    ],
    parquet: { uri: 'sha256:p', sha256: 'p', bytes: 1 },
  } as never
  const serving = (target: string) => ({
    features: [{ name: 'hr', type: 'integer' as const }],
    target,
    output: { name: 'prediction' },
  })
  const problems = (
    steps: object,
    change: Partial<PipelineRetrainingPolicy> = {},
    target: string | null = 'cnt',
  ) =>
    policyProblems(
      { ...POLICY, ...change },
      {
        model: 'bike-demand',
        dataset,
        serving: target === null ? null : serving(target),
        pipeline: pipeline(steps),
      },
    ).map(({ at, message }) => `${at}: ${message}`)

  it('is kept where a retraining by it can end well', () => {
    expect(problems({ train: train('bike-demand') })).toEqual([])
    expect(problems({ train: train('bike-demand') }, {}, null)).toEqual([])
  })

  it('is told everything that is wrong with it at once', () => {
    const parameters = { from: 7, datset: '${{ retraining.dataset }}', dataset: '${{ retraining.set }}' }
    const found = problems(
      {
        train: train('bike-demand'),
        serve: { uses: 'deploy', with: { deployment: 'bike', version: '${{ steps.train.version }}' } },
      },
      { pipeline: { name: 'retrain', parameters }, timeColumn: 'hr', strategy: { kind: 'shadow' } as never },
      'rides',
    )
    expect(found).toEqual([
      expect.stringContaining('pipeline.parameters.datset: Pipeline "retrain" has no parameter "datset"'),
      expect.stringContaining('pipeline.parameters.from: '),
      expect.stringContaining('pipeline.parameters.dataset: Such a retraining has no "set"'),
      expect.stringContaining('pipeline.name: Step "serve" of pipeline "retrain" rolls out'),
      expect.stringContaining('dataset: bike version 3 has no column "rides"'),
      expect.stringContaining('timeColumn: "hr" is an integer'),
      expect.stringContaining('strategy.kind: '),
    ])
  })
})
