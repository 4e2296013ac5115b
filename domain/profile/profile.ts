import type { Histogram } from './histogram.js'

/** Shares of the quantiles, in their order. */
export const QUANTILES = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99] as const

/** Values of a column as JSON has them: NaN, infinities and integers past 2^53 are text, times ISO 8601. */
export type ProfileValue =
  null | boolean | number | string | readonly ProfileValue[] | { readonly [key: string]: ProfileValue }

/** What a column holds, as far as a profile treats it differently. */
export type ColumnKind = 'integer' | 'number' | 'string' | 'boolean' | 'date' | 'timestamp' | 'other'

export interface ColumnProfile {
  readonly name: string
  /** Type in the Parquet file, as DuckDB names it. */
  readonly type: string
  readonly kind: ColumnKind
  readonly count: number
  readonly nulls: number
  /** Exact; missing is not counted, NaN is one value. */
  readonly distinct: number
  /** Of finite values where the column is a number; text is cut to 200 characters. */
  readonly min: ProfileValue
  readonly max: ProfileValue
  readonly numeric: NumericProfile | null
  readonly text: TextProfile | null
  readonly temporal: TemporalProfile | null
  /** Of finite numbers, lengths of texts, dates in days and timestamps in seconds since 1970. */
  readonly histogram: Histogram | null
  /**
   * 1 - H / log2(distinct), H the entropy of the values in bits: 0 where all are as frequent, towards 1 where one
   * has almost all rows. Null past 50 distinct values and below two.
   */
  readonly imbalance: number | null
  /** The most frequent values, missing among them, at most ten; equal counts by value. */
  readonly top: readonly TopValue[]
}

export interface TopValue {
  readonly value: ProfileValue
  readonly count: number
}

/** Over finite values. */
export interface NumericProfile {
  readonly mean: number | null
  /** Divides by n - 1. */
  readonly std: number | null
  /** By QUANTILES; they interpolate linearly (type 7 of Hyndman and Fan 1996) up to 4,000,000 rows. */
  readonly quantiles: readonly (number | null)[]
  readonly nan: number
  readonly infinite: number
  readonly zeros: number
  readonly negative: number | null
  /** Adjusted Fisher-Pearson coefficients G1 and G2 (Joanes and Gill 1998): those of pandas. */
  readonly skewness: number | null
  readonly kurtosis: number | null
}

/** Lengths are in characters (code points). */
export interface TextProfile {
  readonly minLength: number | null
  readonly maxLength: number | null
  readonly meanLength: number | null
  readonly empty: number
}

export interface TemporalProfile {
  /** By QUANTILES, ISO 8601, rounded down to the day or the millisecond. */
  readonly quantiles: readonly (string | null)[]
}

/** Pearson's correlation of pairs of numeric columns, over rows where both are finite. */
export interface Correlations {
  readonly columns: readonly string[]
  /** Above the diagonal, row by row; null where one of them does not vary. */
  readonly values: readonly (number | null)[]
  /** The part of rows they rest on: 1, or less where all would be too dear. */
  readonly sampled: number
  /** Numeric columns that were left out: there are more than 50. */
  readonly left: number
}

export interface Profile {
  readonly v: 2
  readonly rows: number
  /** False where the quantiles are estimates of a t-digest (Dunning 2021). */
  readonly exactQuantiles: boolean
  /** Rows that are the same as an earlier one in all columns; null where nobody has counted. */
  readonly duplicates: number | null
  readonly correlations: Correlations | null
  readonly columns: readonly ColumnProfile[]
}

/** The correlation at row i and column j of the matrix; 1 on the diagonal. */
export function correlationAt({ columns, values }: Correlations, i: number, j: number): number | null {
  if (i === j) return 1
  const [low, high] = i < j ? [i, j] : [j, i]
  return values[low * columns.length - (low * (low + 1)) / 2 + (high - low - 1)] ?? null
}

/** Rows without a value: NaN stands for one that is missing, as in pandas. */
export function missingOf({ nulls, numeric }: Pick<ColumnProfile, 'nulls' | 'numeric'>): number {
  return nulls + (numeric?.nan ?? 0)
}
