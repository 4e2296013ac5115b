import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { Row } from '../../../../domain/transformations/apply-row.js'
import type { Step } from '../../../../domain/transformations/steps.js'
import { applyTransformation, fitTransformation } from '../../../../stores/duckdb/transformations.js'
import { scikitLearn, type ScikitLearnCase } from '../../../support/scikit-learn.js'
import { ingest, BIKE, temporaryDirectory } from '../tables.js'
import { readFile } from 'node:fs/promises'
import { rowsOf, table } from './tables.js'

interface ParityCase {
  /** The class of scikit-learn, and what it is told. */
  readonly as: string
  readonly with?: Readonly<Record<string, unknown>>
  readonly step: Step
  /** Where scikit-learn keeps the columns that ours leave in the table. */
  readonly result?: 'made' | 'own and made'
  readonly on?: 'odd'
}

const quantiles = { encode: 'ordinal', quantile_method: 'linear', subsample: null }
const uniform = { encode: 'ordinal', strategy: 'uniform', subsample: null }
const target = { target_type: 'continuous' }
const sparse = { sparse_output: false }
const ignore = { ...sparse, handle_unknown: 'ignore' }

/** On hours of the bike-sharing data, or on a table of odd values. */
const CASES: readonly ParityCase[] = [
  {
    as: 'SimpleImputer',
    with: { strategy: 'mean' },
    step: { kind: 'impute', columns: ['n', 'm'], strategy: 'mean' },
    on: 'odd',
  },
  {
    as: 'SimpleImputer',
    with: { strategy: 'median' },
    step: { kind: 'impute', columns: ['n', 'm'], strategy: 'median' },
    on: 'odd',
  },
  {
    as: 'SimpleImputer',
    with: { strategy: 'most_frequent' },
    step: { kind: 'impute', columns: ['n', 'm'], strategy: 'most_frequent' },
    on: 'odd',
  },
  {
    as: 'SimpleImputer',
    with: { strategy: 'constant', fill_value: -1 },
    step: { kind: 'impute', columns: ['n', 'm'], strategy: 'constant', value: -1 },
    on: 'odd',
  },
  {
    as: 'SimpleImputer',
    with: { strategy: 'mean', add_indicator: true },
    step: { kind: 'impute', columns: ['n', 'm'], strategy: 'mean', indicator: true },
    result: 'own and made',
    on: 'odd',
  },
  { as: 'StandardScaler', step: { kind: 'scale', columns: ['temp', 'hum', 'hr'], method: 'standard' } },
  {
    as: 'StandardScaler',
    step: { kind: 'scale', columns: ['n', 'm', 'flat', 'tiny', 'shifted'], method: 'standard' },
    on: 'odd',
  },
  { as: 'MinMaxScaler', step: { kind: 'scale', columns: ['temp', 'windspeed'], method: 'min_max' } },
  // Without "shifted": theirs is x / range - min / range, which there is wrong in the 8th digit.
  {
    as: 'MinMaxScaler',
    step: { kind: 'scale', columns: ['n', 'm', 'flat'], method: 'min_max' },
    on: 'odd',
  },
  { as: 'RobustScaler', step: { kind: 'scale', columns: ['casual', 'registered'], method: 'robust' } },
  {
    as: 'RobustScaler',
    step: { kind: 'scale', columns: ['n', 'm', 'flat', 'shifted'], method: 'robust' },
    on: 'odd',
  },
  { as: 'MaxAbsScaler', step: { kind: 'scale', columns: ['cnt', 'temp'], method: 'max_abs' } },
  {
    as: 'MaxAbsScaler',
    step: { kind: 'scale', columns: ['n', 'm', 'flat', 'tiny'], method: 'max_abs' },
    on: 'odd',
  },
  {
    as: 'OneHotEncoder',
    with: sparse,
    step: { kind: 'one_hot', columns: ['season', 'weathersit'] },
    result: 'made',
  },
  {
    as: 'OneHotEncoder',
    with: { ...ignore, min_frequency: 30 },
    step: { kind: 'one_hot', columns: ['weathersit', 'hum'], minFrequency: 30, unknown: 'ignore' },
    result: 'made',
  },
  {
    as: 'OneHotEncoder',
    with: { ...ignore, min_frequency: 0.2 },
    step: { kind: 'one_hot', columns: ['s', 'k'], minFrequency: 0.2, unknown: 'ignore' },
    result: 'made',
    on: 'odd',
  },
  {
    as: 'OneHotEncoder',
    with: { ...ignore, max_categories: 3 },
    step: { kind: 'one_hot', columns: ['s', 'k'], maxCategories: 3, unknown: 'ignore' },
    result: 'made',
    on: 'odd',
  },
  {
    as: 'OneHotEncoder',
    with: { ...ignore, max_categories: 5 },
    step: { kind: 'one_hot', columns: ['s'], maxCategories: 5, unknown: 'ignore' },
    result: 'made',
    on: 'odd',
  },
  {
    as: 'OneHotEncoder',
    with: { ...ignore, max_categories: 1 },
    step: { kind: 'one_hot', columns: ['s'], maxCategories: 1, unknown: 'ignore' },
    result: 'made',
    on: 'odd',
  },
  {
    as: 'OneHotEncoder',
    with: { ...sparse, handle_unknown: 'infrequent_if_exist', min_frequency: 2, max_categories: 4 },
    step: { kind: 'one_hot', columns: ['s', 'k'], minFrequency: 2, maxCategories: 4, unknown: 'infrequent' },
    result: 'made',
    on: 'odd',
  },
  { as: 'OrdinalEncoder', step: { kind: 'ordinal', columns: ['season', 'hr'] } },
  {
    as: 'OrdinalEncoder',
    with: { handle_unknown: 'use_encoded_value', unknown_value: -7 },
    step: { kind: 'ordinal', columns: ['s', 'k'], unknown: 'value', unknownValue: -7 },
    on: 'odd',
  },
  {
    as: 'OrdinalEncoder',
    with: {
      categories: [['z', 'é', 'b', 'a', 'c', 'd']],
      handle_unknown: 'use_encoded_value',
      unknown_value: -7,
    },
    step: {
      kind: 'ordinal',
      columns: ['s'],
      order: { s: ['z', 'é', 'b', 'a', 'c', 'd'] },
      unknown: 'value',
      unknownValue: -7,
    },
    on: 'odd',
  },
  {
    as: 'TargetEncoder',
    with: target,
    step: { kind: 'target', columns: ['hr', 'season', 'hum'], target: 'cnt' },
  },
  {
    as: 'TargetEncoder',
    with: { ...target, smooth: 10 },
    step: { kind: 'target', columns: ['hr', 'hum'], target: 'cnt', smoothing: 10 },
  },
  {
    as: 'TargetEncoder',
    with: { ...target, smooth: 0 },
    step: { kind: 'target', columns: ['weathersit'], target: 'cnt', smoothing: 0 },
  },
  {
    as: 'TargetEncoder',
    with: target,
    step: { kind: 'target', columns: ['s', 'k'], target: 'y' },
    on: 'odd',
  },
  { as: 'TargetEncoder', with: target, step: { kind: 'target', columns: ['s'], target: 'same' }, on: 'odd' },
  {
    as: 'KBinsDiscretizer',
    with: { ...quantiles, n_bins: 5 },
    step: { kind: 'bin', columns: ['temp', 'hum', 'cnt'], strategy: 'quantile', bins: 5 },
  },
  {
    as: 'KBinsDiscretizer',
    with: { ...quantiles, n_bins: 10 },
    step: { kind: 'bin', columns: ['casual', 'windspeed'], strategy: 'quantile', bins: 10 },
  },
  {
    as: 'KBinsDiscretizer',
    with: { ...uniform, n_bins: 7 },
    step: { kind: 'bin', columns: ['temp', 'registered', 'hr'], strategy: 'uniform', bins: 7 },
  },
  {
    as: 'KBinsDiscretizer',
    with: { ...quantiles, n_bins: 4 },
    step: { kind: 'bin', columns: ['flat', 'shifted', 'ties'], strategy: 'quantile', bins: 4 },
    on: 'odd',
  },
  {
    as: 'KBinsDiscretizer',
    with: { ...uniform, n_bins: 3 },
    step: { kind: 'bin', columns: ['shifted', 'ties'], strategy: 'uniform', bins: 3 },
    on: 'odd',
  },
  {
    as: 'PolynomialFeatures',
    with: { degree: 2, interaction_only: true, include_bias: false },
    step: { kind: 'interact', columns: ['temp', 'hum', 'hr'], degree: 2 },
    result: 'own and made',
  },
  {
    as: 'PolynomialFeatures',
    with: { degree: 3, interaction_only: true, include_bias: false },
    step: { kind: 'interact', columns: ['temp', 'hum', 'hr', 'cnt'], degree: 3 },
    result: 'own and made',
  },
  {
    as: 'PolynomialFeatures',
    with: { degree: 3, interaction_only: false, include_bias: false },
    step: { kind: 'interact', columns: ['temp', 'windspeed'], degree: 3, interactionOnly: false },
    result: 'own and made',
  },
]

/** Of 24 rows; every second one is fitted to. */
const ODD = {
  n: ['number', cycle([1, null, 2.5, -3, 1, 1e6, null, 0.1, 7])],
  m: ['integer', cycle([5, 5, null, 8, 8, -2, 1])],
  flat: ['number', cycle([0.1])],
  tiny: ['number', cycle([1e-18, 2e-18, 3e-18])],
  shifted: ['number', Array.from({ length: 24 }, (_, i) => 1e9 + i * 0.37)],
  ties: ['integer', cycle([1, 1, 1, 1, 2, 9])],
  s: ['string', cycle(['a', 'b', 'a', 'é', 'a', 'z', 'c', 'a', 'b', 'd', 'new'])],
  k: ['integer', cycle([3, 1, 2, 3, 10])],
  y: ['number', Array.from({ length: 24 }, (_, i) => (i * 37) % 11)],
  same: ['number', cycle([2])],
  half: ['integer', cycle([0, 1])],
} as const

function cycle<T>(values: readonly T[]): T[] {
  return Array.from({ length: 24 }, (_, i) => values[i % values.length]!)
}

/** Names of the columns that are compared: all that ours made, behind its own where theirs has these too. */
function comparedOf(
  { step, result }: ParityCase,
  before: readonly string[],
  after: readonly string[],
): string[] {
  const own = (step as Extract<Step, { kind: 'scale' }>).columns
  const made = after.filter(name => !before.includes(name))
  return result === undefined ? [...own] : result === 'made' ? made : [...own, ...made]
}

describe('transformations beside scikit-learn', () => {
  let directory: string
  let theirs: unknown[][][]
  const ours: unknown[][][] = []
  beforeAll(async () => {
    directory = await temporaryDirectory()
    const lines = (await readFile(BIKE, 'utf8')).split('\n').slice(0, 3001)
    const bike = { file: (await ingest(directory, `${lines.join('\n')}\n`)).file, where: 'instant % 2 = 0' }
    const odd = { file: await table(directory, ODD), where: 'half = 0' }
    const asked: ScikitLearnCase[] = []
    for (const [i, each] of CASES.entries()) {
      const { file, where } = each.on === 'odd' ? odd : bike
      const rows = await rowsOf(file)
      const isFit = (row: Row): boolean =>
        each.on === 'odd' ? row['half'] === 0 : Number(row['instant']) % 2 === 0
      const { columns } = each.step as Extract<Step, { kind: 'scale' }>
      const fit = rows.filter(isFit)
      const pick = (from: readonly Row[]): unknown[][] => from.map(row => columns.map(name => row[name]))
      asked.push({
        class: each.as,
        parameters: each.with ?? {},
        fit: pick(fit),
        apply: pick(each.as === 'OrdinalEncoder' && each.with === undefined ? fit : rows),
        numeric: pick(rows)
          .flat()
          .every(value => typeof value !== 'string'),
        ...(each.step.kind === 'target' && {
          target: fit.map(row => row[(each.step as { target: string }).target] as number),
        }),
      })
      const fitted = await fitTransformation({ file, where, steps: [each.step] })
      const outFile = join(directory, `${i}.parquet`)
      await applyTransformation({ file, fitted, outFile })
      const names = comparedOf(
        each,
        Object.keys(rows[0]!),
        fitted.output.map(({ name }) => name),
      )
      const made = (await rowsOf(outFile)).filter(
        (_, at) => asked.at(-1)!.apply.length === rows.length || isFit(rows[at]!),
      )
      ours.push(made.map(row => names.map(name => row[name]!)))
    }
    theirs = await scikitLearn(asked)
  })
  afterAll(() => rm(directory, { recursive: true, force: true }))

  it.each(
    CASES.map(
      (each, i) =>
        [`${each.as} ${JSON.stringify(each.with ?? {})}: ${JSON.stringify(each.step)}`, i] as const,
    ),
  )('%s', (_, i) => {
    expect(ours[i]!.length).toBe(theirs[i]!.length)
    const differing = theirs[i]!.flatMap((row, at) =>
      row.length === ours[i]![at]!.length && row.every((value, c) => isNear(value, ours[i]![at]![c]))
        ? []
        : [{ at, theirs: row, ours: ours[i]![at] }],
    )
    expect(differing).toEqual([])
  })
})

function isNear(a: unknown, b: unknown): boolean {
  if (typeof a !== 'number' || typeof b !== 'number') return a === b
  return Math.abs(a - b) <= 1e-9 * Math.max(1, Math.abs(a), Math.abs(b))
}
