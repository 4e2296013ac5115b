import { name, text, withDuckDb } from '../duckdb.js'
import { unreadable } from '../parquet-sql.js'
import { ArrowTable } from './table.js'

const TABLE = 'arrow'

/**
 * Makes a Parquet file of a file or stream of Arrow IPC. To be called where memory is bounded.
 * @param directory where DuckDB may spill
 * @throws MlforgeError arrow_malformed, arrow_batch_too_large, duplicate_columns, format_unsupported, type_unsupported
 */
export async function convertArrow(file: string, outFile: string, directory: string): Promise<void> {
  const table = await ArrowTable.open(file)
  try {
    const columns = [...table.columns].map(([column, type]) => `${name(column)} ${String(type)}`)
    const options = { threads: 1, memoryLimit: '512MB', temporaryDirectory: directory }
    await withDuckDb(options, async db => {
      await db.run(`CREATE TABLE ${TABLE} (${columns.join(', ')})`)
      await db.appendChunks(TABLE, [...table.columns.values()], table.chunks())
      await db.run(`COPY ${TABLE} TO ${text(outFile)} (FORMAT parquet, COMPRESSION uncompressed)`)
    })
  } catch (error) {
    throw unreadable(error, 'arrow') ?? error
  } finally {
    table.close()
  }
}
