import { describe, expect, it } from '@jest/globals'
import { CATALOGUE, EXPECTATION_TYPES } from '../../../domain/expectations/catalogue.js'
import type { KnownColumn } from '../../../domain/expectations/expectation.js'
import { needsOf } from '../../../domain/expectations/needs.js'
import { checkSuite } from '../../../domain/expectations/suite.js'
import { describeAccepted } from '../../../domain/expectations/results.js'
import { isStorable } from '../../../domain/storable.js'
import type { MlforgeError } from '../../../domain/errors.js'
import type { ExpectationType } from '../../../contracts/rest/expectations.js'
import { expectation, suite } from '../../../sdk/index.js'

const COLUMNS: KnownColumn[] = [
  { name: 'n', type: 'integer' },
  { name: 'x', type: 'number' },
  { name: 's', type: 'string' },
  { name: 'b', type: 'boolean' },
  { name: 'd', type: 'date' },
  { name: 'later' },
]

function refused(input: unknown, columns: readonly KnownColumn[] | undefined = COLUMNS): MlforgeError {
  try {
    checkSuite(input, columns ? { columns } : {})
  } catch (error) {
    return error as MlforgeError
  }
  throw new Error('nothing was refused')
}

describe('suites', () => {
  it('describes a long expectation without half characters, which no row can hold', () => {
    for (const before of ['', 'x']) {
      const [one] = checkSuite([
        { type: 'expect_column_values_to_be_in_set', column: 's', value_set: [before + '😀'.repeat(400)] },
      ]).expectations
      expect(isStorable(describeAccepted(one!))).toBe(true)
    }
  })

  it('has at least 45 types, each with an example that is accepted', () => {
    expect(EXPECTATION_TYPES.length).toBeGreaterThanOrEqual(45)
    const examples = EXPECTATION_TYPES.map(type => ({ type, ...CATALOGUE[type].example }))
    const { expectations } = checkSuite(examples)
    expect(expectations.map(({ type }) => type)).toEqual(EXPECTATION_TYPES)
    for (const one of expectations)
      expect(needsOf(one).length > 0).toBe(CATALOGUE[one.type as keyof typeof CATALOGUE].query !== 'schema')
  })

  it('is the same list of types in the SDK', () => {
    const both: [ExpectationType] extends [keyof typeof CATALOGUE]
      ? [keyof typeof CATALOGUE] extends [ExpectationType]
        ? true
        : never
      : never = true
    expect(both).toBe(true)
  })

  it('is built in TypeScript as it is written in YAML', () => {
    const built = suite('orders', [
      expectation('expect_column_values_to_be_between', {
        column: 'x',
        min_value: 0,
        mostly: 0.9,
        severity: 'warn',
      }),
      expectation('expect_column_max_to_be_between', { column: 'd', min_value: { now: '-2d' } }),
    ])
    expect(checkSuite(built, { columns: COLUMNS })).toEqual({
      name: 'orders',
      expectations: [
        {
          type: 'expect_column_values_to_be_between',
          column: 'x',
          min_value: 0,
          mostly: 0.9,
          severity: 'warn',
        },
        {
          type: 'expect_column_max_to_be_between',
          column: 'd',
          min_value: { now: '-2d' },
          severity: 'error',
        },
      ],
    })
  })

  it('names all problems at once, with the nearest names', () => {
    const error = refused({
      nmae: 'x',
      expectations: [
        { type: 'expect_column_values_to_be_betwen', column: 'x' },
        {
          type: 'expect_column_values_to_be_between',
          column: 'x',
          min_value: 3,
          max_value: 2,
          mostly: 2,
          severty: 'error',
        },
        { type: 'expect_column_mean_to_be_between', column: 's', min_value: 0, mostly: 0.5 },
        { type: 'expect_column_values_to_be_in_set', column: 'n', value_set: ['a', 1], id: 'one' },
        { type: 'expect_column_values_to_match_regex', column: 's', regex: '(?=a)', id: 'one' },
        { type: 'expect_column_values_to_not_be_null', column: 'm', row_condition: 'col("nn") > 1 and' },
        { type: 'expect_column_values_to_not_be_null', column: 'x', row_condition: 'col("nn") > 1' },
        { type: 'expect_column_values_to_not_be_null', column: 'x', row_condition: 'col("n") > "a"' },
        { type: 'expect_column_to_exist', column: 'zzz', row_condition: 'col("n") > 1' },
        {
          type: 'expect_column_quantile_values_to_be_between',
          column: 'x',
          quantile_ranges: { quantiles: [2], value_ranges: [] },
        },
        {
          type: 'expect_column_kl_divergence_to_be_less_than',
          column: 's',
          threshold: 1,
          partition_object: { bins: [0, 1], weights: [0.5] },
        },
        { type: 'expect_column_values_to_be_between', column: 'x', min_value: { now: 'soon' } },
        { type: 'expect_column_values_to_be_of_type', column: 'x', type_: 'numbr' },
        'nonsense',
      ],
    })
    expect(error.code).toBe('invalid_request')
    expect(error.details.problems!.map(({ at }) => at)).toEqual([
      'nmae',
      'expectations[0].type',
      'expectations[1].severty',
      'expectations[1].mostly',
      'expectations[1].max_value',
      'expectations[2].mostly',
      'expectations[2].column',
      'expectations[3].value_set[0]',
      'expectations[4].regex',
      'expectations[4].id',
      'expectations[5].column',
      'expectations[5].row_condition',
      'expectations[6].row_condition',
      'expectations[7].row_condition',
      'expectations[8].row_condition',
      'expectations[9].quantile_ranges.quantiles',
      'expectations[10].partition_object.weights',
      'expectations[11].min_value.now',
      'expectations[12].type_',
      'expectations[13]',
    ])
    const said = Object.fromEntries(error.details.problems!.map(({ at, message }) => [at, message]))
    expect(said['expectations[0].type']).toContain('Did you mean "expect_column_values_to_be_between"?')
    expect(said['expectations[1].severty']).toContain('Did you mean "severity"?')
    expect(said['expectations[12].type_']).toContain('Did you mean "number"?')
  })

  it('says unknown_column where nothing else is wrong, and looks no columns up without any', () => {
    const one = [{ type: 'expect_column_values_to_not_be_null', column: 'nope' }]
    expect(refused(one).code).toBe('unknown_column')
    expect(checkSuite(one).expectations).toHaveLength(1)
  })

  it.each([null, 'suite', 5, { expectations: 'none' }, {}])('refuses %j', input => {
    expect(refused(input).code).toBe('invalid_request')
  })
})
