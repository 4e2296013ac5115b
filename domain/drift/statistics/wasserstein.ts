/**
 * Wasserstein-1 (earth mover's) distance of two samples, in the unit of the column: the area between
 * their distribution functions (Ramdas, Garcia & Cuturi, "On Wasserstein Two Sample Testing", 2015,
 * proposition 1). Equals `scipy.stats.wasserstein_distance`.
 *
 * @param reference ascending, finite, at least one
 * @param current the same
 * @throws RangeError when either is empty
 */
export function wassersteinDistance(reference: Float64Array, current: Float64Array): number {
  const [n, m] = [reference.length, current.length]
  if (n === 0 || m === 0) throw new RangeError(`a distance between ${n} and ${m} values`)
  let [i, j, area] = [0, 0, 0]
  let at = Math.min(reference[0]!, current[0]!)
  while (i < n || j < m) {
    const next = Math.min(reference[i] ?? Infinity, current[j] ?? Infinity)
    area += Math.abs(i / n - j / m) * (next - at)
    at = next
    while (i < n && reference[i] === at) i++
    while (j < m && current[j] === at) j++
  }
  return area
}

/**
 * The Wasserstein-1 distance in standard deviations of the reference (its own rows: divided by n), as
 * evidently's `wasserstein` stattest gives it; null where the reference is constant and has no unit.
 *
 * @throws RangeError when either is empty
 */
export function normedWassersteinDistance(reference: Float64Array, current: Float64Array): number | null {
  const distance = wassersteinDistance(reference, current)
  // The sum of equal values is rounded, so that their deviation need not be 0.
  if (reference[0] === reference[reference.length - 1]) return null
  const mean = reference.reduce((sum, value) => sum + value, 0) / reference.length
  const squares = reference.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  return distance / Math.sqrt(squares / reference.length)
}
