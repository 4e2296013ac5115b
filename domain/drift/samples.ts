/** Values of a numeric column, prepared once for all statistics. */
export interface NumericSample {
  readonly type: 'numeric'
  /** Ascending and finite. */
  readonly sorted: Float64Array
  readonly missing: number
}

/** Counts of a categorical column. */
export interface CategoricalSample {
  readonly type: 'categorical'
  readonly counts: ReadonlyMap<string, number>
  readonly missing: number
}

export type Sample = NumericSample | CategoricalSample

export type SampleType = Sample['type']

/** Prepares the values of a numeric column; null, undefined, NaN and infinities count as missing. */
export function numericSample(values: ArrayLike<number | null | undefined>): NumericSample {
  const finite = new Float64Array(values.length)
  let found = 0
  for (let row = 0; row < values.length; row++) {
    const value = values[row]
    if (value != null && Number.isFinite(value)) finite[found++] = value
  }
  return { type: 'numeric', sorted: finite.slice(0, found).sort(), missing: values.length - found }
}

/** Prepares the values of a categorical column; null and undefined are missing, the empty text is a category. */
export function categoricalSample(
  values: Iterable<string | number | boolean | null | undefined>,
): CategoricalSample {
  const counts = new Map<string, number>()
  let missing = 0
  for (const value of values) {
    if (value == null) missing++
    else counts.set(String(value), (counts.get(String(value)) ?? 0) + 1)
  }
  return { type: 'categorical', counts, missing }
}

/** Rows of a sample, those without a value included. */
export function rowsOf(sample: Sample): number {
  if (sample.type === 'numeric') return sample.sorted.length + sample.missing
  let rows = sample.missing
  for (const count of sample.counts.values()) rows += count
  return rows
}
