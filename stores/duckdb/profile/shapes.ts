import { type Grid, gridOf, type Histogram } from '../../../domain/profile/histogram.js'
import { QUANTILES } from '../../../domain/profile/profile.js'
import type { DuckDb, JsonValue } from '../duckdb.js'
import { type Basics, finiteOrNull, LARGE, SCALE } from './basics.js'
import { batches, isNumber, isTime, type Source } from './columns.js'

/** What the second scan finds of a column. */
export interface Shape {
  readonly histogram: Histogram | null
  readonly skewness: number | null
  readonly kurtosis: number | null
}

export type Quantiles = readonly (number | null)[]

/** Rows up to which quantiles are exact: DuckDB keeps all values of a column to order them, and cannot spill them. */
const EXACT_ROWS = 4_000_000
/** Values kept in memory by a statement: at 8 bytes, and as much again while a list grows. */
const VALUES_AT_ONCE = 16_000_000
const BATCH = 25

export const hasExactQuantiles = (rows: number): boolean => rows <= EXACT_ROWS

/** By column name, of columns that are numbers or times: of x, in its unit. */
export async function measureQuantiles(
  db: DuckDb,
  sources: readonly Source[],
  rows: number,
): Promise<Map<string, Quantiles>> {
  const exact = hasExactQuantiles(rows)
  const size = exact ? Math.max(1, Math.min(BATCH, Math.floor(VALUES_AT_ONCE / Math.max(rows, 1)))) : BATCH
  const quantile = exact ? 'quantile_cont' : 'approx_quantile'
  const found = new Map<string, Quantiles>()
  const ordered = sources.filter(source => isNumber(source) || isTime(source))
  for (const batch of batches(ordered, size)) {
    const asked = batch.map(({ x }, i) => `${quantile}(${x!}, [${QUANTILES.join(', ')}]) AS q${i}`)
    const [row] = await db.query(`SELECT ${asked.join(', ')} FROM t`)
    batch.forEach((source, i) => {
      const values = row![`q${i}`] as JsonValue[] | null
      found.set(
        source.name,
        QUANTILES.map((_, at) => finiteOrNull(values?.[at])),
      )
    })
  }
  return found
}

/** Histograms, by bins that the extremes decide; and the third and fourth moments, about the mean. */
export async function measureShapes(
  db: DuckDb,
  sources: readonly Source[],
  basics: readonly Basics[],
): Promise<Shape[]> {
  const shapes: Shape[] = sources.map(() => ({ histogram: null, skewness: null, kurtosis: null }))
  const binned = sources.flatMap((source, at) => {
    const { lowest, highest } = basics[at]!
    if (lowest === null || highest === null) return []
    return [{ at, source, basics: basics[at]!, grid: gridOf(lowest, highest, source.isWhole) }]
  })
  for (const batch of batches(binned, BATCH)) {
    const asked = batch.flatMap((one, i) => [
      `${histogramSql(one.source.x!, one.grid)} AS h${i}`,
      ...moments(one.source, one.basics).map((sql, power) => `${sql} AS m${power}_${i}`),
    ])
    const [row] = await db.query(`SELECT ${asked.join(', ')} FROM t`)
    batch.forEach(({ at, grid, basics: { finite } }, i) => {
      const number = (as: string): number | null => finiteOrNull(row![as])
      const { exponent, first } = grid
      shapes[at] = {
        histogram: { exponent, first, counts: countsOf(row![`h${i}`]!, grid.bins) },
        ...standardised(finite, number(`m0_${i}`), number(`m1_${i}`), number(`m2_${i}`)),
      }
    })
  }
  return shapes
}

/** Numbers of bins are counted, not values: a power of two divides without rounding, and edges cannot be missed. */
function histogramSql(x: string, { exponent, first, bins }: Grid): string {
  const numbers = Array.from({ length: bins }, (_, i) => i)
  return `histogram(floor((${x}) * ${2 ** -exponent}::DOUBLE) - ${first}::DOUBLE, [${numbers.join(', ')}]::DOUBLE[])`
}

/** DuckDB answers with a map of bins, and one more entry for what is in none. */
function countsOf(value: JsonValue, bins: number): number[] {
  const counts = Array.from({ length: bins }, () => 0)
  for (const { key, value: count } of value as { key: JsonValue; value: number }[]) {
    if (typeof key === 'number' && key < bins) counts[key] = Number(count)
  }
  return counts
}

/** Means of the second to fourth power of the distance from the mean in deviations, of numbers that vary. */
function moments(source: Source, { mean, std, lowest, highest }: Basics): string[] {
  if (!isNumber(source) || mean === null || std === null || std === 0) return []
  const scale = Math.max(Math.abs(lowest!), Math.abs(highest!)) > LARGE ? SCALE : 1
  const z = `(((${source.x!}) * ${scale}::DOUBLE - ${mean * scale}::DOUBLE) / ${std * scale}::DOUBLE)`
  return [`avg(${z} * ${z})`, `avg(${z} * ${z} * ${z})`, `avg(${z} * ${z} * ${z} * ${z})`]
}

function standardised(n: number, m2: number | null, m3: number | null, m4: number | null) {
  if (m2 === null || m3 === null || m4 === null || m2 === 0) return { skewness: null, kurtosis: null }
  const g1 = m3 / m2 ** 1.5
  const g2 = m4 / m2 ** 2 - 3
  return {
    skewness: n < 3 ? null : (g1 * Math.sqrt(n * (n - 1))) / (n - 2),
    kurtosis: n < 4 ? null : (((n + 1) * g2 + 6) * (n - 1)) / ((n - 2) * (n - 3)),
  }
}
