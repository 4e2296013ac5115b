import { describe, expect, it } from '@jest/globals'
import type { Json } from '../../../domain/canonical-json.js'
import { replayFor } from '../../../domain/models/replayed.js'
import type { FittedTransformation, StepState } from '../../../domain/transformations/fitted.js'
import type { Step } from '../../../domain/transformations/steps.js'
import { inputProblems, replayOf } from '../../../domain/transformations/replay.js'

const STEPS: readonly (readonly [Step, StepState])[] = [
  [{ kind: 'date_parts', columns: ['day'], parts: ['month'], dropOriginal: false }, null],
  [
    { kind: 'ordinal', columns: ['s'] },
    { kind: 'ordinal', categories: [['a', 'b']] },
  ],
  [
    { kind: 'target', columns: ['t'], target: 'y' },
    { kind: 'target', mean: 7, columns: [{ categories: [1], encodings: [5] }] },
  ],
  [{ kind: 'interact', columns: ['x', 't'], degree: 2 }, null],
  [{ kind: 'drop', columns: ['x'] }, null],
]

const FITTED: FittedTransformation = {
  format: 1,
  steps: STEPS.map(([step]) => step),
  input: [
    { name: 'day', type: 'DATE' },
    { name: 'x', type: 'DOUBLE' },
    { name: 's', type: 'VARCHAR' },
    { name: 't', type: 'BIGINT' },
    { name: 'y', type: 'DOUBLE' },
  ],
  state: STEPS.map(([, state]) => state),
  output: [
    { name: 'day', type: 'DATE' },
    { name: 's', type: 'BIGINT' },
    { name: 't', type: 'DOUBLE' },
    { name: 'y', type: 'DOUBLE' },
    { name: 'day_month', type: 'BIGINT' },
    { name: 'x_x_t', type: 'DOUBLE' },
  ],
  rows: 3,
}

const REF = { name: 'prep', version: 2 }
const number = (name: string) => ({ name, type: 'number' as const })
const refusals = (fitted: FittedTransformation, features: string[], target = 'y'): unknown => {
  try {
    return replayFor(REF, fitted, { features: features.map(number), target })
  } catch (error) {
    return error
  }
}

describe('a transformation before a model', () => {
  it.each<[string[], string[], Record<string, Json>, Record<string, Json>]>([
    [['x_x_t'], ['x', 't'], { x: 3, t: 1 }, { x_x_t: 15 }],
    [['day_month'], ['day'], { day: '2011-03-04' }, { day_month: 3 }],
    [['t', 's'], ['s', 't'], { s: 'b', t: 9 }, { t: 7, s: 1 }],
    // Dropped after it was used, and not wanted: nothing of it is read.
    [['y'], ['y'], { y: 1 }, { y: 1 }],
  ])('needs for %j no more than %j', (wanted, input, row, made) => {
    const replay = replayOf(FITTED, wanted)
    expect(replay.input.map(({ name }) => name)).toEqual(input)
    expect(inputProblems(replay, row)).toEqual([])
    expect(replay.apply(row)).toEqual(made)
  })

  it('follows a name that is dropped, and made again, to what it is made of', () => {
    const steps: Step[] = [
      { kind: 'drop', columns: ['day_month'] },
      { kind: 'date_parts', columns: ['day'], parts: ['month'] },
    ]
    const input = [
      { name: 'day_month', type: 'VARCHAR' },
      { name: 'day', type: 'DATE' },
    ]
    const output = [{ name: 'day_month', type: 'BIGINT' }]
    const replay = replayOf({ ...FITTED, steps, input, output, state: [null, null] }, ['day_month'])
    expect(replay.input).toEqual([{ name: 'day', type: 'DATE' }])
    expect(replay.apply({ day: '2012-12-01' })).toEqual({ day_month: 12 })
  })

  it('says of each column what is wrong with it', () => {
    const replay = replayOf(FITTED, ['day_month', 's', 'x_x_t'])
    expect(inputProblems(replay, { day: 'May', s: 3, t: null })).toEqual([
      { at: 'day', message: 'is no value of a column of DATE.' },
      { at: 'x', message: 'is missing; it is DOUBLE.' },
      { at: 's', message: 'is no value of a column of VARCHAR.' },
    ])
  })

  it.each([
    ['2026-02-03', []],
    ['2026-02-30', ['day']],
    // Of another day, where it is not read in that zone.
    ['2026-02-03T23:30:00-05:00', ['day']],
    ['2026-02-03T00:00', ['day']],
  ])('takes days as days: %s', (day, wrong) => {
    const replay = replayOf(FITTED, ['day_month'])
    expect(inputProblems(replay, { day }).map(({ at }) => at)).toEqual(wrong)
  })

  it('tells what callers give', () => {
    expect(
      replayFor(REF, FITTED, { features: [number('x_x_t'), number('s')], target: 'y' }).transformation,
    ).toEqual({
      ...REF,
      input: [number('x'), { name: 's', type: 'string' }, { name: 't', type: 'integer' }],
    })
  })

  it.each<[string, FittedTransformation, string[], string, string[]]>([
    [
      'steps of SQL',
      { ...FITTED, steps: [{ kind: 'filter', where: 'x > 1' }] },
      ['t'],
      'y',
      ['transformation.steps[0]'],
    ],
    ['a feature that it does not make', FITTED, ['t', 'T'], 'y', ['features[1]']],
    ['a feature of another type', FITTED, ['day', 't'], 'y', ['features[0]']],
    ['a feature of the target', FITTED, ['x_x_t'], 'x', ['transformation']],
    [
      'a type of no rows',
      { ...FITTED, input: FITTED.input.map(c => (c.name === 'x' ? { ...c, type: 'BLOB' } : c)) },
      ['x_x_t'],
      'y',
      ['transformation'],
    ],
  ])('with %s is refused', (_, fitted, features, target, at) => {
    expect(refusals(fitted, features, target)).toMatchObject({
      code: 'transformation_mismatch',
      details: { problems: at.map(each => ({ at: each, message: expect.any(String) })) },
    })
  })
})
