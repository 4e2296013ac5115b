import { expect } from '@jest/globals'

type Parameters = Readonly<Record<string, unknown>>

export interface ParityCase {
  readonly table: string
  readonly type: string
  readonly parameters: Parameters
  /** What Great Expectations answers where ours differs on purpose, and why. */
  readonly differs?: { readonly why: string; readonly theirs: Parameters; readonly ours: Parameters }
}

const cases: ParityCase[] = []

function add(table: string, type: string, ...all: readonly Parameters[]): void {
  cases.push(...all.map(parameters => ({ table, type: `expect_${type}`, parameters })))
}

function differ(
  table: string,
  type: string,
  parameters: Parameters,
  differs: NonNullable<ParityCase['differs']>,
): void {
  cases.push({ table, type: `expect_${type}`, parameters, differs })
}

add('main', 'column_to_exist', { column: 'n' }, { column: 'n', column_index: 0 }, { column: 'nope' })
add(
  'ties',
  'table_columns_to_match_set',
  { column_set: ['g', 'v', 'h', 'w'] },
  { column_set: ['g', 'v', 'h'] },
  { column_set: ['g', 'v'], exact_match: false },
  { column_set: ['g', 'no'], exact_match: false },
)
add(
  'ties',
  'table_columns_to_match_ordered_list',
  { column_list: ['v', 'g', 'h', 'w'] },
  { column_list: ['g', 'v', 'h', 'w'] },
  { column_list: ['v', 'g'] },
)
add('main', 'table_column_count_to_equal', { value: 19 }, { value: 3 })
add(
  'main',
  'table_column_count_to_be_between',
  { min_value: 2, max_value: 30 },
  { max_value: 3 },
  { min_value: 20 },
)
add('main', 'table_row_count_to_equal', { value: 8 }, { value: 9 })
add('empty', 'table_row_count_to_equal', { value: 0 }, { value: 1 })
add(
  'main',
  'table_row_count_to_be_between',
  { min_value: 8, max_value: 8 },
  { min_value: 9 },
  { max_value: 7 },
)

for (const table of ['main', 'empty', 'single']) {
  add(
    table,
    'column_values_to_be_null',
    { column: 'zn' },
    { column: 'zs' },
    { column: 'x' },
    { column: 's', mostly: 0.1 },
  )
  add(
    table,
    'column_values_to_not_be_null',
    { column: 'n' },
    { column: 'x' },
    { column: 'x', mostly: 0.75 },
    { column: 'zs' },
    { column: 's', mostly: 0.9 },
  )
  add(
    table,
    'column_values_to_be_in_set',
    { column: 'n', value_set: [1, 2, 3, 5] },
    { column: 's', value_set: ['a', 'é', ''], mostly: 0.5 },
    { column: 'zs', value_set: ['a'] },
  )
  add(
    table,
    'column_values_to_be_between',
    { column: 'x', min_value: 0, max_value: 5 },
    { column: 'zn', min_value: 0 },
    { column: 'n', min_value: 1, strict_min: true },
  )
  add(table, 'column_values_to_be_unique', { column: 'n' }, { column: 's' }, { column: 'zs' })
  add(table, 'column_max_to_be_between', { column: 'x', max_value: 10 }, { column: 'zn', max_value: 10 })
  add(
    table,
    'column_mean_to_be_between',
    { column: 'x', min_value: 2, max_value: 3 },
    { column: 'zn', min_value: 0 },
  )
  add(
    table,
    'column_sum_to_be_between',
    { column: 'x', min_value: 0, max_value: 20 },
    { column: 'zn', min_value: 0 },
  )
  add(table, 'column_stdev_to_be_between', { column: 'x', min_value: 0, max_value: 4 })
  add(
    table,
    'column_median_to_be_between',
    { column: 'x', min_value: 2, max_value: 3 },
    { column: 'n', min_value: 4 },
  )
  add(
    table,
    'column_unique_value_count_to_be_between',
    { column: 's', min_value: 1, max_value: 6 },
    { column: 'zs', max_value: 0 },
  )
  add(table, 'compound_columns_to_be_unique', { column_list: ['n', 's'] }, { column_list: ['n', 'k'] })
}

add(
  'main',
  'column_values_to_be_in_set',
  { column: 'x', value_set: [0.5, 2.25, 10] },
  { column: 'b', value_set: [true] },
  { column: 'n', value_set: [1, 2.5] },
  { column: 's', value_set: ['日本語'], row_condition: 'col("n") > 4' },
  { column: 's', value_set: ['a', 'abc def', '日本語', '', 'b', 'é'] },
)
add(
  'main',
  'column_values_to_not_be_in_set',
  { column: 'n', value_set: [2, 7] },
  { column: 's', value_set: [''] },
  { column: 's', value_set: ['zzz'], mostly: 0.9 },
  { column: 'x', value_set: [2.25], mostly: 0.6 },
)
add(
  'main',
  'column_values_to_be_between',
  { column: 'x', min_value: 0.5, max_value: 10, strict_max: true },
  { column: 'x', min_value: -1, strict_min: true, mostly: 0.8 },
  { column: 'x', min_value: -1, strict_min: true, mostly: 0.85 },
  { column: 'x', max_value: 3, row_condition: 'col("n") >= 5' },
  { column: 'n', min_value: 1.5, max_value: 8 },
  { column: 't', min_value: '2026-01-02T00:00:00', max_value: '2026-02-28T00:00:00' },
  { column: 'd', min_value: '2026-01-01T00:00:00', max_value: '2026-03-05T12:00:00' },
  { column: 'd', min_value: '2026-01-01T00:00:00', strict_min: true },
  { column: 'k', min_value: 2, max_value: 7 },
)
add(
  'main',
  'column_values_to_be_unique',
  { column: 'k' },
  { column: 'x' },
  { column: 't', mostly: 0.5 },
  { column: 's', row_condition: 'col("n") != 3' },
  { column: 'd' },
  { column: 'n', mostly: 0.3 },
  { column: 'u', row_condition: 'col("s").notNull()' },
)
add(
  'main',
  'column_values_to_match_regex',
  { column: 'mail', regex: '@' },
  { column: 'mail', regex: '^[^@]+@[^@]+$', mostly: 0.7 },
  { column: 's', regex: '^.$' },
  { column: 's', regex: '日' },
  { column: 'mail', regex: '^[a-z]' },
  { column: 'zs', regex: 'x' },
)
add(
  'main',
  'column_values_to_not_match_regex',
  { column: 'mail', regex: '@' },
  { column: 's', regex: ' ' },
  { column: 's', regex: '\\d' },
)
add(
  'main',
  'column_values_to_match_regex_list',
  { column: 'mail', regex_list: ['@', '^nobody$'] },
  { column: 'mail', regex_list: ['@', '^a'], match_on: 'all' },
  { column: 'mail', regex_list: ['@', '^a'], match_on: 'any' },
)
add(
  'main',
  'column_values_to_not_match_regex_list',
  { column: 'mail', regex_list: ['nobody', 'zzz'] },
  { column: 's', regex_list: ['[0-9]'] },
)
add(
  'main',
  'column_value_lengths_to_equal',
  { column: 's', value: 1 },
  { column: 'mail', value: 5, mostly: 0.4 },
  { column: 'zs', value: 1 },
)
add(
  'main',
  'column_value_lengths_to_be_between',
  { column: 's', min_value: 1, max_value: 3 },
  { column: 's', max_value: 6 },
  { column: 's', min_value: 0, strict_min: true, mostly: 0.8 },
  { column: 's', min_value: 1, max_value: 7, strict_max: true },
)
add(
  'main',
  'column_values_to_match_strftime_format',
  { column: 'day', strftime_format: '%Y-%m-%d' },
  { column: 'day', strftime_format: '%d.%m.%Y', mostly: 0.1 },
)
add('main', 'column_values_to_be_json_parseable', { column: 'doc' }, { column: 'doc', mostly: 0.5 })
add(
  'main',
  'column_values_to_be_increasing',
  { column: 't' },
  { column: 't', strictly: true },
  { column: 'n' },
  { column: 'up' },
  { column: 'up', strictly: true, mostly: 0.5 },
  { column: 'up', row_condition: 'col("n") < 8' },
  { column: 'one', strictly: true },
)
add(
  'main',
  'column_values_to_be_decreasing',
  { column: 'down' },
  { column: 'down', strictly: true },
  { column: 'x' },
)
add(
  'main',
  'column_value_z_scores_to_be_less_than',
  { column: 'x', threshold: 1.5, double_sided: true },
  { column: 'x', threshold: 1.5, double_sided: false },
  { column: 'one', threshold: 1, double_sided: true },
  { column: 'n', threshold: 0.5, double_sided: true, mostly: 0.5 },
  { column: 'zn', threshold: 1, double_sided: true },
)
add(
  'ties',
  'column_value_z_scores_to_be_less_than',
  { column: 'w', threshold: 2, double_sided: true },
  { column: 'w', threshold: -0.3, double_sided: false },
)

add(
  'main',
  'column_pair_values_to_be_equal',
  { column_A: 'x', column_B: 'y' },
  { column_A: 'x', column_B: 'y', ignore_row_if: 'either_value_is_missing' },
  { column_A: 'x', column_B: 'y', ignore_row_if: 'neither' },
  { column_A: 's', column_B: 'u', mostly: 0.4 },
  { column_A: 'x', column_B: 'y', row_condition: 'col("n") < 8' },
)
add(
  'main',
  'column_pair_values_a_to_be_greater_than_b',
  { column_A: 'x', column_B: 'y' },
  { column_A: 'x', column_B: 'y', or_equal: true },
  { column_A: 'x', column_B: 'y', or_equal: true, ignore_row_if: 'either_value_is_missing' },
  { column_A: 'n', column_B: 'one' },
)
add('empty', 'column_pair_values_a_to_be_greater_than_b', { column_A: 'n', column_B: 'one' })
add(
  'ties',
  'column_pair_values_to_be_in_set',
  {
    column_A: 'v',
    column_B: 'h',
    value_pairs_set: [
      ['a', 'p'],
      ['b', 'p'],
      ['a', 'q'],
    ],
  },
  {
    column_A: 'v',
    column_B: 'h',
    value_pairs_set: [
      ['a', 'p'],
      ['b', 'p'],
      ['a', 'q'],
      ['b', null],
    ],
    mostly: 0.7,
  },
  { column_A: 'v', column_B: 'g', value_pairs_set: [['a', 1]], ignore_row_if: 'either_value_is_missing' },
)
add(
  'main',
  'multicolumn_sum_to_equal',
  { column_list: ['p', 'q'], sum_total: 1 },
  { column_list: ['p', 'q'], sum_total: 1, ignore_row_if: 'any_value_is_missing' },
  { column_list: ['n', 'one', 'down'], sum_total: 16 },
)
add(
  'ties',
  'compound_columns_to_be_unique',
  { column_list: ['g', 'h'] },
  { column_list: ['g', 'h'], ignore_row_if: 'any_value_is_missing' },
  { column_list: ['g', 'h'], ignore_row_if: 'never' },
  { column_list: ['v', 'g'] },
  { column_list: ['v', 'h'], row_condition: 'col("g") > 1' },
  { column_list: ['g', 'h'], mostly: 0.3 },
)
add('main', 'compound_columns_to_be_unique', { column_list: ['zn', 'zs'] }, { column_list: ['x', 'y'] })
add(
  'main',
  'select_column_values_to_be_unique_within_record',
  { column_list: ['n', 'k', 'one'] },
  { column_list: ['s', 'u'] },
  { column_list: ['x', 'y'] },
  { column_list: ['s', 'u'], ignore_row_if: 'any_value_is_missing', mostly: 0.5 },
)
add(
  'main',
  'multicolumn_values_to_be_equal',
  { column_list: ['n', 'one'] },
  { column_list: ['s', 'u'] },
  { column_list: ['x', 'y'], ignore_row_if: 'never' },
)

add(
  'main',
  'column_min_to_be_between',
  { column: 'x', min_value: -1 },
  { column: 'x', min_value: -1, strict_min: true },
  { column: 't', min_value: '2026-01-01T00:00:00' },
  { column: 'n', min_value: 1, max_value: 1 },
  { column: 'x', min_value: 2, row_condition: 'col("n") > 4' },
)
add(
  'main',
  'column_max_to_be_between',
  { column: 't', max_value: '2026-02-28T00:00:00' },
  { column: 'k', min_value: 8, max_value: 8 },
  { column: 'n', max_value: 8, strict_max: true },
  { column: 'x', max_value: 3, row_condition: 'col("n") < 4' },
)
add(
  'main',
  'column_mean_to_be_between',
  { column: 'n', min_value: 4.625, max_value: 4.625 },
  { column: 'k', min_value: 5 },
  { column: 'x', min_value: 0, row_condition: 'col("s") == "a"' },
)
add(
  'main',
  'column_stdev_to_be_between',
  { column: 'n', max_value: 3 },
  { column: 'one', max_value: 0 },
  { column: 'zn', min_value: 0 },
)
add(
  'main',
  'column_sum_to_be_between',
  { column: 'n', min_value: 37, max_value: 37 },
  { column: 'y', max_value: 9 },
)
const quantiles = (column: string, quantiles: number[], ...value_ranges: unknown[]) => ({
  column,
  quantile_ranges: { quantiles, value_ranges },
})
add(
  'main',
  'column_quantile_values_to_be_between',
  quantiles('x', [0, 0.5, 1], [-1, 0], [2, 2.5], [9, null]),
  quantiles('n', [0.25, 0.75], [2, 2], [5, 7]),
  quantiles('k', [0.1, 0.5, 0.9], [1, 1], [5, 5], [8, 8]),
  quantiles('zn', [0.5], [0, 1]),
  { ...quantiles('x', [0.3], [0, 1]), allow_relative_error: 'linear' },
  { ...quantiles('x', [0.3], [0, 1]), allow_relative_error: 'lower' },
  { ...quantiles('x', [0.3], [0, 1]), allow_relative_error: 'higher' },
  { ...quantiles('x', [0.3], [0, 1]), allow_relative_error: 'midpoint' },
)
add(
  'spread',
  'column_quantile_values_to_be_between',
  quantiles('v', [0.05, 0.25, 0.5, 0.75, 0.95], [0, 1], [3, 3], [6, 6], [9, 9], [11, 12]),
  quantiles('v', [0.125, 0.375, 0.625], [1, 2], [4, 5], [7, 8]),
)
add(
  'main',
  'column_unique_value_count_to_be_between',
  { column: 'x', min_value: 5, max_value: 5 },
  { column: 'n', max_value: 4 },
  { column: 'd', min_value: 5 },
)
add(
  'main',
  'column_proportion_of_unique_values_to_be_between',
  { column: 'x', min_value: 0.8 },
  { column: 'n', max_value: 0.5 },
  { column: 'one', max_value: 0.125 },
)
add(
  'main',
  'column_proportion_of_non_null_values_to_be_between',
  { column: 'x', min_value: 0.75, max_value: 0.75 },
  { column: 's', min_value: 0.9 },
  { column: 'zs', max_value: 0 },
)
add(
  'main',
  'column_distinct_values_to_be_in_set',
  { column: 's', value_set: ['a', 'b', 'é', '日本語', '', 'abc def', 'more'] },
  { column: 's', value_set: ['a', 'b'] },
  { column: 'n', value_set: [1, 2, 3, 5, 8] },
  { column: 'zs', value_set: ['a'] },
)
add(
  'main',
  'column_distinct_values_to_equal_set',
  { column: 'n', value_set: [1, 2, 3, 5, 8] },
  { column: 'n', value_set: [1, 2, 3, 5, 8, 13] },
  { column: 'u', value_set: ['a', 'b'] },
)
add(
  'main',
  'column_distinct_values_to_contain_set',
  { column: 'n', value_set: [1, 8] },
  { column: 'n', value_set: [1, 9] },
  { column: 'u', value_set: ['日本語'] },
)
add(
  'main',
  'column_most_common_value_to_be_in_set',
  { column: 'n', value_set: [8] },
  { column: 'n', value_set: [2] },
  { column: 's', value_set: ['a', 'b'] },
  { column: 'x', value_set: [2.25] },
)
add(
  'ties',
  'column_most_common_value_to_be_in_set',
  { column: 'v', value_set: ['a'] },
  { column: 'v', value_set: ['a'], ties_okay: true },
  { column: 'v', value_set: ['a', 'b'] },
  { column: 'v', value_set: ['c'], ties_okay: true },
  { column: 'g', value_set: [1, 2, 3], ties_okay: true },
)

const bins = { bins: [0, 3, 6, 9], weights: [0.3, 0.3, 0.4] }
const values = { values: ['a', 'b', 'c'], weights: [0.4, 0.3, 0.3] }
add(
  'spread',
  'column_kl_divergence_to_be_less_than',
  { column: 'v', partition_object: bins, threshold: 0.1, tail_weight_holdout: 0.1 },
  { column: 'v', partition_object: bins, threshold: 0.1 },
  { column: 'v', partition_object: { bins: [0, 4, 8, 12], weights: [0.3, 0.3, 0.4] }, threshold: 0.01 },
  {
    column: 'v',
    partition_object: { bins: [2, 4, 8], weights: [0.4, 0.3], tail_weights: [0.1, 0.2] },
    threshold: 0.5,
  },
  {
    column: 'v',
    partition_object: { bins: [0, 4, 8, 12], weights: [0.5, 0, 0.5] },
    threshold: 1,
    internal_weight_holdout: 0.1,
    tail_weight_holdout: 0.05,
  },
  { column: 'c', partition_object: values, threshold: 0.3, tail_weight_holdout: 0.2 },
  { column: 'c', partition_object: values, threshold: 0.3 },
  {
    column: 'c',
    partition_object: { values: ['a', 'b', 'c', 'd', 'e', 'f'], weights: [0.3, 0.2, 0.2, 0.1, 0.1, 0.1] },
    threshold: 0.3,
  },
)

// Row conditions joined: as objects in Great Expectations.
add(
  'main',
  'column_values_to_not_be_null',
  { column: 's', row_condition: 'col("n") > 2 and col("x").notNull()' },
  { column: 'x', row_condition: 'col("n") == 2 or col("s") == "b"' },
  { column: 'u', row_condition: 'col("s").isIn(["a", "b"])' },
  { column: 'u', row_condition: 'col("u").isNull()' },
  { column: 'u', row_condition: '(col("n") > 2 and col("n") < 8) or col("s") == "a"' },
)
add(
  'main',
  'column_values_to_be_between',
  { column: 'x', min_value: 0, row_condition: 'col("n").isNotIn([1, 2])' },
  { column: 'x', min_value: 0, mostly: 0.5, row_condition: 'col("x") <= 0.5' },
  { column: 'n', min_value: 4, row_condition: 'col("x") > 100' },
)

add(
  'main',
  'column_values_to_be_dateutil_parseable',
  { column: 'day' },
  { column: 'zs' },
  { column: 'day', mostly: 0.5 },
)

// Where ours is another on purpose: docs/reference/expectations.md says so.
differ(
  'main',
  'column_to_exist',
  { column: 'x', column_index: 0 },
  {
    why: 'theirs does not look at column_index on pandas',
    theirs: { success: true },
    ours: { success: false },
  },
)
differ(
  'main',
  'column_values_to_be_between',
  { column: 'd', min_value: '2026-01-01' },
  {
    why: 'theirs does not compare days with days on pandas',
    theirs: { error: expect.stringContaining('Cannot compare Timestamp') },
    ours: { success: false, unexpected_count: 1 },
  },
)
differ(
  'main',
  'column_values_to_be_between',
  { column: 's', min_value: 'a', max_value: 'b' },
  {
    why: 'theirs takes no texts as bounds',
    theirs: { error: expect.stringContaining('not a valid float') },
    ours: { success: false, unexpected_count: 3 },
  },
)
differ(
  'main',
  'column_values_to_be_of_type',
  { column: 'n', type_: 'int64' },
  {
    why: 'the type that was found is ours',
    theirs: { success: true, observed_value: 'int64' },
    ours: { success: true, observed_value: 'integer' },
  },
)
differ(
  'main',
  'column_values_to_be_in_type_list',
  { column: 'x', type_list: ['int64', 'float64'] },
  {
    why: 'the type that was found is ours',
    theirs: { success: true, observed_value: 'float64' },
    ours: { success: true, observed_value: 'number' },
  },
)
differ(
  'main',
  'column_values_to_be_in_type_list',
  { column: 'x', type_list: ['int64', 'bool'] },
  {
    why: 'the type that was found is ours',
    theirs: { success: false, observed_value: 'float64' },
    ours: { success: false, observed_value: 'number' },
  },
)
differ(
  'main',
  'column_values_to_not_be_null',
  { column: 's', row_condition: 'col("x") != 3' },
  {
    why: 'what is missing is not different from 3 in SQL, but is in pandas',
    theirs: { element_count: 7 },
    ours: { element_count: 5 },
  },
)
differ(
  'words',
  'column_values_to_match_regex',
  { column: 'w', regex: '^\\d+$' },
  {
    why: 'digits are those of ASCII in RE2, of all scripts in Python',
    theirs: { unexpected_count: 1 },
    ours: { unexpected_count: 2 },
  },
)
differ(
  'words',
  'column_values_to_be_dateutil_parseable',
  { column: 'w' },
  {
    why: 'dateutil takes a number for a day of this month',
    theirs: { unexpected_count: 1 },
    ours: { unexpected_count: 3 },
  },
)

export const CASES: readonly ParityCase[] = cases
