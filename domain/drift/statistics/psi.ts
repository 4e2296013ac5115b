import type { Bin } from './bins.js'

/** Smallest share a bin is taken to have, so that an empty one does not make the index infinite. */
const FLOOR = 1e-4

/**
 * Population stability index: the sum over bins of (q - p) ln(q / p), p and q the shares of the
 * reference and of the current rows, neither below 1e-4. At least 0; 0 for equal shares.
 * Usual reading (Siddiqi, Credit Risk Scorecards, 2006, ch. 9): under 0.10 stable, over 0.25 shifted.
 * It is the symmetric divergence J of Kullback & Leibler, "On Information and Sufficiency" (1951), 2.5.
 *
 * @throws RangeError when either side has no rows
 */
export function populationStabilityIndex(bins: readonly Pick<Bin, 'reference' | 'current'>[]): number {
  const rows = { reference: 0, current: 0 }
  for (const { reference, current } of bins) {
    rows.reference += reference
    rows.current += current
  }
  if (rows.reference === 0 || rows.current === 0) {
    throw new RangeError(`shares of ${rows.reference} reference and ${rows.current} current rows`)
  }
  return bins.reduce((sum, { reference, current }) => {
    const p = Math.max(reference / rows.reference, FLOOR)
    const q = Math.max(current / rows.current, FLOOR)
    return sum + (q - p) * Math.log(q / p)
  }, 0)
}
