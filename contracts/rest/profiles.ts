/** Counts of equal bins: bin i begins at (first + i) 2^exponent. */
export interface ProfileHistogram {
  exponent: number
  first: number
  counts: number[]
}

export interface NumericFigures {
  mean: number | null
  std: number | null
  /** 1, 5, 25, 50, 75, 95 and 99 %. */
  quantiles: (number | null)[]
  nan: number
  infinite: number
  zeros: number
  negative: number | null
  skewness: number | null
  kurtosis: number | null
}

export interface TextFigures {
  minLength: number | null
  maxLength: number | null
  meanLength: number | null
  empty: number
}

export interface TemporalFigures {
  quantiles: (string | null)[]
}

export interface ColumnProfile {
  name: string
  type: string
  kind: 'integer' | 'number' | 'string' | 'boolean' | 'date' | 'timestamp' | 'other'
  count: number
  nulls: number
  distinct: number
  min: unknown
  max: unknown
  numeric: NumericFigures | null
  text: TextFigures | null
  temporal: TemporalFigures | null
  histogram: ProfileHistogram | null
  imbalance: number | null
  top: { value: unknown; count: number }[]
}

export interface ProfileCorrelations {
  columns: string[]
  /** Above the diagonal, row by row. */
  values: (number | null)[]
  /** The part of rows that they rest on. */
  sampled: number
  /** Numeric columns that were left out. */
  left: number
}

export interface ProfileAlert {
  kind:
    | 'constant'
    | 'duplicates'
    | 'high_cardinality'
    | 'high_correlation'
    | 'imbalance'
    | 'infinite'
    | 'missing'
    | 'skewed'
    | 'unique'
    | 'zeros'
  /** Null where it is of the table. */
  column: string | null
  value: number
  /** Of high correlations. */
  other?: string
}

/** What the rows of a version are like. */
export interface TableProfile {
  dataset: string
  version: number
  rows: number
  /** False where they are estimates. */
  exactQuantiles: boolean
  /** Rows that equal an earlier one; null where they were not counted. */
  duplicates: number | null
  correlations: ProfileCorrelations | null
  alerts: ProfileAlert[]
  columns: ColumnProfile[]
}

export interface NumberChange {
  from: number | null
  to: number | null
}

export interface TextChange {
  from: string | null
  to: string | null
}

export interface QuantilesChange {
  from: (number | string | null)[] | null
  to: (number | string | null)[] | null
}

export interface ColumnDistance {
  of: 'histogram' | 'values' | 'lengths'
  psi: number
  jensenShannon: number
  shift: 'none' | 'moderate' | 'large'
}

export interface ColumnDiff {
  name: string
  change: 'added' | 'removed' | 'retyped' | 'kept'
  type: TextChange
  missing: NumberChange
  distinct: NumberChange
  mean: NumberChange
  std: NumberChange
  quantiles: QuantilesChange
  distance: ColumnDistance | null
}

/** What the rows of one version are like otherwise than those of another. */
export interface ProfileDiff {
  dataset: string
  /** Numbers of the versions. */
  from: number
  to: number
  rows: NumberChange
  duplicates: NumberChange
  columns: ColumnDiff[]
  alertsAppeared: ProfileAlert[]
  alertsGone: ProfileAlert[]
}

export interface SchemaChange {
  column: string
  change: 'added' | 'removed' | 'retyped'
  type: TextChange
}

export interface TableChanges {
  rows: NumberChange
  schema: SchemaChange[]
  /** All columns, as a comparison of profiles has them; null where a version has no profile. */
  distributions: ColumnDiff[] | null
}

/** What the table of one version has otherwise than that of another. */
export interface TableDiff {
  dataset: string
  /** Numbers of the versions. */
  from: number
  to: number
  /** Null unless both versions have a table. */
  table: TableChanges | null
}
