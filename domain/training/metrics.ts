import { MlforgeError } from '../errors.js'

export interface RegressionMetrics {
  /** Root mean squared error, in the unit of the target. */
  readonly rmse: number
  /** Mean absolute error, in the unit of the target. */
  readonly mae: number
  /** Sum of absolute errors over the sum of the target, a fraction; null where that sum is 0. */
  readonly wape: number | null
  /** Sum of errors (target - prediction) over the sum of the target; positive when predictions are too low. */
  readonly relativeBias: number | null
  /** Coefficient of determination; null where the target is constant. */
  readonly r2: number | null
}

/**
 * Errors of predictions `p` against targets `y`, which must be finite and of the same length (at least 1).
 *
 * - rmse = sqrt(mean((y - p)^2)), mae = mean(|y - p|)
 * - wape = sum|y - p| / sum y, the weighted absolute percentage error: the MAD/mean ratio of
 *   Kolassa & Schuetz, "Advantages of the MAD/Mean Ratio over the MAPE", Foresight 6 (2007)
 * - relativeBias = sum(y - p) / sum y
 * - r2 = 1 - sum (y - p)^2 / sum (y - mean y)^2 (Draper & Smith, Applied Regression Analysis)
 *
 * @throws MlforgeError label_invalid for no rows, other lengths, or a number that is not finite
 */
export function regressionMetrics(y: ArrayLike<number>, p: ArrayLike<number>): RegressionMetrics {
  const rows = y.length
  if (rows === 0 || p.length !== rows) {
    throw new MlforgeError(
      'label_invalid',
      `Metrics need as many predictions (${p.length}) as targets (${rows}), at least 1.`,
    )
  }
  let sum = 0
  for (let row = 0; row < rows; row++) {
    if (!Number.isFinite(y[row]) || !Number.isFinite(p[row])) {
      throw new MlforgeError(
        'label_invalid',
        `Row ${row + 1} has target ${y[row]} and prediction ${p[row]}: both must be finite.`,
      )
    }
    sum += y[row]!
  }
  const mean = sum / rows
  let squared = 0
  let absolute = 0
  let signed = 0
  let total = 0
  for (let row = 0; row < rows; row++) {
    const error = y[row]! - p[row]!
    squared += error * error
    absolute += Math.abs(error)
    signed += error
    total += (y[row]! - mean) ** 2
  }
  return {
    rmse: Math.sqrt(squared / rows),
    mae: absolute / rows,
    wape: sum === 0 ? null : absolute / sum,
    relativeBias: sum === 0 ? null : signed / sum,
    r2: total === 0 ? null : 1 - squared / total,
  }
}
