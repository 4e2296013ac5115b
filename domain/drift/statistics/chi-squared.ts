import { upperIncompleteGamma } from './incomplete-gamma.js'

export interface ChiSquared {
  readonly statistic: number
  readonly degreesOfFreedom: number
  readonly pValue: number
}

/**
 * Pearson's chi-squared test of homogeneity (Pearson 1900) of the 2 x k table of counts, k the bins
 * that have a row in either sample: sum (observed - expected)^2 / expected with k - 1 degrees of
 * freedom. Equals `scipy.stats.chi2_contingency(table, correction=False)` of the table without empty
 * columns, which scipy refuses. One column only: 0 degrees of freedom and p = 1, as there.
 *
 * @param reference counts by bin, not negative
 * @param current as many, in the same order
 * @throws RangeError for lists of different lengths, or one that sums to 0
 */
export function chiSquared(reference: readonly number[], current: readonly number[]): ChiSquared {
  const [n, m] = [total(reference), total(current)]
  if (reference.length !== current.length || !(n > 0) || !(m > 0)) {
    throw new RangeError(`counts of ${reference.length} and ${current.length} bins with ${n} and ${m} rows`)
  }
  let statistic = 0
  let columns = 0
  reference.forEach((count, bin) => {
    const both = count + current[bin]!
    if (both === 0) return
    columns++
    const [expectedReference, expectedCurrent] = [(both * n) / (n + m), (both * m) / (n + m)]
    statistic += (count - expectedReference) ** 2 / expectedReference
    statistic += (current[bin]! - expectedCurrent) ** 2 / expectedCurrent
  })
  const degreesOfFreedom = columns - 1
  const pValue = degreesOfFreedom === 0 ? 1 : upperIncompleteGamma(degreesOfFreedom / 2, statistic / 2)
  return { statistic, degreesOfFreedom, pValue }
}

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0)
}
