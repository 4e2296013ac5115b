import type { ColumnType } from '../../contracts/rest/datasets.js'
import { MlforgeError } from '../../domain/errors.js'

/** A quoted identifier. */
export function name(value: string): string {
  return `"${value.replaceAll('"', '""')}"`
}

/** A text literal. */
export function text(value: string): string {
  return `'${value.replaceAll("'", "''")}'`
}

/** How DuckDB keeps the columns of tables. */
export const SQL_TYPES: Readonly<Record<ColumnType, string>> = {
  integer: 'BIGINT',
  number: 'DOUBLE',
  string: 'VARCHAR',
  boolean: 'BOOLEAN',
  date: 'DATE',
  timestamp: 'TIMESTAMP',
}

/** Type of a table for one of DuckDB's. @throws MlforgeError type_unsupported, nested_values */
export function columnTypeOf(column: string, type: string): ColumnType {
  if (/^U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?$/.test(type)) return 'integer'
  if (/^(FLOAT|DOUBLE|DECIMAL)/.test(type) && !type.endsWith(']')) return 'number'
  if (/^(VARCHAR|UUID|JSON|ENUM\(.*\))$/.test(type)) return 'string'
  if (type === 'BOOLEAN') return 'boolean'
  if (type === 'DATE') return 'date'
  if (/^TIMESTAMP[^\]]*$/.test(type)) return 'timestamp'
  const isNested = /\]$|^(STRUCT|MAP|UNION)\b/.test(type)
  throw new MlforgeError(
    isNested ? 'nested_values' : 'type_unsupported',
    `Column ${column} is ${type}, which is no type of a table. Make it text, or leave it out.`,
    { problems: [{ at: `columns.${column}`, message: `is ${type}` }] },
  )
}

/** A column of one of DuckDB's types as its type of a table. */
export function castTo(type: ColumnType, column: string, from: string): string {
  const value = from.includes('TIME ZONE') ? `(${name(column)} AT TIME ZONE 'UTC')` : name(column)
  return from === SQL_TYPES[type] ? value : `CAST(${value} AS ${SQL_TYPES[type]}) AS ${name(column)}`
}

const WORDS =
  /^(Parser|Syntax|Binder|Catalog|Permission|Conversion|Invalid Input|Invalid type|Mismatch Type|Out of Range|Not implemented|Divide by Zero|Decimal|Expression|Parameter Not (Allowed|Resolved)) Error: /i

/** What DuckDB says of what it cannot do, in our words; any other error as it is. */
export function explained(error: unknown, what: string): unknown {
  if (error instanceof MlforgeError) return error
  const said = String((error as Partial<Error>).message)
  if (/No space left|ENOSPC/i.test(said)) {
    return new MlforgeError(
      'unavailable',
      `The disk is full: ${firstLine(said)}. Make room, or name another directory.`,
    )
  }
  if (said.startsWith('Out of Memory Error')) {
    return new MlforgeError(
      'query_invalid',
      `${what} needs more memory than \`memoryLimit\` allows (${firstLine(said)}). Raise it, or ask for less.`,
    )
  }
  if (!WORDS.test(said)) return error
  const message = said.split(/\n\n(?=LINE \d+: )/)[0]!.replaceAll(/\s*\n\s*/g, ' ')
  return new MlforgeError('query_invalid', `${what} cannot be run: ${message}`, {
    problems: [{ at: what, message }],
  })
}

function firstLine(said: string): string {
  return said.split('\n')[0]!
}
