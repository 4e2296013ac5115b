import type { Correlations } from '../../../domain/profile/profile.js'
import type { DuckDb } from '../duckdb.js'
import { type Basics, finiteOrNull, LARGE } from './basics.js'
import { batches, isNumber, type Source } from './columns.js'

/** Numeric columns that are correlated with each other: 1,225 pairs. */
const MOST_COLUMNS = 50
/** Rows times pairs that are all looked at: some seconds. */
const MOST_WORK = 200_000_000
const BATCH = 100

/** Pearson's r of numeric columns that vary, pair by pair, over rows where both are finite. */
export async function measureCorrelations(
  db: DuckDb,
  sources: readonly Source[],
  basics: readonly Basics[],
  rows: number,
): Promise<Correlations | null> {
  // About the mean: far from 0 the sums lose half of their digits.
  const numeric = sources.flatMap((source, i) =>
    isNumber(source) && varies(basics[i]!)
      ? [{ name: source.name, centred: `(${source.x!}) - ${basics[i]!.mean ?? 0}::DOUBLE` }]
      : [],
  )
  const columns = numeric.slice(0, MOST_COLUMNS)
  if (columns.length < 2) return null
  const pairs = columns.flatMap((a, i) => columns.slice(i + 1).map(b => [a, b] as const))
  const sampled = Math.min(1, MOST_WORK / (pairs.length * Math.max(rows, 1)))
  const from = sampled === 1 ? 't' : `(SELECT * FROM t USING SAMPLE ${100 * sampled} PERCENT (bernoulli, 1))`
  const values: (number | null)[] = []
  for (const batch of batches(pairs, BATCH)) {
    const asked = batch.map(([a, b], i) => `corr(${a.centred}, ${b.centred}) AS r${i}`)
    const [row] = await db.query(`SELECT ${asked.join(', ')} FROM ${from}`)
    values.push(...batch.map((_, i) => finiteOrNull(row![`r${i}`])))
  }
  return { columns: columns.map(({ name }) => name), values, sampled, left: numeric.length - columns.length }
}

/** Squares of larger numbers are none. */
function varies({ lowest, highest, std }: Basics): boolean {
  if (lowest === null || highest === null || std === null || std === 0) return false
  return lowest < highest && Math.max(Math.abs(lowest), Math.abs(highest)) < LARGE
}

/**
 * Rows that equal an earlier one, by 64-bit hashes of rows: of a billion different rows one in thirty tables has
 * a pair that is taken for equal.
 * @param hasKey a column without missing values has no value twice: there are none
 */
export async function countDuplicates(
  db: DuckDb,
  sources: readonly Source[],
  rows: number,
  hasKey: boolean,
): Promise<number> {
  if (hasKey || rows === 0 || sources.length === 0) return 0
  const [row] = await db.query(
    `SELECT count(DISTINCT hash(${sources.map(({ value }) => value).join(', ')})) AS "different" FROM t`,
  )
  return rows - (row!['different'] as number)
}
