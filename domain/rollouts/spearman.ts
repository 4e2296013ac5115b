/**
 * Spearman's rank correlation, -1 to 1: Pearson's correlation of the ranks, equal values sharing the mean
 * of their ranks (Kendall and Gibbons, Rank Correlation Methods, 5th ed., 3.8). Equals
 * `scipy.stats.spearmanr`; null where that is NaN: fewer than 2 values, or one side constant.
 * @param x finite numbers; `y` as many
 * @throws RangeError for lists of different lengths or a number that is not finite
 */
export function spearman(x: ArrayLike<number>, y: ArrayLike<number>): number | null {
  if (x.length !== y.length) throw new RangeError(`${x.length} values cannot be paired with ${y.length}`)
  const [a, b] = [averageRanks(x), averageRanks(y)]
  const middle = (x.length + 1) / 2
  let [both, left, right] = [0, 0, 0]
  for (let row = 0; row < a.length; row++) {
    const [first, second] = [a[row]! - middle, b[row]! - middle]
    both += first * second
    left += first * first
    right += second * second
  }
  if (left === 0 || right === 0) return null
  return Math.max(-1, Math.min(1, both / Math.sqrt(left * right)))
}

/** Ranks from 1; equal values get the mean of the ranks they take up. */
function averageRanks(values: ArrayLike<number>): Float64Array {
  const order = Uint32Array.from({ length: values.length }, (_, row) => row)
  for (let row = 0; row < values.length; row++) {
    if (!Number.isFinite(values[row])) throw new RangeError(`value ${row + 1}, ${values[row]}, is not finite`)
  }
  order.sort((one, other) => values[one]! - values[other]!)
  const ranks = new Float64Array(values.length)
  let start = 0
  while (start < order.length) {
    let end = start + 1
    while (end < order.length && values[order[end]!] === values[order[start]!]) end++
    for (let at = start; at < end; at++) ranks[order[at]!] = (start + 1 + end) / 2
    start = end
  }
  return ranks
}
