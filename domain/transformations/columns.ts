import type { Schema } from '../datasets/schema.js'
import { SQL_TYPES } from '../duckdb/types.js'

/** A column and its type, as DuckDB writes it. */
export interface Column {
  readonly name: string
  readonly type: string
}

/** The columns of a table of a dataset. */
export function columnsOfSchema(schema: Schema): Column[] {
  return schema.map(({ name, type }) => ({ name, type: SQL_TYPES[type] }))
}

/** What steps tell apart. */
export type ColumnKind = 'integer' | 'number' | 'boolean' | 'string' | 'date' | 'timestamp' | 'other'

/** The kind of a type of DuckDB. */
export function kindOfType(type: string): ColumnKind {
  if (/^U?(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)$/.test(type)) return 'integer'
  if (/^(DOUBLE|FLOAT|DECIMAL\(\d+,\d+\))$/.test(type)) return 'number'
  if (/^TIMESTAMP(_S|_MS|_NS| WITH TIME ZONE)?$/.test(type)) return 'timestamp'
  return ({ BOOLEAN: 'boolean', VARCHAR: 'string', DATE: 'date' } as const)[type] ?? 'other'
}

/** Names that differ by case only are one name in SQL. */
export function isSameName(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase()
}
