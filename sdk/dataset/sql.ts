import type { ColumnDeclaration, ColumnType } from '../../contracts/rest/datasets.js'
import { familyOf, SQL_TYPES } from '../../domain/duckdb/types.js'
import { saidOfFullDisk, saidOfMemory, saidOfStatement } from '../../domain/duckdb/words.js'
import { MlforgeError } from '../../domain/errors.js'
import { identifier as name, text } from '../../domain/duckdb/sql.js'

export { name, text }

/** Type of a table for one of DuckDB's. @throws MlforgeError type_unsupported, nested_values */
export function columnTypeOf(column: string, type: string): ColumnType {
  const family = familyOf(type)
  if (family !== 'nested' && family !== 'other') return family
  throw new MlforgeError(
    family === 'nested' ? 'nested_values' : 'type_unsupported',
    `Column ${column} is ${type}, which is no type of a table. Make it text, or leave it out.`,
    { problems: [{ at: `columns.${column}`, message: `is ${type}` }] },
  )
}

/** A column of one of DuckDB's types as its type of a table. */
export function castTo(type: ColumnType, column: string, from: string): string {
  const value = from.includes('TIME ZONE') ? `(${name(column)} AT TIME ZONE 'UTC')` : name(column)
  return from === SQL_TYPES[type] ? value : `CAST(${value} AS ${SQL_TYPES[type]}) AS ${name(column)}`
}

/** A column as it is declared. */
export function readAs(column: string, { type, format }: ColumnDeclaration): string {
  const value =
    format !== undefined && (type === 'date' || type === 'timestamp')
      ? `strptime(${name(column)}, ${text(format)})`
      : name(column)
  return `CAST(${value} AS ${SQL_TYPES[type]}) AS ${name(column)}`
}

/** What DuckDB says of what it cannot do, in our words; any other error as it is. */
export function explained(error: unknown, what: string): unknown {
  if (error instanceof MlforgeError) return error
  const ofDisk = saidOfFullDisk(error)
  if (ofDisk !== undefined) {
    return new MlforgeError(
      'unavailable',
      `The disk is full: ${ofDisk}. Make room, or name another directory.`,
    )
  }
  const ofMemory = saidOfMemory(error)
  if (ofMemory !== undefined) {
    return new MlforgeError(
      'query_invalid',
      `${what} needs more memory than \`memoryLimit\` allows (${ofMemory}). Raise it, or ask for less.`,
    )
  }
  const message = saidOfStatement(error)
  if (message === undefined) return error
  return new MlforgeError('query_invalid', `${what} cannot be run: ${message}`, {
    problems: [{ at: what, message }],
  })
}
