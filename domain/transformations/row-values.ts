import type { Json } from '../canonical-json.js'
import { kindOfType } from './columns.js'
import { transformationMismatch } from './problems.js'
import type { Scalar } from './steps.js'

/** A value of a row cannot be what its column is. */
function mismatch(name: string, type: string, value: Json): Error {
  const message = `${JSON.stringify(value)} is no value of a column of ${type}.`
  return transformationMismatch([{ at: name, message }])
}

/**
 * A number of a row; NaN where there is none. Infinities, NaN and whole numbers past 2^53 may be text.
 * @throws MlforgeError transformation_mismatch
 */
export function numberIn(name: string, type: string, value: Json): number {
  if (value === null) return NaN
  const isText = typeof value === 'string' && /^([-+]?(\d|\.\d|Infinity$)|NaN$)/.test(value)
  const read = typeof value === 'number' ? value : isText ? Number(value) : undefined
  if (read === undefined || (isText && value !== 'NaN' && Number.isNaN(read)))
    throw mismatch(name, type, value)
  return type === 'FLOAT' ? Math.fround(read) : read
}

/** A number as JSON has it: null for NaN, text for infinities. */
export function numberOut(value: number): Json {
  if (Number.isFinite(value)) return value
  return Number.isNaN(value) ? null : String(value)
}

/**
 * What tells categories of one column apart; null for a missing value.
 * @throws MlforgeError transformation_mismatch
 */
export function categoryIn(name: string, type: string, value: Json): string | null {
  if (value === null) return null
  const kind = kindOfType(type)
  if (kind === 'number') {
    const read = numberIn(name, type, value)
    return Number.isNaN(read) ? null : String(read)
  }
  const isFit =
    kind === 'integer'
      ? Number.isInteger(value) || (typeof value === 'string' && /^-?\d+$/.test(value))
      : typeof value === kind
  if (!isFit) throw mismatch(name, type, value)
  // As tables have it: 7 for "007".
  return kind === 'integer' && typeof value === 'string' ? String(BigInt(value)) : String(value)
}

/** The same of a category that a state knows. */
export function categoryKey(category: Scalar): string {
  return String(category)
}

/**
 * Text of a row; null for none.
 * @throws MlforgeError transformation_mismatch
 */
export function textIn(name: string, type: string, value: Json): string | null {
  if (value !== null && typeof value !== 'string') throw mismatch(name, type, value)
  return value
}

/**
 * A date or timestamp as ISO 8601 text; null for none, and for infinite ones, which have no parts.
 * @param read milliseconds of text, NaN for what is no date
 * @throws MlforgeError transformation_mismatch
 */
export function instantIn(
  name: string,
  type: string,
  value: Json,
  read: (text: string) => number,
): number | null {
  const text = textIn(name, type, value)
  if (text === null || text === 'infinity' || text === '-infinity') return null
  const instant = read(text)
  if (Number.isNaN(instant)) throw mismatch(name, type, value)
  return instant
}

/**
 * True where a value is missing: null, and NaN of numbers.
 * @throws MlforgeError transformation_mismatch
 */
export function isMissing(name: string, type: string, value: Json): boolean {
  return value === null || (kindOfType(type) === 'number' && Number.isNaN(numberIn(name, type, value)))
}
