/** Kinds of alerts. */
export const ALERT_KINDS = [
  'constant',
  'duplicates',
  'high_cardinality',
  'high_correlation',
  'imbalance',
  'infinite',
  'missing',
  'skewed',
  'unique',
  'zeros',
] as const

export type AlertKind = (typeof ALERT_KINDS)[number]

export interface Threshold {
  /** What is measured, and when it alerts. */
  readonly when: string
  readonly value: number
  /** Where the number is from. */
  readonly source: string
}

/** When a profile alerts. Shares are of all rows, 0 to 1. */
export const THRESHOLDS = {
  constant: {
    when: 'distinct values of a column with at least 2 values, at most',
    value: 1,
    source: 'ydata-profiling 4.18',
  },
  duplicates: {
    when: 'rows that equal an earlier one, more than',
    value: 0,
    source: 'ydata-profiling 4.18 (which asks for more than 0.01 rows)',
  },
  high_cardinality: {
    when: 'distinct values of a text column that is not unique, more than',
    value: 50,
    source: 'ydata-profiling 4.18: vars.cat.cardinality_threshold',
  },
  high_correlation: {
    when: "absolute value of Pearson's r of two numeric columns, more than",
    value: 0.7,
    source:
      'Dormann et al. 2013, "Collinearity", Ecography 36: above it estimates of models are distorted; ydata-profiling alerts at 0.5, where most pairs of real tables are merely related',
  },
  imbalance: {
    when: '1 - entropy / log2(distinct) of a text or boolean column of 2 to 50 values, more than',
    value: 0.5,
    source: 'ydata-profiling 4.18: vars.cat.imbalance_threshold',
  },
  infinite: {
    when: 'share of infinite numbers, more than',
    value: 0,
    source: 'ours: one makes means and trainings fail; ydata-profiling alerts at 0.01',
  },
  missing: {
    when: 'share of missing values, NaN among them, more than',
    value: 0.01,
    source: 'ydata-profiling 4.18: alert_value',
  },
  skewed: {
    when: 'absolute value of the skewness G1, more than',
    value: 20,
    source: 'ydata-profiling 4.18: vars.num.skewness_threshold',
  },
  unique: {
    when: 'share of values that are distinct, of a column without missing values that is no floating-point number, at least',
    value: 1,
    source: 'ydata-profiling 4.18, which tells it of floating-point numbers too, where it is the rule',
  },
  zeros: {
    when: 'share of numbers that are 0, more than',
    value: 0.1,
    source: 'ours: every count and flag has more zeros than the 0.01 of ydata-profiling',
  },
} as const satisfies Record<AlertKind, Threshold>

/** When the values of a column are said to have shifted between two versions, by their population stability index. */
export const SHIFTS = {
  moderate: { value: 0.1, source: 'Siddiqi, Credit Risk Scorecards, 2006, ch. 9' },
  large: { value: 0.25, source: 'Siddiqi, Credit Risk Scorecards, 2006, ch. 9' },
} as const
