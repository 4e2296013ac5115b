import { describe, expect, it } from '@jest/globals'
import { importGreatExpectations } from '../../../domain/expectations/import-great-expectations.js'
import { checkSuite } from '../../../domain/expectations/suite.js'
import { greatExpectationsSuite } from '../../support/great-expectations.js'

describe('suites of Great Expectations', () => {
  it('are read in the form of 0.18, with what could not be taken over and why', () => {
    const { suite, left } = importGreatExpectations({
      expectation_suite_name: 'taxi.warning',
      data_asset_type: null,
      meta: {
        great_expectations_version: '0.18.22',
        notes: { format: 'markdown', content: ['of trips', 'by day'] },
      },
      expectations: [
        {
          expectation_type: 'expect_table_row_count_to_be_between',
          kwargs: { min_value: 1, max_value: null },
          meta: {},
        },
        {
          expectation_type: 'expect_column_values_to_be_between',
          kwargs: {
            column: 'fare',
            min_value: 0,
            mostly: 0.95,
            strict_min: true,
            result_format: 'BASIC',
            batch_id: 'x',
          },
          meta: { notes: 'no refunds' },
        },
        {
          expectation_type: 'expect_column_values_to_not_be_null',
          kwargs: {
            column: 'tip',
            row_condition: 'col("fare") > 3',
            condition_parser: 'great_expectations__experimental__',
          },
        },
        {
          expectation_type: 'expect_column_max_to_be_between',
          kwargs: { column: 'at', min_value: { $PARAMETER: 'now() - timedelta(hours=36)' } },
        },
        {
          expectation_type: 'expect_column_values_to_not_be_null',
          kwargs: { column: 'a', row_condition: 'fare > 3', condition_parser: 'pandas' },
        },
        {
          expectation_type: 'expect_column_values_to_match_json_schema',
          kwargs: { column: 'a', json_schema: {} },
        },
        {
          expectation_type: 'expect_column_mean_to_be_between',
          kwargs: { column: 'a', min_value: { $PARAMETER: 'upstream' } },
        },
        { expectation_type: 'expect_column_values_to_match_regex', kwargs: { column: 'a', regex: '(?!a)b' } },
        { expectation_type: 'expect_column_values_to_be_in_set', kwargs: { column: 'a', value_set: null } },
      ],
    })
    expect(suite).toEqual({
      name: 'taxi.warning',
      notes: 'of trips\nby day',
      expectations: [
        { type: 'expect_table_row_count_to_be_between', min_value: 1, severity: 'error' },
        {
          type: 'expect_column_values_to_be_between',
          column: 'fare',
          min_value: 0,
          mostly: 0.95,
          strict_min: true,
          severity: 'error',
          notes: 'no refunds',
        },
        {
          type: 'expect_column_values_to_not_be_null',
          column: 'tip',
          row_condition: 'col("fare") > 3',
          severity: 'error',
        },
        {
          type: 'expect_column_max_to_be_between',
          column: 'at',
          min_value: { now: '-36h' },
          severity: 'error',
        },
      ],
    })
    expect(left.map(({ at, reason }) => [at, reason])).toEqual([
      ['expectations[4]', expect.stringContaining('is written for pandas')],
      ['expectations[5]', 'MLForge has no expectation of this type.'],
      ['expectations[6]', 'min_value is the parameter "upstream" of a run; give it a value.'],
      ['expectations[7]', expect.stringContaining('RE2 cannot')],
      ['expectations[8]', 'value_set: is missing.'],
    ])
    expect(checkSuite(suite)).toEqual(suite)
  })

  it('are read as Great Expectations 1.x itself writes them', async () => {
    const written = await greatExpectationsSuite('orders', [
      {
        type: 'expect_column_values_to_be_between',
        kwargs: { column: 'x', min_value: 1, mostly: 0.5, severity: 'warning' },
      },
      {
        type: 'expect_column_values_to_be_in_set',
        kwargs: {
          column: 's',
          value_set: ['a', 'b'],
          notes: 'of old',
          row_condition: {
            type: 'and',
            conditions: [
              { type: 'comparison', column: { name: 'n' }, operator: '>', parameter: 3 },
              { type: 'nullity', column: { name: 'x' }, is_null: false },
            ],
          },
        },
      },
      {
        type: 'expect_column_quantile_values_to_be_between',
        kwargs: { column: 'x', quantile_ranges: { quantiles: [0.5], value_ranges: [[1, null]] } },
      },
      {
        type: 'expect_column_pair_values_a_to_be_greater_than_b',
        kwargs: { column_A: 'x', column_B: 'n', or_equal: true },
      },
      {
        type: 'expect_column_value_z_scores_to_be_less_than',
        kwargs: { column: 'x', threshold: 3, double_sided: true },
      },
      { type: 'expect_column_values_to_be_unique', kwargs: { column: 'n' } },
    ])
    const { suite, left } = importGreatExpectations(written)
    expect(left).toEqual([])
    expect(suite.name).toBe('orders')
    expect(suite.expectations.map(({ id: _id, ...rest }) => rest)).toMatchObject([
      {
        type: 'expect_column_values_to_be_between',
        column: 'x',
        min_value: 1,
        mostly: 0.5,
        severity: 'warn',
      },
      {
        type: 'expect_column_values_to_be_in_set',
        column: 's',
        value_set: ['a', 'b'],
        notes: 'of old',
        row_condition: 'col("n") > 3 and col("x").notNull()',
        severity: 'error',
      },
      { quantile_ranges: { quantiles: [0.5], value_ranges: [[1, null]] } },
      { column_A: 'x', column_B: 'n', or_equal: true },
      { threshold: 3, double_sided: true },
      { column: 'n' },
    ])
  })

  it('say so when they are none', () => {
    expect(importGreatExpectations('x').left).toHaveLength(1)
  })
})
