/** Means of the target by group: what a model must beat to be worth its keep. */
export interface SeasonalBaseline {
  /** Mean of all rows, for groups that were not seen. */
  readonly overall: number
  readonly means: ReadonlyMap<string, number>
}

/**
 * Learns the seasonal baseline: the mean of the target in each group, for example each hour of
 * working and of other days (the "seasonal mean" of Hyndman & Athanasopoulos, Forecasting, 5.2).
 *
 * @param groups one key for each row; equal keys are one group
 * @param target as many finite numbers, at least 1
 */
export function learnBaseline(groups: readonly string[], target: ArrayLike<number>): SeasonalBaseline {
  if (groups.length !== target.length || groups.length === 0) {
    throw new RangeError(
      `a baseline needs as many groups (${groups.length}) as targets (${target.length}), at least 1`,
    )
  }
  const sums = new Map<string, { sum: number; rows: number }>()
  let total = 0
  groups.forEach((group, row) => {
    const value = target[row]!
    total += value
    const entry = sums.get(group)
    if (entry === undefined) sums.set(group, { sum: value, rows: 1 })
    else {
      entry.sum += value
      entry.rows += 1
    }
  })
  return {
    overall: total / groups.length,
    means: new Map([...sums].map(([group, { sum, rows }]) => [group, sum / rows])),
  }
}

/** The baseline's prediction for each row. */
export function predictBaseline(baseline: SeasonalBaseline, groups: readonly string[]): Float64Array {
  return Float64Array.from(groups, group => baseline.means.get(group) ?? baseline.overall)
}
