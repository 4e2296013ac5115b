import { name, text, withDuckDb } from '../../../../stores/duckdb/duckdb.js'
import type { GreatExpectationsColumn } from '../../../support/great-expectations.js'

const TYPES: Readonly<Record<string, string>> = {
  integer: 'BIGINT',
  number: 'DOUBLE',
  string: 'VARCHAR',
  boolean: 'BOOLEAN',
  date: 'DATE',
  timestamp: 'TIMESTAMP',
}

/** A table of literal values as Parquet, rows in their order. */
export async function writeTable(file: string, columns: readonly GreatExpectationsColumn[]): Promise<void> {
  await withDuckDb({}, async db => {
    const declared = columns.map(column => `${name(column.name)} ${TYPES[column.type]}`)
    await db.run(`CREATE TABLE t (${declared.join(', ')})`)
    const rows = (columns[0]?.values ?? []).map((_, row) => {
      const values = columns.map(({ values: own, type }) =>
        own[row] === null ? 'NULL' : `CAST(${text(String(own[row]))} AS ${TYPES[type]})`,
      )
      return `(${values.join(', ')})`
    })
    if (rows.length > 0) await db.run(`INSERT INTO t VALUES ${rows.join(', ')}`)
    await db.run(`COPY t TO ${text(file)} (FORMAT parquet)`)
  })
}
