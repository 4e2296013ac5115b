import type { TopValue } from '../../../domain/profile/profile.js'
import type { DuckDb } from '../duckdb.js'
import type { Source } from './columns.js'

export interface Frequencies {
  readonly distinct: number
  readonly imbalance: number | null
  readonly top: readonly TopValue[]
}

const TOP = 10
/** Distinct values up to which it is told how evenly they share the rows: past it, their number is what is told. */
const BALANCED = 50

/** Every value of a column counted: exact, in memory as long as it is there, and past it on disk. */
export async function measureFrequencies(
  db: DuckDb,
  table: string,
  { value, shown }: Source,
): Promise<Frequencies> {
  const rows =
    await db.query(`WITH g AS MATERIALIZED (SELECT ${value} AS v, count(*) AS n FROM ${table} GROUP BY 1)
    SELECT ${shown.replace(value, 'v')} AS "value", n, v IS NULL AS missing, (SELECT count(v) FROM g) AS "distinct"
    FROM g ORDER BY n DESC, v NULLS LAST LIMIT ${BALANCED + 1}`)
  const distinct = (rows[0]?.['distinct'] as number | undefined) ?? 0
  const counts = rows.filter(row => row['missing'] !== true).map(row => row['n'] as number)
  return {
    distinct,
    imbalance: distinct < 2 || distinct > BALANCED ? null : imbalanceOf(counts),
    top: rows.slice(0, TOP).map(row => ({ value: row['value']!, count: row['n'] as number })),
  }
}

function imbalanceOf(counts: readonly number[]): number {
  const rows = counts.reduce((sum, count) => sum + count, 0)
  const entropy = counts.reduce((sum, count) => sum - (count / rows) * Math.log2(count / rows), 0)
  return Math.max(0, 1 - entropy / Math.log2(counts.length))
}
