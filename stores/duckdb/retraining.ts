import type { ColumnType, Schema } from '../../domain/datasets/schema.js'
import { MlforgeError } from '../../domain/errors.js'
import type { ColumnSource } from '../../domain/retraining/set.js'
import { type DuckDb, type DuckDbOptions, name, text, withDuckDb } from './duckdb.js'
import { numberedParquet } from './numbered.js'

/** Column of the event time in a table of labelled predictions, beside features of any name. */
export const EVENT_TIME = '__mlforge_event_time'

const TYPES: Readonly<Record<ColumnType, string>> = {
  integer: 'BIGINT',
  number: 'DOUBLE',
  string: 'VARCHAR',
  boolean: 'BOOLEAN',
  date: 'DATE',
  timestamp: 'TIMESTAMP',
}

/** Greatest value of a date or timestamp column in epoch milliseconds; null where it has none. */
export async function newestTime(
  parquetFile: string,
  column: string,
  options: DuckDbOptions = {},
): Promise<number | null> {
  return withDuckDb(options, async db => {
    const [found] = await db.query(
      `SELECT epoch_ms(max(${name(column)})::TIMESTAMP) AS newest FROM read_parquet(${text(parquetFile)})`,
    )
    return found!['newest'] as number | null
  })
}

/**
 * Writes the rows of a version, in their order, and after them those of labelled predictions, as one table
 * of the version's schema. The same input gives the same bytes.
 * @param labelled as `labelledTable` writes it, with `EVENT_TIME` as its time column
 * @returns rows of the table
 * @throws MlforgeError value_not_of_type for a value that the column's type would change
 */
export async function joinPredictions(
  files: { readonly version: string; readonly labelled: string },
  schema: Schema,
  sources: readonly ColumnSource[],
  outFile: string,
  options: DuckDbOptions = {},
): Promise<number> {
  return withDuckDb(options, async db => {
    const version = await numberedParquet(db, files.version, '__row')
    const labelled = await numberedParquet(db, files.labelled, '__row')
    await assertFits(db, files.labelled, sources)
    const earlier = schema.map(column => name(column.name))
    const added = sources.map(source => `${valueOf(source)} AS ${name(source.column)}`)
    await db.run(`COPY (SELECT ${earlier.join(', ')} FROM (
        SELECT 0 AS __part, __row, ${earlier.join(', ')} FROM ${version}
        UNION ALL SELECT 1 AS __part, __row, ${added.join(', ')} FROM ${labelled}
      ) ORDER BY __part, __row) TO ${text(outFile)} (FORMAT parquet, COMPRESSION zstd)`)
    const [count] = await db.query(`SELECT count(*) AS "rows" FROM read_parquet(${text(outFile)})`)
    return count!['rows'] as number
  })
}

function valueOf({ column, type, from }: ColumnSource): string {
  if (from === 'empty') return `NULL::${TYPES[type]}`
  if (from === 'time') return `${name(EVENT_TIME)}::${TYPES[type]}`
  // Predictions have their features as numbers, booleans as 0 and 1.
  return type === 'boolean' ? `${name(column)} <> 0` : `${name(column)}::${TYPES[type]}`
}

/** A cast rounds; what was served or said is never changed on its way into a dataset. */
async function assertFits(db: DuckDb, labelled: string, sources: readonly ColumnSource[]): Promise<void> {
  const whole = sources.filter(
    ({ from, type }) => (from === 'feature' || from === 'label') && type === 'integer',
  )
  if (whole.length === 0) return
  const broken = (column: string): string =>
    `(NOT isfinite(${name(column)}) OR ${name(column)} <> trunc(${name(column)}))`
  const counts = whole.map(({ column }, i) => `count(*) FILTER (${broken(column)}) AS c${i}`)
  const [found] = await db.query(`SELECT ${counts.join(', ')} FROM read_parquet(${text(labelled)})`)
  const problems = whole.flatMap(({ column }, i) => {
    const count = found![`c${i}`] as number
    const message = `${count} labelled predictions have a value in "${column}" that is no whole number`
    return count === 0 ? [] : [{ at: column, message }]
  })
  if (problems.length === 0) return
  throw new MlforgeError(
    'value_not_of_type',
    `${problems[0]!.message}, as the dataset's column is. Correct the labels, or let a dataset with number columns grow.`,
    { problems },
  )
}
