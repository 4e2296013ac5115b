import { definitionOf } from './catalogue.js'
import type { Query } from './definition.js'
import type { Expectation } from './expectation.js'

/**
 * What has to be measured for an expectation to be judged.
 * - `rows` (under the row condition), `judged` (of those, with a value), `unexpected` (of those, otherwise)
 * - `min`, `max`, `mean`, `sum`, `stdev`, `median`, `quantiles` of a column
 * - `repeated` (keys that occur more than once), `distinct` (values), `foreign` (distinct values outside the
 *   set: how many, the first 20), `present` (those of the set), `modes` (what is most frequent),
 *   `frequencies` (rows by value of the reference, and of other values), `histogram` (rows by bin)
 * - `other_rows` of another table
 */
export type Measure =
  | 'distinct'
  | 'foreign'
  | 'frequencies'
  | 'histogram'
  | 'judged'
  | 'max'
  | 'mean'
  | 'median'
  | 'min'
  | 'modes'
  | 'other_rows'
  | 'present'
  | 'quantiles'
  | 'repeated'
  | 'rows'
  | 'stdev'
  | 'sum'
  | 'unexpected'

export interface Need {
  readonly measure: Measure
  readonly query: Exclude<Query, 'schema'>
}

const scan = (...measures: Measure[]): Need[] => measures.map(measure => ({ measure, query: 'scan' }))

const AGGREGATES: Readonly<Record<string, Measure>> = {
  expect_column_min_to_be_between: 'min',
  expect_column_max_to_be_between: 'max',
  expect_column_mean_to_be_between: 'mean',
  expect_column_median_to_be_between: 'median',
  expect_column_sum_to_be_between: 'sum',
  expect_column_stdev_to_be_between: 'stdev',
  expect_column_quantile_values_to_be_between: 'quantiles',
}

const UNIQUENESS: Readonly<Record<string, readonly Measure[]>> = {
  expect_column_unique_value_count_to_be_between: ['distinct'],
  expect_column_proportion_of_unique_values_to_be_between: ['distinct'],
  expect_column_distinct_values_to_be_in_set: ['foreign'],
  expect_column_distinct_values_to_equal_set: ['foreign', 'present'],
  expect_column_distinct_values_to_contain_set: ['present'],
  expect_column_most_common_value_to_be_in_set: ['modes'],
}

/** What is measured, and by which statement; nothing for what the schema says. */
export function needsOf(expectation: Expectation): Need[] {
  const { type } = expectation
  const { query, rows } = definitionOf(type)!
  if (query === 'schema') return []
  if (rows) {
    // How many are missing is what is left.
    if (judgesMissing(type)) return scan('rows', 'judged')
    const whole = type === 'expect_column_value_z_scores_to_be_less_than' ? scan('mean', 'stdev') : []
    const keys: Need[] = query === 'uniqueness' ? [{ measure: 'repeated', query }] : []
    return [...scan('rows', 'judged'), ...whole, { measure: 'unexpected', query }, ...keys]
  }
  if (Object.hasOwn(AGGREGATES, type)) return scan(AGGREGATES[type]!)
  if (Object.hasOwn(UNIQUENESS, type)) {
    return [
      ...scan('judged'),
      ...UNIQUENESS[type]!.map(measure => ({ measure, query: 'uniqueness' as const })),
    ]
  }
  if (type === 'expect_column_proportion_of_non_null_values_to_be_between') return scan('rows', 'judged')
  if (type === 'expect_table_row_count_to_equal_other_table')
    return [...scan('rows'), { measure: 'other_rows', query: 'reference' }]
  if (expectation.partition_object !== undefined) {
    // How often each value occurs is what the statement of uniqueness counts.
    return expectation.partition_object.values === undefined
      ? [...scan('judged'), { measure: 'histogram', query: 'distribution' }]
      : [...scan('judged'), { measure: 'frequencies', query: 'uniqueness' }]
  }
  return scan('rows')
}

/** Expectations of missing values judge every row. */
export const judgesMissing = (type: string): boolean =>
  type === 'expect_column_values_to_be_null' || type === 'expect_column_values_to_not_be_null'
