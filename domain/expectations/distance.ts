import { populationStabilityIndex } from '../drift/statistics/psi.js'
import type { Partition } from './expectation.js'

/** Rows of a column by the bins or values of a partition. */
export interface Observed {
  readonly counts: readonly number[]
  /** Below the first edge, and above the last; of values: none. */
  readonly tails: readonly [number, number]
  /** Values that the partition does not name: how many, their rows, and the sum of n ln n over them. */
  readonly others?: { readonly values: number; readonly rows: number; readonly nLogN: number }
}

/** Sum of p ln(p / q) of two lists of weights, each scaled to sum 1 (scipy.stats.entropy); infinite where q is 0. */
function entropy(p: readonly number[], q: readonly number[]): number {
  const [sumP, sumQ] = [sum(p), sum(q)]
  return p.reduce((total, one, i) => {
    if (one === 0) return total
    return total + (one / sumP) * Math.log(one / sumP / (q[i]! / sumQ))
  }, 0)
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0)

export interface Holdouts {
  readonly tail?: number
  readonly internal?: number
}

/**
 * Kullback-Leibler divergence of the column from the partition, in nats, as expect_column_kl_divergence_to_be_less_than
 * of Great Expectations computes it: holdouts are the weights given to what the partition says never occurs.
 * @returns Infinity where something occurs that is expected never; NaN without rows
 */
export function klDivergence(
  partition: Partition,
  observed: Observed,
  { tail = 0, internal = 0 }: Holdouts,
): number {
  const { weights, tail_weights: tails } = partition
  const { counts, others = { values: 0, rows: 0, nLogN: 0 } } = observed
  if (partition.bins === undefined) {
    const rows = sum(counts) + others.rows
    if (rows === 0) return NaN
    const named = others.values > 0 ? weights.map(weight => weight * (1 - tail)) : weights
    const expected = sum(named) + (others.values > 0 ? tail : 0)
    const known = counts.reduce(
      (total, n, i) => (n === 0 ? total : total + (n / rows) * Math.log(n / rows / (named[i]! / expected))),
      0,
    )
    if (others.values === 0) return known
    // Each of the other values is expected with an equal part of the holdout: q is the same for all of them.
    const q = tail / others.values / expected
    return known + (others.nLogN - others.rows * Math.log(rows)) / rows - (others.rows / rows) * Math.log(q)
  }
  if (sum(counts) + sum(observed.tails) === 0) return NaN
  const scaled = weights.map(weight => weight * (1 - tail - internal))
  const zeros = scaled.filter(weight => weight === 0).length
  const filled = scaled.map(weight => (weight === 0 && internal > 0 ? internal / zeros : weight))
  const [below, above] = tails ?? [tail / 2, tail / 2]
  return entropy([observed.tails[0], ...counts, observed.tails[1]], [below, ...filled, above])
}

/** Population stability index of the column against the partition; see `populationStabilityIndex`. NaN without rows. */
export function partitionPsi(
  { weights, tail_weights: tails = [0, 0] }: Partition,
  observed: Observed,
): number {
  const current = [observed.tails[0], ...observed.counts, observed.tails[1], observed.others?.rows ?? 0]
  if (sum(current) === 0) return NaN
  const reference = [tails[0], ...weights, tails[1], 0]
  const bins = current.map((rows, i) => ({ current: rows, reference: reference[i]! }))
  return populationStabilityIndex(bins.filter(bin => bin.current > 0 || bin.reference > 0))
}

/** Greatest distance of the cumulative shares at the edges of the bins, 0 to 1. NaN without rows. */
export function partitionKs(
  { weights, tail_weights: tails = [0, 0] }: Partition,
  observed: Observed,
): number {
  const current = [observed.tails[0], ...observed.counts, observed.tails[1]]
  const reference = [tails[0], ...weights, tails[1]]
  const rows = sum(current)
  if (rows === 0) return NaN
  let [a, b, greatest] = [0, 0, 0]
  current.forEach((n, i) => {
    a += n / rows
    b += reference[i]!
    greatest = Math.max(greatest, Math.abs(a - b))
  })
  return greatest
}
