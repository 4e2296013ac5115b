const times = (n: number, make: (i: number) => string): string =>
  Array.from({ length: n }, (_, i) => make(i)).join(', ')

/** 8 numbers with missing values, 4 integers, 4 texts of few and many values, 2 times, a flag and a key. */
export const TABLE = (rows: number): string => `SELECT
  ${times(8, i => `CASE WHEN hash(i * 31 + ${i}) % 50 = 0 THEN NULL ELSE (hash(i * 7 + ${i}) % 1000000) / 1000.0::DOUBLE END AS d${i}`)},
  ${times(4, i => `(hash(i * 13 + ${i}) % ${[10, 1000, 100_000, 1_000_000][i]})::BIGINT AS n${i}`)},
  ['red', 'green', 'blue', 'yellow'][1 + (hash(i) % 4)::INT] AS colour, 'c' || (hash(i * 3) % 100) AS category,
  'user' || (hash(i * 5) % 1000000) || '@example.com' AS mail, 'x' || (hash(i * 9) % 50000) AS code,
  DATE '2020-01-01' + (hash(i * 17) % 1500)::INT AS day,
  TIMESTAMP '2020-01-01' + INTERVAL (hash(i * 19) % 100000000) SECOND AS at,
  hash(i * 23) % 2 = 0 AS flag, i AS id FROM range(${rows}) r(i)`

const d = Array.from({ length: 8 }, (_, i) => `d${i}`)
const n = Array.from({ length: 4 }, (_, i) => `n${i}`)
const categories = Array.from({ length: 100 }, (_, i) => `c${i}`)

const rows = [
  ...d.map(column => ({ type: 'expect_column_values_to_be_between', column, min_value: 0, max_value: 1000 })),
  ...d.map(column => ({ type: 'expect_column_values_to_not_be_null', column, mostly: 0.95 })),
  ...n.map(column => ({ type: 'expect_column_values_to_be_between', column, min_value: 0 })),
  {
    type: 'expect_column_values_to_be_in_set',
    column: 'colour',
    value_set: ['red', 'green', 'blue', 'yellow'],
  },
  { type: 'expect_column_values_to_be_in_set', column: 'category', value_set: categories },
  { type: 'expect_column_values_to_be_in_set', column: 'n0', value_set: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9] },
  { type: 'expect_column_values_to_not_be_in_set', column: 'code', value_set: ['', 'unknown'] },
  { type: 'expect_column_values_to_match_regex', column: 'mail', regex: '^user[0-9]+@example\\.com$' },
  { type: 'expect_column_values_to_match_like_pattern', column: 'code', like_pattern: 'x%' },
  { type: 'expect_column_value_lengths_to_be_between', column: 'mail', min_value: 5, max_value: 40 },
  { type: 'expect_column_value_lengths_to_be_between', column: 'category', min_value: 2, max_value: 3 },
  { type: 'expect_column_values_to_be_between', column: 'day', min_value: '2020-01-01' },
  { type: 'expect_column_values_to_be_between', column: 'at', max_value: '2024-01-01' },
  { type: 'expect_column_values_to_not_be_null', column: 'id' },
  { type: 'expect_column_values_to_be_in_set', column: 'flag', value_set: [true, false] },
  {
    type: 'expect_column_values_to_be_between',
    column: 'd0',
    max_value: 1000,
    row_condition: 'col("colour") == "red" and col("n0") > 3',
  },
  { type: 'expect_column_values_to_not_be_null', column: 'd1', row_condition: 'col("n0") > 3', mostly: 0.9 },
  { type: 'expect_column_pair_values_a_to_be_greater_than_b', column_A: 'd0', column_B: 'd1', mostly: 0.4 },
  { type: 'expect_select_column_values_to_be_unique_within_record', column_list: ['n2', 'n3'], mostly: 0.9 },
  { type: 'expect_column_min_to_be_between', column: 'n1', min_value: 0 },
  { type: 'expect_column_max_to_be_between', column: 'n1', max_value: 1000 },
  { type: 'expect_column_max_to_be_between', column: 'at', max_value: '2024-01-01' },
  { type: 'expect_column_mean_to_be_between', column: 'd2', min_value: 400, max_value: 600 },
  { type: 'expect_column_mean_to_be_between', column: 'd3', min_value: 400, max_value: 600 },
  { type: 'expect_column_stdev_to_be_between', column: 'd2', max_value: 400 },
  { type: 'expect_column_sum_to_be_between', column: 'n2', min_value: 0 },
  { type: 'expect_column_proportion_of_non_null_values_to_be_between', column: 'd4', min_value: 0.9 },
  { type: 'expect_column_mean_to_be_between', column: 'd5', min_value: 400, max_value: 600 },
  { type: 'expect_column_min_to_be_between', column: 'day', min_value: '2020-01-01' },
  { type: 'expect_multicolumn_values_to_be_equal', column_list: ['n0', 'n1'], mostly: 0 },
  { type: 'expect_column_values_to_be_of_type', column: 'd0', type_: 'number' },
  { type: 'expect_column_to_exist', column: 'id' },
  { type: 'expect_table_row_count_to_be_between', min_value: 1 },
]

/** Of rows and aggregates, of the schema and of the number of rows. */
export const scanned = rows

/** The same, with ranges that some rows are beyond: every value is compared. */
export const compared = rows.map(row =>
  row.type === 'expect_column_values_to_be_between' && ('min_value' in row || 'max_value' in row)
    ? {
        ...row,
        mostly: 0.5,
        ...(/^[dn]\d$/.test(row.column ?? '') && {
          min_value: 1,
          max_value: row.column!.startsWith('d') ? 999 : 999_000,
        }),
      }
    : row,
)

/** Some of them given up for what needs more than one scan. */
export const mixed = [
  ...rows.slice(8),
  { type: 'expect_column_values_to_be_unique', column: 'id' },
  { type: 'expect_column_unique_value_count_to_be_between', column: 'category', max_value: 100 },
  {
    type: 'expect_column_most_common_value_to_be_in_set',
    column: 'colour',
    value_set: ['red', 'green', 'blue', 'yellow'],
    ties_okay: true,
  },
  { type: 'expect_column_median_to_be_between', column: 'd5', min_value: 400, max_value: 600 },
  { type: 'expect_column_values_to_be_increasing', column: 'id' },
  { type: 'expect_column_value_z_scores_to_be_less_than', column: 'd6', threshold: 4 },
  {
    type: 'expect_column_kl_divergence_to_be_less_than',
    column: 'd7',
    partition_object: { bins: [0, 250, 500, 750, 1000], weights: [0.25, 0.25, 0.25, 0.25] },
    threshold: 0.1,
  },
  {
    type: 'expect_column_psi_to_be_less_than',
    column: 'colour',
    partition_object: { values: ['red', 'green', 'blue', 'yellow'], weights: [0.25, 0.25, 0.25, 0.25] },
    threshold: 0.1,
  },
]
