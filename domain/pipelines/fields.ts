import type { Json } from '../canonical-json.js'
import { didYouMean } from '../suggest.js'
import type { Path, PipelineProblem } from './problems.js'

/** What is wrong with a value of a field; nothing for one that fits. */
export type FieldCheck = (value: Json, path: Path, isOpen: IsOpen) => PipelineProblem[]
/** True for a value that is not known yet: it holds a reference. */
export type IsOpen = (value: Json) => boolean

const MAX_COLUMNS = 1000
const MAX_TEXT = 10_000

/** Anything: what it means is asked elsewhere. */
export const any: FieldCheck = () => []

/** Any text but an empty one. */
export const text: FieldCheck = (value, path) =>
  typeof value === 'string' && value.trim() !== '' && value.length <= MAX_TEXT && !value.includes('\0')
    ? []
    : [{ path, message: `Must be text of 1 to ${MAX_TEXT} characters.` }]

/** A number, text, true or false. */
export const constant: FieldCheck = (value, path) =>
  ['string', 'boolean'].includes(typeof value) || isNumber(value)
    ? []
    : [{ path, message: 'Must be a number, text, true or false.' }]

/** `{ min, max }`, one of them at least. */
export const bounds: FieldCheck = (value, path, isOpen) => {
  const shape = object(value, path, { min: number, max: number }, ['min', 'max'], isOpen)
  if (shape.length > 0) return shape
  const { min, max } = value as { min?: Json; max?: Json }
  if (min === undefined && max === undefined) return [{ path, message: 'Needs "min", "max" or both.' }]
  return isNumber(min) && isNumber(max) && min > max
    ? [{ path, message: `min ${min} is above max ${max}.` }]
    : []
}

/** A column, or `{ column, order: desc }`. */
export const sortKey: FieldCheck = (value, path, isOpen) =>
  typeof value === 'string'
    ? text(value, path, isOpen)
    : object(value, path, { column: text, order: oneOf(['asc', 'desc']) }, ['order'], isOpen)

export const number: FieldCheck = (value, path) =>
  isNumber(value) ? [] : [{ path, message: 'Must be a number.' }]

/** What fits, or null. */
export function nullable(check: FieldCheck): FieldCheck {
  return (value, path, isOpen) => (value === null ? [] : check(value, path, isOpen))
}

export function oneOf(choices: readonly string[]): FieldCheck {
  return (value, path) => {
    if (typeof value === 'string' && choices.includes(value)) return []
    const hint = typeof value === 'string' ? didYouMean(value, choices) : ''
    return [{ path, message: `${JSON.stringify(value)} is not one of ${choices.join(', ')}.${hint}` }]
  }
}

/** @param least excluded where `above` is true */
export function numberOf(least: number, most: number, kind: 'whole' | 'above'): FieldCheck {
  const words = kind === 'whole' ? `a whole number of ${least} to` : `a number above ${least}, at most`
  return (value, path) => {
    const fits = isNumber(value) && value <= most
    const good =
      kind === 'whole' ? Number.isSafeInteger(value) && Number(value) >= least : Number(value) > least
    return fits && good ? [] : [{ path, message: `Must be ${words} ${most}.` }]
  }
}

/** A list of any length. */
export function listOf(each: FieldCheck): FieldCheck {
  return (value, path, isOpen) =>
    Array.isArray(value)
      ? (value as readonly Json[]).flatMap((item, i) => known(each, item, [...path, i], isOpen))
      : [{ path, message: 'Must be a list.' }]
}

/** A list of at least one, no text of it twice. */
export function list(each: FieldCheck): FieldCheck {
  return (value, path, isOpen) => {
    if (!Array.isArray(value) || value.length === 0 || value.length > MAX_COLUMNS) {
      return [{ path, message: `Must be a list of 1 to ${MAX_COLUMNS}.` }]
    }
    return [...twice(value as readonly Json[], path), ...listOf(each)(value, path, isOpen)]
  }
}

/** An object of at least one member, whose names are columns. */
export function members(each: FieldCheck): FieldCheck {
  return (value, path, isOpen) => {
    const entries = isObject(value) ? Object.entries(value) : []
    if (entries.length === 0 || entries.length > MAX_COLUMNS) {
      return [{ path, message: `Must hold 1 to ${MAX_COLUMNS} columns by their names.` }]
    }
    return entries.flatMap(([name, member]) => [
      ...text(name, [...path, name], isOpen),
      ...known(each, member ?? null, [...path, name], isOpen),
    ])
  }
}

/** An object of these fields; all are needed but those that are optional. */
export function object(
  value: Json,
  path: Path,
  fields: Readonly<Record<string, FieldCheck>>,
  optional: readonly string[],
  isOpen: IsOpen,
): PipelineProblem[] {
  const names = Object.keys(fields)
  if (!isObject(value)) return [{ path, message: `Must be an object of ${names.join(', ')}.` }]
  const strange = Object.keys(value)
    .filter(key => !names.includes(key))
    .map(key => ({
      path: [...path, key],
      message: `There is no field "${key}" here.${didYouMean(key, names)} Known: ${names.join(', ')}.`,
    }))
  const wrong = Object.entries(fields).flatMap(([name, check]) => {
    const member = value[name]
    if (member !== undefined) return known(check, member, [...path, name], isOpen)
    return optional.includes(name) ? [] : [{ path: [...path, name], message: `"${name}" is needed here.` }]
  })
  return [...strange, ...wrong]
}

/** An object of these fields, as the value of another one. */
export function objectOf(
  fields: Readonly<Record<string, FieldCheck>>,
  optional: readonly string[] = [],
): FieldCheck {
  return (value, path, isOpen) => object(value, path, fields, optional, isOpen)
}

export function isObject(value: Json | undefined): value is Readonly<Record<string, Json>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function known(check: FieldCheck, value: Json, path: Path, isOpen: IsOpen): PipelineProblem[] {
  return isOpen(value) ? [] : check(value, path, isOpen)
}

function twice(items: readonly Json[], path: Path): PipelineProblem[] {
  return items.flatMap((item, i) =>
    typeof item === 'string' && items.indexOf(item) < i
      ? [{ path: [...path, i], message: `"${item}" is there twice.` }]
      : [],
  )
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value)
}
