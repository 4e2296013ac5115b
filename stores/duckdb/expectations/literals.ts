import type { Bound, Scalar } from '../../../domain/expectations/expectation.js'
import { resolveBound } from '../../../domain/expectations/offsets.js'
import { text } from '../duckdb.js'
import { columnTypeOf } from './table.js'

/** A value in SQL to compare with a column of this type. */
export function literal(value: Scalar, type: string): string {
  if (typeof value === 'boolean') return String(value)
  if (typeof value === 'number') {
    // As text: a decimal fraction in SQL is a DECIMAL, whose way to DOUBLE rounds twice.
    return columnTypeOf(type) === 'integer' && Number.isSafeInteger(value)
      ? String(value)
      : `${text(String(value))}::DOUBLE`
  }
  // A date has no time of day to be compared with.
  const hasTime = type === 'DATE' && value.length > 10
  return `CAST(${text(value)} AS ${hasTime ? 'TIMESTAMP' : type})`
}

export const boundLiteral = (bound: Bound, type: string, now: string): string =>
  literal(resolveBound(bound, now), type)

/** Sets up to this size are looked through value by value, in a function, which runs once for each entry of a dictionary. */
const LISTED = 100

/** True in SQL where a value (not NULL) is in the set. */
export function isIn(value: string, set: readonly Scalar[], type: string): string {
  const whole = columnTypeOf(type) === 'integer' && set.every(one => Number.isSafeInteger(one))
  const element =
    columnTypeOf(type) === 'number' || (columnTypeOf(type) === 'integer' && !whole) ? 'DOUBLE' : type
  const compared = element === type ? value : `${value}::${element}`
  const list = `[${set.map(one => literal(one, type)).join(', ')}]::${element}[]`
  return set.length <= LISTED
    ? `list_contains(${list}, ${compared})`
    : `(${compared} IN (SELECT unnest(${list})))`
}
