import { type Column, kindOfType } from '../../../domain/transformations/columns.js'
import type { Scalar } from '../../../domain/transformations/steps.js'
import { name, text } from '../duckdb.js'

/** A double, to its last bit. */
export function double(value: number): string {
  return `'${value}'::DOUBLE`
}

/** A value of a column as a number; NULL where it is NULL or NaN. */
export function numberSql({ name: column, type }: Column): string {
  const value = `${name(column)}::DOUBLE`
  return kindOfType(type) === 'number' ? notNan(value) : value
}

export function notNan(sql: string): string {
  return `nullif(${sql}, 'nan'::DOUBLE)`
}

/** Text that tells the categories of a column apart, minus zero from zero not; NULL where there is none. */
export function keySql(column: Column): string {
  switch (kindOfType(column.type)) {
    case 'string':
      return name(column.name)
    case 'number':
      return doubleKey(numberSql(column))
    default:
      return `${name(column.name)}::VARCHAR`
  }
}

/** A type whose codes are the positions of categories of a column. */
export function createCodes(type: string, column: Column, categories: readonly Scalar[]): string {
  if (kindOfType(column.type) !== 'number' || categories.length === 0) {
    const keys = categories.map(each => text(String(each)))
    return `CREATE TYPE ${type} AS ENUM (${keys.length === 0 ? `SELECT '' WHERE false` : keys.join(', ')})`
  }
  const rows = categories.map((each, i) => `(${i}, ${text(String(each))}::DOUBLE)`)
  return `CREATE TYPE ${type} AS ENUM (SELECT ${doubleKey('value')} FROM (VALUES ${rows.join(', ')}) t(i, value) ORDER BY i)`
}

function doubleKey(sql: string): string {
  return `(CASE WHEN ${sql} = 0 THEN 0::DOUBLE ELSE ${sql} END)::VARCHAR`
}
