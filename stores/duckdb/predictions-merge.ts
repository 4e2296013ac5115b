import { MlforgeError } from '../../domain/errors.js'
import { type DuckDb, type DuckDbOptions, name, text, withDuckDb } from './duckdb.js'
import { LOGGED_COLUMNS } from './predictions-write.js'

/** What rows are, in any order and however they are cut into files. */
interface RowContent {
  readonly rows: number
  readonly hash: string
}

/**
 * Writes all rows of files of one deployment as one file with the columns that any of them has, in the
 * order of their event times, and reads it back: it has the same rows, or it is not written.
 * @param key goes into the file, so that no other merge, and no file that is merged, has the same bytes
 * @returns rows of the file
 * @throws MlforgeError internal where the rows that are read back are others
 */
export async function mergePredictions(
  files: readonly string[],
  key: string,
  outFile: string,
  options: DuckDbOptions = {},
): Promise<number> {
  return withDuckDb(options, async db => {
    const sources = `read_parquet([${files.map(text).join(', ')}], union_by_name = true)`
    const columns = await columnsOf(db, sources)
    const features = [...columns.keys()].filter(column => !Object.hasOwn(LOGGED_COLUMNS, column)).toSorted()
    const selected = [...Object.keys(LOGGED_COLUMNS), ...features].map(name).join(', ')
    await db.run(`COPY (SELECT ${selected} FROM ${sources} ORDER BY event_time, replica, sequence)
      TO ${text(outFile)} (FORMAT parquet, COMPRESSION zstd, KV_METADATA {merge: ${text(key)}})`)
    const merged = `read_parquet(${text(outFile)})`
    const [before, after] = [await contentOf(db, sources, selected), await contentOf(db, merged, selected)]
    const isSame =
      before.rows === after.rows &&
      before.hash === after.hash &&
      sameColumns(columns, await columnsOf(db, merged))
    if (isSame) return after.rows
    throw new MlforgeError(
      'internal',
      `${files.length} prediction files hold ${before.rows} rows (${before.hash}); merged they would be ${after.rows} (${after.hash}). They stay as they are. Report this.`,
    )
  })
}

async function columnsOf(db: DuckDb, table: string): Promise<Map<string, string>> {
  const described = await db.query(`DESCRIBE SELECT * FROM ${table}`)
  return new Map(described.map(row => [row['column_name'] as string, row['column_type'] as string]))
}

function sameColumns(one: ReadonlyMap<string, string>, other: ReadonlyMap<string, string>): boolean {
  return one.size === other.size && [...one].every(([column, type]) => other.get(column) === type)
}

/** A sum of 64 bits a row: unlike XOR it also sees a row that is there twice. */
async function contentOf(db: DuckDb, table: string, columns: string): Promise<RowContent> {
  const [found] = await db.query(
    `SELECT count(*) AS "rows", coalesce(sum(hash(${columns})), 0)::VARCHAR AS hash FROM ${table}`,
  )
  return found as unknown as RowContent
}
