import type { ColumnProfile, Profile } from '../../../domain/profile/profile.js'

/** A column of 100 integers 0 to 9, or what is otherwise. */
export function column(given: Partial<ColumnProfile> = {}): ColumnProfile {
  return {
    name: 'x',
    type: 'BIGINT',
    kind: 'integer',
    count: 100,
    nulls: 0,
    distinct: 10,
    min: 0,
    max: 9,
    numeric: numeric(),
    text: null,
    temporal: null,
    histogram: { exponent: 0, first: 0, counts: Array.from({ length: 10 }, () => 10) },
    imbalance: 0,
    top: Array.from({ length: 10 }, (_, value) => ({ value, count: 10 })),
    ...given,
  }
}

export function numeric(given: Partial<NonNullable<ColumnProfile['numeric']>> = {}) {
  return {
    mean: 4.5,
    std: 2.9,
    quantiles: [0, 0, 2, 4.5, 7, 9, 9],
    nan: 0,
    infinite: 0,
    zeros: 10,
    negative: 0,
    skewness: 0,
    kurtosis: -1.2,
    ...given,
  }
}

export function text(given: Partial<ColumnProfile> = {}): ColumnProfile {
  const top = [
    { value: 'red', count: 60 },
    { value: 'green', count: 40 },
  ]
  return column({
    name: 'colour',
    type: 'VARCHAR',
    kind: 'string',
    distinct: 2,
    min: 'green',
    max: 'red',
    numeric: null,
    text: { minLength: 3, maxLength: 5, meanLength: 3.8, empty: 0 },
    histogram: { exponent: 0, first: 3, counts: [60, 0, 40] },
    imbalance: 0.03,
    top,
    ...given,
  })
}

export function profile(columns: readonly ColumnProfile[], given: Partial<Profile> = {}): Profile {
  return { v: 2, rows: 100, exactQuantiles: true, duplicates: 0, correlations: null, columns, ...given }
}
