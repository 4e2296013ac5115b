import type { ColumnType } from '../datasets/schema.js'

/** How DuckDB keeps the columns of tables. */
export const SQL_TYPES = {
  integer: 'BIGINT',
  number: 'DOUBLE',
  boolean: 'BOOLEAN',
  string: 'VARCHAR',
  date: 'DATE',
  timestamp: 'TIMESTAMP',
} as const satisfies Readonly<Record<ColumnType, string>>

/** What types of DuckDB are to tables: one of theirs, nested, or none. */
export type TypeFamily = ColumnType | 'nested' | 'other'

/** @param type as DuckDB writes it */
export function familyOf(type: string): TypeFamily {
  if (/\[\d*\]$|^(STRUCT|MAP|UNION|LIST)\b/.test(type)) return 'nested'
  if (/^U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?$/.test(type)) return 'integer'
  if (/^(FLOAT|DOUBLE|DECIMAL)/.test(type)) return 'number'
  if (/^(VARCHAR|ENUM|UUID|JSON)/.test(type)) return 'string'
  if (type === 'BOOLEAN') return 'boolean'
  if (type === 'DATE') return 'date'
  return type.startsWith('TIMESTAMP') ? 'timestamp' : 'other'
}
