import { describe, expect, it } from '@jest/globals'
import { MlforgeError } from '../../../domain/errors.js'
import {
  buildTrainingSpec,
  type DatasetFacts,
  type TrainingRequest,
} from '../../../domain/training/build-spec.js'

const column = (
  name: string,
  type: string,
  more: Partial<{ nulls: number; distinct: number; nan: number; infinite: number }> = {},
) => {
  const { nulls = 0, distinct = 100, nan = 0, infinite = 0 } = more
  return { name, type, nulls, distinct, numeric: { nan, infinite } }
}
const COLUMNS = [
  column('dteday', 'date'),
  column('hr', 'integer'),
  column('workingday', 'integer'),
  column('temp', 'number'),
  column('city', 'string'),
  column('open', 'boolean'),
  column('cnt', 'integer'),
  column('flat', 'integer', { distinct: 1 }),
  column('holes', 'number', { nulls: 2, nan: 1, infinite: 3 }),
]
const dataset: DatasetFacts = {
  name: 'bike',
  version: 3,
  root: 'r',
  schema: COLUMNS,
  profile: { columns: COLUMNS },
}
const request: TrainingRequest = {
  model: 'demand',
  dataset: { name: 'bike' },
  features: ['hr', 'temp', 'open'],
  target: 'cnt',
  split: {
    column: 'dteday',
    train: { from: '2011-01-01', until: '2011-09-01' },
    holdout: { from: '2011-09-01', until: '2011-11-01' },
  },
}

function refused(change: Partial<TrainingRequest>): MlforgeError {
  try {
    buildTrainingSpec({ ...request, ...change }, dataset)
  } catch (error) {
    if (error instanceof MlforgeError) return error
    throw error
  }
  throw new Error('the request was taken')
}

describe('buildTrainingSpec', () => {
  it('completes a request and pins its dataset', () => {
    expect(buildTrainingSpec(request, dataset)).toMatchObject({
      model: 'demand',
      dataset: { name: 'bike', version: 3, root: 'r' },
      engine: 'xgboost',
      rounds: 500,
      checkpointEvery: 250,
      parameters: { max_depth: 6, eta: 0.3, nthread: 1, seed: 0, objective: 'reg:squarederror' },
      baseline: { by: [] },
      gate: { maxRmseOfBaseline: 1, maxRmseOfChampion: 1 },
    })
  })

  const until = '2011-09-01'
  const holdout = request.split.holdout
  it.each<[string, Partial<TrainingRequest>, string, string, RegExp]>([
    [
      'an unknown feature',
      { features: ['hr', 'tmep'] },
      'unknown_column',
      'features[1]',
      /Did you mean "temp"/,
    ],
    ['no features', { features: [] }, 'invalid_request', 'features', /names no column/],
    ['a feature of text', { features: ['city'] }, 'invalid_request', 'features[0]', /is a string/],
    ['a date as a feature', { features: ['dteday'] }, 'invalid_request', 'features[0]', /is a date/],
    ['the target as a feature', { features: ['cnt'] }, 'invalid_request', 'features[0]', /is the target/],
    ['a feature twice', { features: ['hr', 'hr'] }, 'invalid_request', 'features[1]', /named twice/],
    ['an unknown target', { target: 'cmt' }, 'unknown_column', 'target', /Did you mean "cnt"/],
    ['a target of text', { target: 'city' }, 'target_invalid', 'target', /is a string/],
    ['a boolean target', { target: 'open', features: ['hr'] }, 'target_invalid', 'target', /is a boolean/],
    ['a constant target', { target: 'flat' }, 'target_invalid', 'target', /same value in every row/],
    [
      'labels that are no numbers',
      { target: 'holes' },
      'label_invalid',
      'target',
      /missing in 2 rows, NaN in 1 and infinite in 3/,
    ],
    [
      'a misspelt parameter',
      { parameters: { max_dept: 6 } },
      'unknown_parameter',
      'parameters.max_dept',
      /Did you mean "max_depth"/,
    ],
    [
      'a parameter out of range',
      { parameters: { eta: 2 } },
      'parameter_out_of_range',
      'parameters.eta',
      /at most 1/,
    ],
    [
      'rounds among the parameters',
      { parameters: { n_estimators: 5 } },
      'unknown_parameter',
      'parameters.n_estimators',
      /as rounds/,
    ],
    [
      'approx with exact resume',
      { parameters: { tree_method: 'approx' } },
      'not_resumable',
      'parameters.tree_method',
      /does not resume/,
    ],
    ['no rounds', { rounds: 0 }, 'parameter_out_of_range', 'rounds', /from 1 to/],
    ['half a round', { checkpointEvery: 2.5 }, 'parameter_out_of_range', 'checkpointEvery', /whole number/],
    [
      'a split by an unknown column',
      { split: { ...request.split, column: 'dtedya' } },
      'unknown_column',
      'split.column',
      /Did you mean "dteday"/,
    ],
    [
      'a split by a number',
      { split: { ...request.split, column: 'hr' } },
      'split_invalid',
      'split.column',
      /date or timestamp/,
    ],
    [
      'a day that is none',
      { split: { ...request.split, train: { until: '2011-02-29' } } },
      'split_invalid',
      'split.train.until',
      /no day/,
    ],
    [
      'a holdout that is trained on',
      { split: { ...request.split, train: { until: '2011-10-01' } } },
      'split_invalid',
      'split.holdout.from',
      /must not begin before/,
    ],
    [
      'an empty period',
      { split: { column: 'dteday', train: { from: until, until }, holdout } },
      'split_invalid',
      'split.train',
      /at or after its end/,
    ],
    [
      'an unknown baseline',
      { baseline: { by: ['hrs'] } },
      'unknown_column',
      'baseline.by[0]',
      /Did you mean "hr"/,
    ],
    [
      'a baseline that knows the target',
      { baseline: { by: ['cnt'] } },
      'invalid_request',
      'baseline.by[0]',
      /is the target/,
    ],
    [
      'bounds the wrong way round',
      { clip: { min: 5, max: 1 } },
      'parameter_out_of_range',
      'clip',
      /not below/,
    ],
    [
      'a gate of NaN',
      { gate: { maxRmseOfBaseline: NaN } },
      'parameter_out_of_range',
      'gate.maxRmseOfBaseline',
      /not above 0/,
    ],
  ])('refuses %s', (_what, change, code, at, message) => {
    const error = refused(change)
    expect(error.code).toBe(code)
    expect(error.details.problems).toEqual([{ at, message: expect.stringMatching(message) }])
  })

  it('names all problems at once, in the order of the request', () => {
    const error = refused({
      features: ['tmep', 'hr', 'hr'],
      target: 'city',
      parameters: { max_dept: 6, subsample: 0 },
      rounds: -1,
      clip: { min: 1, max: 0 },
      split: { ...request.split, column: 'temp' },
    })
    expect(error.details.problems?.map(problem => problem.at)).toEqual([
      'features[0]',
      'features[2]',
      'split.column',
      'target',
      'parameters.max_dept',
      'parameters.subsample',
      'rounds',
      'clip',
    ])
    expect(error).toMatchObject({
      code: 'unknown_column',
      message: expect.stringContaining('and 7 more problems'),
    })
  })

  it('takes approx where exact resume is not asked for', () => {
    const spec = buildTrainingSpec(
      { ...request, resume: 'any', parameters: { tree_method: 'approx' } },
      dataset,
    )
    expect(spec.parameters['tree_method']).toBe('approx')
  })
})
