/** What a confidence sequence is told beforehand. */
export interface Tuning {
  /** Probability of ever missing the true value, over all looks together; above 0 and below 1. */
  readonly alpha: number
  /** Number of units at which the interval is as narrow as it can be; it holds at all others too. */
  readonly tunedAt: number
}

export interface Interval {
  readonly lower: number
  readonly upper: number
}

/**
 * Half the width of the interval after `time` units, in standard errors of the estimate: what 1.96 is to
 * a test that looks once. `sqrt(2 (t rho^2 + 1) / (t rho^2) * log(sqrt(t rho^2 + 1) / alpha))`, which is
 * the radius of Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, "Time-uniform central limit theory and
 * asymptotic confidence sequences" (Annals of Statistics 52(6), 2024), Theorem 2.2, over sigma / sqrt(t),
 * with rho^2 = (-2 log alpha + log(-2 log alpha) + 1) / tunedAt (its appendix on optimising for a time).
 * @param time number of units so far, above 0
 */
export function standardErrors(time: number, { alpha, tunedAt }: Tuning): number {
  const twoLog = -2 * Math.log(alpha)
  const scaled = (time * (twoLog + Math.log(twoLog) + 1)) / tunedAt
  return Math.sqrt(((2 * (scaled + 1)) / scaled) * Math.log(Math.sqrt(scaled + 1) / alpha))
}

/**
 * The interval around an estimate that may be looked at after every row and acted on at any of the looks:
 * it covers the truth at all times at once with probability 1 - alpha, asymptotically (few and skewed
 * units are approximate, so callers ask for at least 20 in each arm).
 * @param variance of the estimate itself, that is sigma^2 / t
 * @param time units that went into it, the t of the paper
 */
export function sequenceInterval(estimate: number, variance: number, time: number, tuning: Tuning): Interval {
  const radius = standardErrors(time, tuning) * Math.sqrt(variance)
  return { lower: estimate - radius, upper: estimate + radius }
}
