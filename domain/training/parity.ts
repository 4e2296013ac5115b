/** Share of the target's spread by which the two runtimes may differ. */
const PARITY_SHARE = 1e-5

export interface ParityVerdict {
  readonly rows: number
  /** Largest absolute difference of two predictions, in the unit of the target; null where one is not a number. */
  readonly maxDifference: number | null
  /** Row (from 1) with the largest difference, or the first with no number; null where all are equal. */
  readonly worstRow: number | null
  readonly tolerance: number
  readonly passed: boolean
}

/**
 * Percentile with linear interpolation between order statistics (type 7 of Hyndman & Fan, "Sample
 * Quantiles in Statistical Packages", 1996; NumPy's default).
 *
 * @param sorted ascending, at least one number
 * @param share between 0 and 1
 */
function quantile(sorted: ArrayLike<number>, share: number): number {
  const position = (sorted.length - 1) * share
  const below = Math.floor(position)
  const low = sorted[below]!
  const high = sorted[Math.min(below + 1, sorted.length - 1)]!
  return low + (high - low) * (position - below)
}

/** Allowed difference: 1e-5 x (p99 - p1 of the target). The target must hold at least one finite number. */
export function parityTolerance(target: ArrayLike<number>): number {
  const sorted = Float64Array.from(target).sort()
  if (sorted.length === 0) throw new RangeError('a parity check needs at least one row')
  return PARITY_SHARE * (quantile(sorted, 0.99) - quantile(sorted, 0.01))
}

/**
 * By how much one model may differ from itself on another machine: 1e-5 of the largest prediction, for float32
 * sums that are added up in another order.
 */
export function repeatTolerance(predictions: ArrayLike<number>): number {
  let largest = 0
  for (let row = 0; row < predictions.length; row++) largest = Math.max(largest, Math.abs(predictions[row]!))
  return PARITY_SHARE * largest
}

/** Compares the engine's predictions with those of the exported model, row by row. */
export function compareParity(
  engine: ArrayLike<number>,
  exported: ArrayLike<number>,
  target: ArrayLike<number>,
): ParityVerdict {
  const rows = engine.length
  if (exported.length !== rows || target.length !== rows) {
    throw new RangeError(`parity over ${rows}, ${exported.length} and ${target.length} rows`)
  }
  const tolerance = parityTolerance(target)
  let maxDifference = 0
  let worstRow: number | null = null
  for (let row = 0; row < rows; row++) {
    const difference = Math.abs(engine[row]! - exported[row]!)
    if (Number.isNaN(difference)) {
      return { rows, maxDifference: null, worstRow: row + 1, tolerance, passed: false }
    }
    if (difference > maxDifference) {
      maxDifference = difference
      worstRow = row + 1
    }
  }
  return { rows, maxDifference, worstRow, tolerance, passed: maxDifference <= tolerance }
}
