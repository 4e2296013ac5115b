/** A value that a step knows: a category, or what missing values become. Dates are ISO 8601 text. */
export type TransformationScalar = string | number | boolean

/**
 * Missing values become one value (scikit-learn's SimpleImputer). `mean` and `median` give DOUBLE, the others
 * keep the type; the smallest of equally frequent values is taken. A column that has no value cannot be fitted.
 */
export interface ImputeStep {
  kind: 'impute'
  columns: string[]
  strategy: 'mean' | 'median' | 'most_frequent' | 'constant'
  /** With `constant`, and only then. */
  value?: TransformationScalar
  /** Adds `<column>_missing`, 1 where the value was missing. Default false. */
  indicator?: boolean
}

/**
 * (x - center) / scale: StandardScaler (population standard deviation), MinMaxScaler, RobustScaler (median and
 * interquartile range) or MaxAbsScaler. A column without spread is divided by 1; nulls stay null.
 */
export interface ScaleStep {
  kind: 'scale'
  columns: string[]
  method: 'standard' | 'min_max' | 'robust' | 'max_abs'
}

/**
 * A column of 0 and 1 for each category, named `<column>_<category>`, behind the others (OneHotEncoder).
 * Control characters of a name become `_`, a name above 100 characters is cut and ends in `~` and 8 digits of the
 * category's MD5, and a name that is taken gets `_2`, `_3` and so on.
 */
export interface OneHotStep {
  kind: 'one_hot'
  columns: string[]
  /** Rarer categories share `<column>_infrequent`: a count from 1, or below 1 a share of the rows. */
  minFrequency?: number
  /** Most columns that are made of one, `<column>_infrequent` counted. */
  maxCategories?: number
  /** Categories that the fit has not seen: all zeros, an error, or as infrequent where that is. Default error. */
  unknown?: 'ignore' | 'error' | 'infrequent'
  /** `category` adds `<column>_null`; by default a null has all zeros. */
  nulls?: 'zeros' | 'category'
  /** Default true. */
  dropOriginal?: boolean
}

/** Whole numbers from 0 in the order of the values, or in that which is given (OrdinalEncoder). Nulls stay null. */
export interface OrdinalStep {
  kind: 'ordinal'
  columns: string[]
  /** All categories of a column in their order. */
  order?: Record<string, TransformationScalar[]>
  /** Default error. */
  unknown?: 'error' | 'null' | 'value'
  /** With `unknown: value`, and only then. */
  unknownValue?: number
}

/**
 * The mean of the target in each category, drawn to the mean of all rows (TargetEncoder; nulls are no category
 * here: they get the mean, as unknown categories do). Rows without a target are left out of the fit. Fitted and
 * applied to the same rows it leaks: train on what cross-fitting gives.
 */
export interface TargetStep {
  kind: 'target'
  columns: string[]
  /** A number, or a boolean as 0 and 1. */
  target: string
  /** Rows that the mean of all counts as; `auto` estimates them for each category (empirical Bayes). Default auto. */
  smoothing?: number | 'auto'
}

/**
 * The number, from 0, of the bin that a value is in; a bin begins with its edge (KBinsDiscretizer, `encode:
 * ordinal`, quantiles linear). Equal edges are one; values outside are in the first or last bin.
 */
export interface BinStep {
  kind: 'bin'
  columns: string[]
  strategy: 'quantile' | 'uniform' | 'edges'
  /** 2 to 1,000; not with `edges`. */
  bins?: number
  /** Ascending, the outer two included; with `edges`, and only then. */
  edges?: number[]
  encode?: 'ordinal'
}

/** Values outside bounds become the bound: fixed ones, or quantiles (0 to 1, linear) of the rows of the fit. */
export interface ClipStep {
  kind: 'clip'
  columns: string[]
  min?: number
  max?: number
  lowerQuantile?: number
  upperQuantile?: number
}

/** ln(x + offset) (FunctionTransformer with log1p for the default of 1). */
export interface LogStep {
  kind: 'log'
  columns: string[]
  offset?: number
  /** Values of -offset and below. Default error. */
  invalid?: 'error' | 'null'
}

export type DatePart =
  | 'year'
  | 'quarter'
  | 'month'
  | 'day'
  | 'day_of_week'
  | 'day_of_year'
  | 'week'
  | 'hour'
  | 'minute'
  | 'is_weekend'

/** Parts of dates and timestamps (UTC), as `<column>_<part>`: ISO weeks, days of the week from Monday, 1, to 7. */
export interface DatePartsStep {
  kind: 'date_parts'
  columns: string[]
  parts: DatePart[]
  /** Adds `<column>_<part>_sin` and `_cos` for parts that come round. Default false. */
  cyclical?: boolean
  /** Default true. */
  dropOriginal?: boolean
}

/**
 * Text becomes the number of one of the buckets: MD5 of `<seed>:<text>`, its last 8 bytes, modulo the buckets. With
 * `tokens` the column becomes one of counts for each bucket, `<column>_<bucket>`, of its lower-cased words
 * (HashingVectorizer without signs and norm).
 */
export interface HashStep {
  kind: 'hash'
  columns: string[]
  /** 2 to 1,048,576; with `tokens` up to 1,000. */
  buckets: number
  /** Default 0. */
  seed?: number
  /** Default false. */
  tokens?: boolean
}

/** Products of columns, `a_x_b`, in the order of PolynomialFeatures; the columns themselves stay. */
export interface InteractStep {
  kind: 'interact'
  columns: string[]
  /** Most factors of a product. */
  degree: 2 | 3
  /** False takes powers of a column too. Default true. */
  interactionOnly?: boolean
}

/** Only these columns, in this order. */
export interface SelectStep {
  kind: 'select'
  columns: string[]
}

/** All columns but these. */
export interface DropStep {
  kind: 'drop'
  columns: string[]
}

/** Only the rows for which an SQL predicate is true. */
export interface FilterStep {
  kind: 'filter'
  where: string
}

/** Columns by SQL expressions over the row: no subqueries, no windows, no aggregates. */
export interface SqlStep {
  kind: 'sql'
  columns: Record<string, string>
}

/**
 * One step of a transformation. Numbers that steps compute are DOUBLE, and counts, codes and flags BIGINT. NaN is
 * a missing value as null is; infinities cannot be fitted, and are computed with as IEEE 754 has it when applied.
 */
export type TransformationStep =
  | ImputeStep
  | ScaleStep
  | OneHotStep
  | OrdinalStep
  | TargetStep
  | BinStep
  | ClipStep
  | LogStep
  | DatePartsStep
  | HashStep
  | InteractStep
  | SelectStep
  | DropStep
  | FilterStep
  | SqlStep
