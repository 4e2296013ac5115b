import { regressionMetrics, type RegressionMetrics } from '../training/metrics.js'

export interface BreachPolicy {
  /** Largest relative bias in either direction, a fraction of the labels' sum. */
  readonly maxRelativeBias: number
  /** Largest weighted absolute percentage error, a fraction. */
  readonly maxWape: number
}

export const DEFAULT_BREACH_POLICY: BreachPolicy = { maxRelativeBias: 0.2, maxWape: 0.4 }

export interface BreachCheck {
  readonly metric: 'relativeBias' | 'wape'
  /** Null where the labels sum to 0, which has no ratio. */
  readonly observed: number | null
  readonly threshold: number
  readonly breached: boolean
  readonly message: string
}

export interface ErrorAssessment {
  readonly rows: number
  readonly metrics: RegressionMetrics
  readonly checks: readonly BreachCheck[]
  /** True when one check is breached; null when none could be judged. */
  readonly breached: boolean | null
}

/**
 * Judges the errors of a window's labelled rows. A metric is breached above its threshold, not on it.
 * Both are ratios to the labels' sum (see `regressionMetrics`); they are taken without their sign.
 *
 * @param y labels, finite
 * @param p as many predictions, finite
 * @throws MlforgeError label_invalid for no rows, other lengths, or a number that is not finite
 */
export function assessErrors(
  y: ArrayLike<number>,
  p: ArrayLike<number>,
  policy: BreachPolicy = DEFAULT_BREACH_POLICY,
): ErrorAssessment {
  const metrics = regressionMetrics(y, p)
  const checks = [
    check('relativeBias', metrics.relativeBias, policy.maxRelativeBias),
    check('wape', metrics.wape, policy.maxWape),
  ]
  const judged = checks.filter(({ observed }) => observed !== null)
  const breached = judged.length === 0 ? null : judged.some(each => each.breached)
  return { rows: y.length, metrics, checks, breached }
}

function check(metric: 'relativeBias' | 'wape', observed: number | null, threshold: number): BreachCheck {
  const name = metric === 'wape' ? 'WAPE' : 'Relative bias'
  if (observed === null) {
    const message = `${name} cannot be judged: the labels sum to 0`
    return { metric, observed, threshold, breached: false, message }
  }
  const breached = Math.abs(observed) > threshold
  const sign = metric === 'wape' ? '' : '+/- '
  const message = `${name} ${observed.toFixed(3)} is ${breached ? 'beyond' : 'within'} ${sign}${threshold}`
  return { metric, observed, threshold, breached, message }
}
