import { rm } from 'node:fs/promises'
import { name, text, withDuckDb } from '../duckdb.js'
import { unreadable } from '../parquet-sql.js'
import { ArrowTable } from './table.js'

const TABLE = 'arrow'
/** Values of a group of rows: groups are written from memory. */
const GROUP_VALUES = 1 << 21
const CHUNK_ROWS = 2_048
/** As DuckDB has it. */
const MAX_GROUP_ROWS = 122_880

/**
 * Makes a Parquet file of a file or stream of Arrow IPC. To be called where memory is bounded.
 * @param directory where DuckDB may spill
 * @throws MlforgeError arrow_malformed, arrow_batch_too_large, duplicate_columns, format_unsupported, type_unsupported
 */
export async function convertArrow(file: string, outFile: string, directory: string): Promise<void> {
  const table = await ArrowTable.open(file)
  try {
    const columns = [...table.columns].map(([column, type]) => `${name(column)} ${String(type)}`)
    const options = { threads: 1, memoryLimit: '256MB', temporaryDirectory: directory }
    const chunks = Math.floor(GROUP_VALUES / columns.length / CHUNK_ROWS)
    const groupRows = Math.min(MAX_GROUP_ROWS, Math.max(1, chunks) * CHUNK_ROWS)
    await withDuckDb(options, async db => {
      // Small blocks: one for each column is held.
      await db.run(
        `ATTACH ${text(`${outFile}.rows`)} AS scratch (BLOCK_SIZE 16384, ROW_GROUP_SIZE ${groupRows})`,
      )
      await db.run('USE scratch')
      await db.run(`CREATE TABLE ${TABLE} (${columns.join(', ')})`)
      await db.run('BEGIN')
      await db.appendChunks(TABLE, [...table.columns.values()], table.chunks())
      await db.run('COMMIT')
      await db.run(
        `COPY ${TABLE} TO ${text(outFile)} (FORMAT parquet, COMPRESSION uncompressed, ROW_GROUP_SIZE ${groupRows})`,
      )
    })
  } catch (error) {
    throw unreadable(error, 'arrow') ?? error
  } finally {
    table.close()
    await rm(`${outFile}.rows`, { force: true })
  }
}
