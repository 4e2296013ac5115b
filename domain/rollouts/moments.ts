/** Count, mean and spread of numbers: all that a mean's standard error needs. */
export interface Moments {
  /** What was drawn independently: distinct keys. The sample size of every test. */
  readonly units: number
  /** Rows behind them; more than units where several rows share a key. */
  readonly rows: number
  /** Mean over units. */
  readonly mean: number
  /** Sum of squared deviations from that mean. */
  readonly m2: number
}

/** A labelled row: the key that decided its arm, and a number such as |target - prediction|. */
export interface KeyedValue {
  readonly key: string
  readonly value: number
}

/**
 * Moments of values whose arm was drawn by key. A key with several rows counts once, by the mean of its
 * rows: rows of one key share their arm and much of their error, and counting each as a draw would make
 * every interval too narrow (the randomisation unit is the analysis unit: Kohavi, Tang and Xu,
 * "Trustworthy Online Controlled Experiments", 2020, chapter 14). With one row a key nothing changes. The
 * mean is then the error of an average key, not of an average row. Sums by Welford, Technometrics 4 (1962).
 * @throws RangeError for a value that is not finite
 */
export function momentsByKey(values: Iterable<KeyedValue>): Moments {
  const sums = new Map<string, { sum: number; rows: number }>()
  let rows = 0
  for (const { key, value } of values) {
    if (!Number.isFinite(value)) throw new RangeError(`the value ${value} of key "${key}" is not finite`)
    rows += 1
    const entry = sums.get(key)
    if (entry) {
      entry.sum += value
      entry.rows += 1
    } else sums.set(key, { sum: value, rows: 1 })
  }
  let units = 0
  let mean = 0
  let m2 = 0
  for (const unit of sums.values()) {
    const value = unit.sum / unit.rows
    units += 1
    const before = value - mean
    mean += before / units
    m2 += before * (value - mean)
  }
  return { units, rows, mean, m2 }
}

/** True where several rows share a key, so that units are clusters of rows. */
export function isClustered(moments: Moments): boolean {
  return moments.units < moments.rows
}

/** Variance of the mean, unbiased: m2 / (n - 1) / n. Needs at least 2 units. */
export function varianceOfMean({ units, m2 }: Moments): number {
  return m2 / (units - 1) / units
}
