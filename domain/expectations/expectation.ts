import type { ColumnType } from '../datasets/schema.js'

/** An error refuses the data; a warning is recorded with it. */
export type Severity = 'error' | 'warn'

/** A value as JSON has it; dates and timestamps are ISO 8601 text. */
export type Scalar = string | number | boolean

/** The instant of the validation and an offset, `-36h` or `+2d`: what freshness is judged by. */
export interface RelativeToNow {
  readonly now: string
}

export type Bound = number | string | RelativeToNow

/** Which values of a column are expected how often: of numbers by bins, of others by values. */
export interface Partition {
  /** Ascending edges, one more than weights; the last bin holds its upper edge. */
  readonly bins?: readonly number[]
  readonly values?: readonly Scalar[]
  /** Shares, in sum 1 (with tail_weights). */
  readonly weights: readonly number[]
  /** Shares expected below the first and above the last edge. */
  readonly tail_weights?: readonly [number, number]
}

export interface QuantileRanges {
  readonly quantiles: readonly number[]
  /** One [least, greatest] for each quantile; null is unbounded. */
  readonly value_ranges: readonly (readonly [number | null, number | null])[]
}

export type IgnoreRow =
  | 'both_values_are_missing'
  | 'either_value_is_missing'
  | 'neither'
  | 'all_values_are_missing'
  | 'any_value_is_missing'
  | 'never'

export type Interpolation = 'nearest' | 'linear' | 'lower' | 'higher' | 'midpoint'

/** Parameters of all types, by the names that Great Expectations gives them. */
export interface Parameters {
  readonly column?: string
  readonly column_index?: number
  readonly column_A?: string
  readonly column_B?: string
  readonly column_list?: readonly string[]
  readonly column_set?: readonly string[]
  readonly exact_match?: boolean
  readonly min_value?: Bound
  readonly max_value?: Bound
  readonly strict_min?: boolean
  readonly strict_max?: boolean
  readonly value?: number
  readonly value_set?: readonly Scalar[]
  readonly value_pairs_set?: readonly (readonly [Scalar | null, Scalar | null])[]
  readonly type_?: string
  readonly type_list?: readonly string[]
  readonly regex?: string
  readonly regex_list?: readonly string[]
  readonly like_pattern?: string
  readonly like_pattern_list?: readonly string[]
  readonly match_on?: 'any' | 'all'
  readonly strftime_format?: string
  readonly strictly?: boolean
  readonly or_equal?: boolean
  readonly double_sided?: boolean
  readonly threshold?: number
  readonly ties_okay?: boolean
  readonly quantile_ranges?: QuantileRanges
  readonly allow_relative_error?: Interpolation
  readonly partition_object?: Partition
  readonly tail_weight_holdout?: number
  readonly internal_weight_holdout?: number
  readonly sum_total?: number
  readonly ignore_row_if?: IgnoreRow
  readonly other_table_name?: string
  readonly other_column?: string
}

export interface Common {
  /** Least share of judged values that must be as expected, 0 to 1. Default 1. */
  readonly mostly?: number
  /** Only rows for which this holds are looked at: `col("a") > 3 and col("b").notNull()`. */
  readonly row_condition?: string
  readonly severity: Severity
  /** Name within the suite. */
  readonly id?: string
  readonly notes?: string
  /** Whether NaN stands for no value, as in Great Expectations, or is a value beyond every bound. Default missing. */
  readonly nan?: 'missing' | 'value'
}

/** What is expected of a table. Made by `checkSuite`, which has looked at every member. */
export interface Expectation extends Common, Parameters {
  readonly type: string
}

export interface Suite {
  readonly name?: string
  readonly notes?: string
  readonly expectations: readonly Expectation[]
}

/** A column whose type may only be known once the file has been read, or be none that datasets have. */
export interface KnownColumn {
  readonly name: string
  readonly type?: ColumnType
}
