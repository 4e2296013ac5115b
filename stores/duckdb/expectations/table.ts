import type { ColumnType } from '../../../domain/datasets/schema.js'
import type { KnownColumn } from '../../../domain/expectations/expectation.js'
import { type DuckDb, type DuckDbOptions, text, withDuckDb } from '../duckdb.js'
import { numberedParquet } from '../numbered.js'

/** Beside columns of any name: the number of a row in its file, from 0. */
export const ROW = '__mlforge_number'

/** The columns of the table `t` with their types in DuckDB, in order. */
export type Types = ReadonlyMap<string, string>

/** Makes the view `t` of a Parquet file, with the numbers of its rows. */
export async function openTable(db: DuckDb, parquetFile: string): Promise<Types> {
  await db.run(`CREATE VIEW t AS SELECT * FROM ${await numberedParquet(db, parquetFile, ROW)}`)
  const described = await db.query('DESCRIBE t')
  const types = described.map(row => [row['column_name'] as string, row['column_type'] as string] as const)
  return new Map(types.filter(([column]) => column !== ROW))
}

/** The columns of a Parquet file whoever has written it; one of another type than datasets have has none here. */
export async function tableColumns(
  parquetFile: string,
  options: DuckDbOptions = {},
): Promise<readonly KnownColumn[]> {
  const described = await withDuckDb(options, db =>
    db.query(`DESCRIBE SELECT * FROM read_parquet(${text(parquetFile)})`),
  )
  return described.map(row => knownColumn(row['column_name'] as string, row['column_type'] as string))
}

export function knownColumn(name: string, type: string): KnownColumn {
  const known = columnTypeOf(type)
  return { name, ...(known && { type: known }) }
}

export function columnTypeOf(type: string): ColumnType | undefined {
  if (/^U?(TINY|SMALL|BIG|HUGE)INT$|^U?INTEGER$/.test(type)) return 'integer'
  if (/^(DOUBLE|FLOAT|DECIMAL\(.*)$/.test(type)) return 'number'
  if (type === 'VARCHAR') return 'string'
  if (type === 'BOOLEAN') return 'boolean'
  if (type === 'DATE') return 'date'
  return type.startsWith('TIMESTAMP') ? 'timestamp' : undefined
}

export const isFloat = (type: string): boolean => type === 'DOUBLE' || type === 'FLOAT'
