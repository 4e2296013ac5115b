export interface KolmogorovSmirnov {
  /** Largest distance between the two distribution functions, 0 to 1. */
  readonly statistic: number
  readonly pValue: number
}

/**
 * Two-sample, two-sided Kolmogorov-Smirnov test. The statistic equals `scipy.stats.ks_2samp(a, b)`'s.
 * The p-value is that of the limiting distribution (Smirnov 1948) and equals
 * `scipy.stats.kstwobign.sf(sqrt(n m / (n + m)) * statistic)`. It is neither `ks_2samp`'s `exact` mode nor
 * to the last digit its `asymp` mode, which since SciPy 1.5 takes the one-sample distribution of
 * round(n m / (n + m)) rows, of which this is the limit; for 700 rows a side they differ by up to 0.015.
 * With ties, which the distribution does not know, the p-value is too large rather than too small.
 *
 * @param reference ascending, finite, at least one
 * @param current the same
 * @throws RangeError when either is empty
 */
export function kolmogorovSmirnov(reference: Float64Array, current: Float64Array): KolmogorovSmirnov {
  const [n, m] = [reference.length, current.length]
  if (n === 0 || m === 0) throw new RangeError(`a test between ${n} and ${m} values`)
  let [i, j, statistic] = [0, 0, 0]
  while (i < n && j < m) {
    const at = Math.min(reference[i]!, current[j]!)
    while (i < n && reference[i] === at) i++
    while (j < m && current[j] === at) j++
    statistic = Math.max(statistic, Math.abs(i / n - j / m))
  }
  return { statistic, pValue: kolmogorovSurvival(Math.sqrt((n * m) / (n + m)) * statistic) }
}

/**
 * P(K > x) of the Kolmogorov distribution: 2 sum (-1)^(k-1) exp(-2 k^2 x^2); for small x, where that
 * series is slow, 1 - sqrt(2 pi) / x sum exp(-(2k - 1)^2 pi^2 / (8 x^2)) (Marsaglia, Tsang & Wang,
 * "Evaluating Kolmogorov's Distribution", 2003, section 1).
 */
function kolmogorovSurvival(x: number): number {
  if (x <= 0) return 1
  let sum = 0
  if (x < 0.82) {
    for (let k = 1; k <= 5; k++) sum += Math.exp(-(((2 * k - 1) * Math.PI) ** 2) / (8 * x * x))
    return 1 - (Math.sqrt(2 * Math.PI) / x) * sum
  }
  for (let k = 1; k <= 6; k++) sum += (k % 2 === 1 ? 1 : -1) * Math.exp(-2 * k * k * x * x)
  return 2 * sum
}
