import { regressionMetrics } from '../training/metrics.js'
import { numericSample } from './samples.js'
import { quantileEdges } from './statistics/bins.js'

/** Errors of the rows whose value of a column lies in one quarter of the window's rows. */
export interface QuartileErrors {
  /** Smallest and largest value in it; null for the rows without a value. */
  readonly values: { readonly min: number; readonly max: number } | null
  readonly rows: number
  readonly mae: number
  readonly relativeBias: number | null
  readonly wape: number | null
}

/**
 * Errors by quartile of a column, to see whether a model is wrong everywhere or only where, for example,
 * it is warm. Equal values stay together, so that there may be fewer than four groups and of unequal
 * size; rows without a value are a group of their own, the last.
 *
 * @param column one value a row; null and what is not finite is missing
 * @param y labels, finite
 * @param p as many predictions, finite
 * @throws MlforgeError label_invalid as `regressionMetrics` does, RangeError for a column of another length
 */
export function errorsByQuartile(
  column: ArrayLike<number | null>,
  y: ArrayLike<number>,
  p: ArrayLike<number>,
): QuartileErrors[] {
  if (column.length !== y.length) {
    throw new RangeError(`${column.length} values of the column for ${y.length} rows`)
  }
  const { sorted } = numericSample(column)
  const edges = [...new Set(quantileEdges(sorted, 4))]
  const groups: number[][] = Array.from({ length: edges.length + 2 }, () => [])
  for (let row = 0; row < column.length; row++) {
    const value = column[row]
    if (value == null || !Number.isFinite(value)) groups.at(-1)!.push(row)
    else groups[edges.filter(edge => value > edge).length]!.push(row)
  }
  return groups.flatMap((rows, index) => {
    if (rows.length === 0) return []
    const { mae, relativeBias, wape } = regressionMetrics(
      rows.map(row => y[row]!),
      rows.map(row => p[row]!),
    )
    const values = index === groups.length - 1 ? null : extent(rows.map(row => column[row]!))
    return [{ values, rows: rows.length, mae, relativeBias, wape }]
  })
}

function extent(values: readonly number[]): { min: number; max: number } {
  let [min, max] = [Infinity, -Infinity]
  for (const value of values) {
    min = Math.min(min, value)
    max = Math.max(max, value)
  }
  return { min, max }
}
