export type Scalar = string | number | boolean

/** Dates are ISO 8601 text; `now` is an offset from the validation, such as `-36h`. */
export type Bound = number | string | { now: string }

export type IgnorePair = 'both_values_are_missing' | 'either_value_is_missing' | 'neither'

export type IgnoreRow = 'all_values_are_missing' | 'any_value_is_missing' | 'never'

export type Interpolation = 'nearest' | 'linear' | 'lower' | 'higher' | 'midpoint'

/** How often values are expected: numbers by bins (ascending edges, one more than weights), others by value. */
export interface Partition {
  bins?: number[]
  values?: Scalar[]
  /** Shares; they sum to 1, with tail_weights. */
  weights: number[]
  /** Shares below the first and above the last edge. */
  tail_weights?: [number, number]
}

export interface QuantileRanges {
  /** 0 to 1. */
  quantiles: number[]
  /** [least, greatest] for each; null is unbounded. */
  value_ranges: [number | null, number | null][]
}

/** The parameters of every type of expectation, named as in Great Expectations. */
export interface ExpectationParameters {
  /** There is a column of this name, at this place (from 0) where one is given. */
  expect_column_to_exist: {
    column: string
    column_index?: number
  }
  /** The columns are these in any order; without exact_match there may be others. */
  expect_table_columns_to_match_set: {
    column_set: string[]
    exact_match?: boolean
  }
  /** The columns are these, in this order. */
  expect_table_columns_to_match_ordered_list: {
    column_list: string[]
  }
  /** There are as many columns. */
  expect_table_column_count_to_equal: {
    value: number
  }
  /** The number of columns is within the bounds. */
  expect_table_column_count_to_be_between: {
    min_value?: number
    max_value?: number
  }
  /** The column is of this type. */
  expect_column_values_to_be_of_type: {
    column: string
    type_: string
  }
  /** The column is of one of these types. */
  expect_column_values_to_be_in_type_list: {
    column: string
    type_list: string[]
  }
  /** There are as many rows. */
  expect_table_row_count_to_equal: {
    value: number
  }
  /** The number of rows is within the bounds. */
  expect_table_row_count_to_be_between: {
    min_value?: number
    max_value?: number
  }
  /** Another table has as many rows. */
  expect_table_row_count_to_equal_other_table: {
    other_table_name: string
  }
  /** The number of rows has changed by this share since the previous version: 0.1 is a tenth more, -0.1 a tenth fewer. Holds where there is no previous version. */
  expect_table_row_count_change_to_be_between: {
    min_value?: number
    max_value?: number
    strict_min?: boolean
    strict_max?: boolean
  }
  /** No row has a value. */
  expect_column_values_to_be_null: {
    column: string
  }
  /** Every row has a value. */
  expect_column_values_to_not_be_null: {
    column: string
  }
  /** Values are among these. */
  expect_column_values_to_be_in_set: {
    column: string
    value_set: Scalar[]
  }
  /** Values are none of these. */
  expect_column_values_to_not_be_in_set: {
    column: string
    value_set: Scalar[]
  }
  /** Values are within the bounds: numbers, ISO 8601 dates, or texts by code points. */
  expect_column_values_to_be_between: {
    column: string
    min_value?: Bound
    max_value?: Bound
    strict_min?: boolean
    strict_max?: boolean
  }
  /** The regular expression (RE2) is found in each value. */
  expect_column_values_to_match_regex: {
    column: string
    regex: string
  }
  /** The regular expression is found in no value. */
  expect_column_values_to_not_match_regex: {
    column: string
    regex: string
  }
  /** Any (or, with match_on all, each) of the regular expressions is found in each value. */
  expect_column_values_to_match_regex_list: {
    column: string
    regex_list: string[]
    match_on?: 'any' | 'all'
  }
  /** None of the regular expressions is found in any value. */
  expect_column_values_to_not_match_regex_list: {
    column: string
    regex_list: string[]
  }
  /** Values are LIKE the pattern of SQL, by case. */
  expect_column_values_to_match_like_pattern: {
    column: string
    like_pattern: string
  }
  /** No value is LIKE the pattern. */
  expect_column_values_to_not_match_like_pattern: {
    column: string
    like_pattern: string
  }
  /** Values are LIKE any (or, with match_on all, each) of the patterns. */
  expect_column_values_to_match_like_pattern_list: {
    column: string
    like_pattern_list: string[]
    match_on?: 'any' | 'all'
  }
  /** No value is LIKE one of the patterns. */
  expect_column_values_to_not_match_like_pattern_list: {
    column: string
    like_pattern_list: string[]
  }
  /** Texts have as many characters (Unicode code points). */
  expect_column_value_lengths_to_equal: {
    column: string
    value: number
  }
  /** The number of characters of texts is within the bounds. */
  expect_column_value_lengths_to_be_between: {
    column: string
    min_value?: number
    max_value?: number
    strict_min?: boolean
    strict_max?: boolean
  }
  /** Texts are dates written so. */
  expect_column_values_to_match_strftime_format: {
    column: string
    strftime_format: string
  }
  /** Texts are dates or timestamps, in ISO 8601 or a common form. */
  expect_column_values_to_be_dateutil_parseable: {
    column: string
  }
  /** Texts are JSON. */
  expect_column_values_to_be_json_parseable: {
    column: string
  }
  /** Both columns of a row hold the same value. */
  expect_column_pair_values_to_be_equal: {
    column_A: string
    column_B: string
    ignore_row_if?: IgnorePair
  }
  /** The value of column_A is greater than that of column_B of the row. */
  expect_column_pair_values_a_to_be_greater_than_b: {
    column_A: string
    column_B: string
    or_equal?: boolean
    ignore_row_if?: IgnorePair
  }
  /** The pair of values of a row is one of these. */
  expect_column_pair_values_to_be_in_set: {
    column_A: string
    column_B: string
    value_pairs_set: [Scalar | null, Scalar | null][]
    ignore_row_if?: IgnorePair
  }
  /** The values of the columns of a row sum to this. */
  expect_multicolumn_sum_to_equal: {
    column_list: string[]
    sum_total: number
    ignore_row_if?: IgnoreRow
  }
  /** All these columns of a row hold the same value; two missing ones are the same. */
  expect_multicolumn_values_to_be_equal: {
    column_list: string[]
    ignore_row_if?: IgnoreRow
  }
  /** No two of these columns of a row hold the same value. */
  expect_select_column_values_to_be_unique_within_record: {
    column_list: string[]
    ignore_row_if?: IgnoreRow
  }
  /** No value occurs twice. */
  expect_column_values_to_be_unique: {
    column: string
  }
  /** No two rows are alike in all these columns. */
  expect_compound_columns_to_be_unique: {
    column_list: string[]
    ignore_row_if?: IgnoreRow
  }
  /** Every value is in a column of another table: referential integrity. */
  expect_column_values_to_be_in_other_table: {
    column: string
    other_table_name: string
    other_column?: string
  }
  /** No value is below the one before it, in the order of rows; strictly: nor equal to it. */
  expect_column_values_to_be_increasing: {
    column: string
    strictly?: boolean
  }
  /** No value is above the one before it, in the order of rows; strictly: nor equal to it. */
  expect_column_values_to_be_decreasing: {
    column: string
    strictly?: boolean
  }
  /** Values are fewer standard deviations from the mean than the threshold, to both sides with double_sided (the default). */
  expect_column_value_z_scores_to_be_less_than: {
    column: string
    threshold: number
    double_sided?: boolean
  }
  /** The least value is within the bounds. */
  expect_column_min_to_be_between: {
    column: string
    min_value?: Bound
    max_value?: Bound
    strict_min?: boolean
    strict_max?: boolean
  }
  /** The greatest value is within the bounds. With a bound relative to now, `{ now: "-36h" }`, that is freshness. */
  expect_column_max_to_be_between: {
    column: string
    min_value?: Bound
    max_value?: Bound
    strict_min?: boolean
    strict_max?: boolean
  }
  /** The mean is within the bounds. */
  expect_column_mean_to_be_between: {
    column: string
    min_value?: number
    max_value?: number
    strict_min?: boolean
    strict_max?: boolean
  }
  /** The median is within the bounds. */
  expect_column_median_to_be_between: {
    column: string
    min_value?: number
    max_value?: number
    strict_min?: boolean
    strict_max?: boolean
  }
  /** The sum is within the bounds. */
  expect_column_sum_to_be_between: {
    column: string
    min_value?: number
    max_value?: number
    strict_min?: boolean
    strict_max?: boolean
  }
  /** The standard deviation of the sample is within the bounds. */
  expect_column_stdev_to_be_between: {
    column: string
    min_value?: number
    max_value?: number
    strict_min?: boolean
    strict_max?: boolean
  }
  /** Each of these quantiles is within its range. */
  expect_column_quantile_values_to_be_between: {
    column: string
    quantile_ranges: QuantileRanges
    allow_relative_error?: Interpolation
  }
  /** The share of rows with a value is within the bounds. */
  expect_column_proportion_of_non_null_values_to_be_between: {
    column: string
    min_value?: number
    max_value?: number
    strict_min?: boolean
    strict_max?: boolean
  }
  /** The number of distinct values is within the bounds. */
  expect_column_unique_value_count_to_be_between: {
    column: string
    min_value?: number
    max_value?: number
    strict_min?: boolean
    strict_max?: boolean
  }
  /** The number of distinct values over the number of values is within the bounds. */
  expect_column_proportion_of_unique_values_to_be_between: {
    column: string
    min_value?: number
    max_value?: number
    strict_min?: boolean
    strict_max?: boolean
  }
  /** The distinct values are among these. */
  expect_column_distinct_values_to_be_in_set: {
    column: string
    value_set: Scalar[]
  }
  /** The distinct values are these, and all of them occur. */
  expect_column_distinct_values_to_equal_set: {
    column: string
    value_set: Scalar[]
  }
  /** All of these occur. */
  expect_column_distinct_values_to_contain_set: {
    column: string
    value_set: Scalar[]
  }
  /** The most frequent value is one of these; of several as frequent, with ties_okay, one is enough. */
  expect_column_most_common_value_to_be_in_set: {
    column: string
    value_set: Scalar[]
    ties_okay?: boolean
  }
  /** The Kullback-Leibler divergence from the reference (natural logarithm) is at most the threshold. */
  expect_column_kl_divergence_to_be_less_than: {
    column: string
    partition_object: Partition
    threshold: number
    tail_weight_holdout?: number
    internal_weight_holdout?: number
  }
  /** The population stability index against the reference is at most the threshold. */
  expect_column_psi_to_be_less_than: {
    column: string
    partition_object: Partition
    threshold: number
  }
  /** The greatest distance between the cumulative shares of the reference and of the column, at the edges of the bins, is at most the threshold. */
  expect_column_ks_statistic_to_be_less_than: {
    column: string
    partition_object: Partition
    threshold: number
  }
}

export type ExpectationType = keyof ExpectationParameters

export interface ExpectationOptions {
  /** Least share of values that must be as expected, 0 to 1; for expectations of single rows. Default 1. */
  mostly?: number
  /** Only these rows: `col("a") > 3 and col("b").notNull()`. */
  row_condition?: string
  /** A failed `error` refuses the data, a failed `warn` is kept with it. Default error. */
  severity?: 'error' | 'warn'
  /** Name within the suite. */
  id?: string
  notes?: string
  /** Whether NaN stands for no value, or is a value beyond every bound. Default missing. */
  nan?: 'missing' | 'value'
}

/** One expectation, as it stands in a suite. */
export type TypedExpectation<T extends ExpectationType = ExpectationType> = T extends ExpectationType
  ? { type: T; kind?: never } & ExpectationParameters[T] & ExpectationOptions
  : never

export interface ExpectationSuite {
  name?: string
  notes?: string
  expectations: TypedExpectation[]
}
