/**
 * Jensen-Shannon distance to base 2: sqrt((D(p | m) + D(q | m)) / 2), m = (p + q) / 2, D the relative
 * entropy in bits; 0 for equal shares, 1 for shares that have no bin in common. A metric: Endres &
 * Schindelin, "A New Metric for Probability Distributions" (2003). Equals
 * `scipy.spatial.distance.jensenshannon(p, q, base=2)`.
 *
 * @param p counts or shares by bin, not negative; both lists are scaled to sum to 1
 * @param q as many, in the same order
 * @throws RangeError for lists of different lengths, or one that sums to 0
 */
export function jensenShannonDistance(p: readonly number[], q: readonly number[]): number {
  const [sumP, sumQ] = [total(p), total(q)]
  if (p.length !== q.length || !(sumP > 0) || !(sumQ > 0)) {
    throw new RangeError(`shares of ${p.length} and ${q.length} bins that sum to ${sumP} and ${sumQ}`)
  }
  let bits = 0
  p.forEach((count, bin) => {
    const [a, b] = [count / sumP, q[bin]! / sumQ]
    const middle = (a + b) / 2
    if (a > 0) bits += a * Math.log2(a / middle)
    if (b > 0) bits += b * Math.log2(b / middle)
  })
  // Rounding may leave a tiny negative number where both are alike.
  return Math.sqrt(Math.max(bits, 0) / 2)
}

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0)
}
