import type { Definition } from './definition.js'

const between = {
  query: 'scan',
  rows: false,
  parameters: {
    column: 'column',
    min_value: 'bound?',
    max_value: 'bound?',
    strict_min: 'flag?',
    strict_max: 'flag?',
  },
} as const

const numberBetween = {
  ...between,
  judges: 'number',
  bounds: 'numbers',
  parameters: { ...between.parameters, min_value: 'number?', max_value: 'number?' },
} as const

const distinct = {
  query: 'uniqueness',
  rows: false,
  parameters: { column: 'column', value_set: 'values' },
  judges: 'plain',
} as const

/** Expectations of a column as a whole. */
export const AGGREGATES = {
  expect_column_min_to_be_between: {
    ...between,
    about: 'The least value is within the bounds.',
    judges: 'comparable',
    bounds: 'values',
    example: { column: 'price', min_value: 0 },
  },
  expect_column_max_to_be_between: {
    ...between,
    about:
      'The greatest value is within the bounds. With a bound relative to now, `{ now: "-36h" }`, that is freshness.',
    judges: 'comparable',
    bounds: 'values',
    example: { column: 'at', min_value: { now: '-36h' } },
  },
  expect_column_mean_to_be_between: {
    ...numberBetween,
    about: 'The mean is within the bounds.',
    example: { column: 'price', min_value: 10, max_value: 20 },
  },
  expect_column_median_to_be_between: {
    ...numberBetween,
    about: 'The median is within the bounds.',
    example: { column: 'price', min_value: 10, max_value: 20 },
  },
  expect_column_sum_to_be_between: {
    ...numberBetween,
    about: 'The sum is within the bounds.',
    example: { column: 'units', min_value: 1 },
  },
  expect_column_stdev_to_be_between: {
    ...numberBetween,
    about: 'The standard deviation of the sample is within the bounds.',
    example: { column: 'price', max_value: 5 },
  },
  expect_column_quantile_values_to_be_between: {
    about: 'Each of these quantiles is within its range.',
    query: 'scan',
    rows: false,
    parameters: { column: 'column', quantile_ranges: 'quantiles', allow_relative_error: 'interpolation?' },
    judges: 'number',
    example: {
      column: 'price',
      quantile_ranges: {
        quantiles: [0.05, 0.95],
        value_ranges: [
          [0, 2],
          [40, null],
        ],
      },
    },
  },
  expect_column_proportion_of_non_null_values_to_be_between: {
    ...between,
    about: 'The share of rows with a value is within the bounds.',
    parameters: { ...between.parameters, min_value: 'share?', max_value: 'share?' },
    bounds: 'shares',
    example: { column: 'phone', min_value: 0.8 },
  },
  expect_column_unique_value_count_to_be_between: {
    about: 'The number of distinct values is within the bounds.',
    query: 'uniqueness',
    rows: false,
    parameters: {
      column: 'column',
      min_value: 'count?',
      max_value: 'count?',
      strict_min: 'flag?',
      strict_max: 'flag?',
    },
    judges: 'plain',
    bounds: 'counts',
    example: { column: 'colour', min_value: 2, max_value: 10 },
  },
  expect_column_proportion_of_unique_values_to_be_between: {
    about: 'The number of distinct values over the number of values is within the bounds.',
    query: 'uniqueness',
    rows: false,
    parameters: {
      column: 'column',
      min_value: 'share?',
      max_value: 'share?',
      strict_min: 'flag?',
      strict_max: 'flag?',
    },
    judges: 'plain',
    bounds: 'shares',
    example: { column: 'id', min_value: 0.99 },
  },
  expect_column_distinct_values_to_be_in_set: {
    ...distinct,
    about: 'The distinct values are among these.',
    example: { column: 'colour', value_set: ['red', 'green', 'blue'] },
  },
  expect_column_distinct_values_to_equal_set: {
    ...distinct,
    about: 'The distinct values are these, and all of them occur.',
    example: { column: 'weekday', value_set: [0, 1, 2, 3, 4, 5, 6] },
  },
  expect_column_distinct_values_to_contain_set: {
    ...distinct,
    about: 'All of these occur.',
    example: { column: 'colour', value_set: ['red'] },
  },
  expect_column_most_common_value_to_be_in_set: {
    ...distinct,
    about: 'The most frequent value is one of these; of several as frequent, with ties_okay, one is enough.',
    parameters: { ...distinct.parameters, ties_okay: 'flag?' },
    example: { column: 'colour', value_set: ['red', 'green'] },
  },
  expect_column_kl_divergence_to_be_less_than: {
    about: 'The Kullback-Leibler divergence from the reference (natural logarithm) is at most the threshold.',
    query: 'distribution',
    rows: false,
    parameters: {
      column: 'column',
      partition_object: 'partition',
      threshold: 'number',
      tail_weight_holdout: 'share?',
      internal_weight_holdout: 'share?',
    },
    judges: 'plain',
    example: {
      column: 'colour',
      partition_object: { values: ['red', 'green'], weights: [0.6, 0.4] },
      threshold: 0.1,
    },
  },
  expect_column_psi_to_be_less_than: {
    about: 'The population stability index against the reference is at most the threshold.',
    query: 'distribution',
    rows: false,
    parameters: { column: 'column', partition_object: 'partition', threshold: 'number' },
    judges: 'plain',
    ours: true,
    example: {
      column: 'price',
      partition_object: { bins: [0, 10, 20], weights: [0.7, 0.3] },
      threshold: 0.2,
    },
  },
  expect_column_ks_statistic_to_be_less_than: {
    about:
      'The greatest distance between the cumulative shares of the reference and of the column, at the edges of the bins, is at most the threshold.',
    query: 'distribution',
    rows: false,
    parameters: { column: 'column', partition_object: 'partition', threshold: 'number' },
    judges: 'number',
    ours: true,
    example: {
      column: 'price',
      partition_object: { bins: [0, 10, 20], weights: [0.7, 0.3] },
      threshold: 0.1,
    },
  },
} as const satisfies Record<string, Definition>
