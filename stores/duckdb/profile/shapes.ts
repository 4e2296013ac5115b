import { type Grid, gridOf, type Histogram } from '../../../domain/profile/histogram.js'
import { QUANTILES } from '../../../domain/profile/profile.js'
import type { DuckDb, JsonValue } from '../duckdb.js'
import { type Basics, finiteOrNull, LARGE, SCALE } from './basics.js'
import { batches, isNumber, isTime, type Source } from './columns.js'

/** What the second scan finds of a column. */
export interface Shape {
  readonly histogram: Histogram | null
  /** Over finite numbers. */
  readonly mean: number | null
  readonly std: number | null
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
  table: string,
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
    const [row] = await db.query(`SELECT ${asked.join(', ')} FROM ${table}`)
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

/** Histograms, by bins that the extremes decide; and the moments, about the mean. */
export async function measureShapes(
  db: DuckDb,
  table: string,
  sources: readonly Source[],
  basics: readonly Basics[],
): Promise<Shape[]> {
  const shapes: Shape[] = basics.map(one => ({ histogram: null, ...standardised(one, []) }))
  const binned = sources.flatMap((source, at) => {
    const { lowest, highest } = basics[at]!
    if (lowest === null || highest === null) return []
    return [{ at, source, basics: basics[at]!, grid: gridOf(lowest, highest, source.isWhole) }]
  })
  for (const batch of batches(binned, BATCH)) {
    const asked = batch.flatMap((one, i) => [
      `${histogramSql(one.source.x!, one.grid)} AS h${i}`,
      ...moments(one.source, one.basics).map((sql, power) => `${sql} AS m${power + 1}_${i}`),
    ])
    const [row] = await db.query(`SELECT ${asked.join(', ')} FROM ${table}`)
    batch.forEach(({ at, grid: { exponent, first, bins }, basics: one }, i) => {
      const powers = [1, 2, 3, 4].map(power => finiteOrNull(row![`m${power}_${i}`]))
      shapes[at] = {
        histogram: { exponent, first, counts: countsOf(row![`h${i}`]!, bins) },
        ...standardised(one, powers),
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

/** Means of the powers of the distance from the mean in deviations, of numbers that vary: 1 to 4. */
function moments(source: Source, basics: Basics): string[] {
  const { mean, std, lowest, highest } = basics
  if (!isNumber(source) || mean === null || std === null || std === 0) return []
  const scale = Math.max(Math.abs(lowest!), Math.abs(highest!)) > LARGE ? SCALE : 1
  const z = `(((${source.x!}) * ${scale}::DOUBLE - ${mean * scale}::DOUBLE) / ${std * scale}::DOUBLE)`
  return [1, 2, 3, 4].map(power => `avg(${Array.from({ length: power }, () => z).join(' * ')})`)
}

/**
 * Mean and deviation of one pass, made better by a second (Chan, Golub and LeVeque 1983): far from 0 the first loses
 * half of its digits.
 */
function standardised(
  { mean, std, finite: n }: Basics,
  [m1, m2, m3, m4]: readonly (number | null)[],
): Omit<Shape, 'histogram'> {
  if (mean === null || std === null || m1 == null || m2 == null || m3 == null || m4 == null) {
    return { mean, std, skewness: null, kurtosis: null }
  }
  const second = m2 - m1 ** 2
  const third = m3 - 3 * m1 * m2 + 2 * m1 ** 3
  const fourth = m4 - 4 * m1 * m3 + 6 * m1 ** 2 * m2 - 3 * m1 ** 4
  const g1 = third / second ** 1.5
  const g2 = fourth / second ** 2 - 3
  return {
    mean: mean + m1 * std,
    std: std * Math.sqrt((second * n) / (n - 1)),
    skewness: n < 3 || !(second > 0) ? null : (g1 * Math.sqrt(n * (n - 1))) / (n - 2),
    kurtosis: n < 4 || !(second > 0) ? null : (((n + 1) * g2 + 6) * (n - 1)) / ((n - 2) * (n - 3)),
  }
}
