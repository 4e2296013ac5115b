import { MlforgeError } from '../../domain/errors.js'
import { type DuckDbOptions, type JsonRow, text, withDuckDb } from './duckdb.js'

export interface RowsPage {
  readonly rows: readonly JsonRow[]
  /** All rows of the file. */
  readonly total: number
}

/** Part of a Parquet file in its order: `limit` rows (1 to 1000) after the first `offset`. */
export async function readRows(
  parquetFile: string,
  { offset = 0, limit = 20 }: { offset?: number; limit?: number },
  options: DuckDbOptions = {},
): Promise<RowsPage> {
  if (!Number.isInteger(limit) || limit < 1 || limit > 1000 || !Number.isSafeInteger(offset) || offset < 0) {
    throw new MlforgeError(
      'invalid_request',
      `Rows ${offset} + ${limit} cannot be read: limit is 1 to 1000, offset 0 or more.`,
    )
  }
  const source = `read_parquet(${text(parquetFile)})`
  return withDuckDb(options, async db => {
    const rows = await db.query(`SELECT * FROM ${source} LIMIT ${limit} OFFSET ${offset}`)
    const [count] = await db.query(`SELECT count(*) AS total FROM ${source}`)
    return { rows, total: count!['total'] as number }
  })
}
