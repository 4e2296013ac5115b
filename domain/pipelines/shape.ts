import type { Json } from '../canonical-json.js'
import type { Problem } from '../errors.js'
import { didYouMean } from '../suggest.js'

/** What a value looks like, before anybody asks what it means. */
export type Shape =
  | 'text'
  | 'number'
  | 'flag'
  | 'any'
  | { readonly list: Shape }
  | { readonly oneOf: readonly string[] }
  | { readonly fields: Readonly<Record<string, Shape>>; readonly needed: readonly string[] }

/** Everything that has another form than it should, each under its path. */
export function shapeProblems(value: Json, shape: Shape, at: string): Problem[] {
  if (shape === 'any') return []
  if (shape === 'text') return wrongUnless(typeof value === 'string', at, 'text')
  if (shape === 'number') return wrongUnless(typeof value === 'number', at, 'a number')
  if (shape === 'flag') return wrongUnless(typeof value === 'boolean', at, 'true or false')
  if ('list' in shape) {
    if (!Array.isArray(value)) return [{ at, message: 'Must be a list.' }]
    return (value as readonly Json[]).flatMap((item, i) => shapeProblems(item, shape.list, `${at}[${i}]`))
  }
  if ('oneOf' in shape) {
    if (typeof value === 'string' && shape.oneOf.includes(value)) return []
    const hint = didYouMean(String(value), shape.oneOf)
    return [{ at, message: `${JSON.stringify(value)} is not one of ${shape.oneOf.join(', ')}.${hint}` }]
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return [{ at, message: 'Must be an object.' }]
  }
  return memberProblems(value as Readonly<Record<string, Json>>, shape, at)
}

function memberProblems(
  value: Readonly<Record<string, Json>>,
  { fields, needed }: Extract<Shape, { readonly fields: unknown }>,
  at: string,
): Problem[] {
  const known = Object.keys(fields)
  const missing = needed.filter(field => value[field] === undefined)
  return [
    ...missing.map(field => ({ at: `${at}.${field}`, message: 'This field is needed.' })),
    ...Object.entries(value).flatMap(([field, member]) => {
      const inside = `${at}.${field}`
      if (Object.hasOwn(fields, field)) return shapeProblems(member, fields[field]!, inside)
      const hint = didYouMean(field, known)
      return [
        { at: inside, message: `There is no field "${field}" here.${hint} Known: ${known.join(', ')}.` },
      ]
    }),
  ]
}

function wrongUnless(holds: boolean, at: string, what: string): Problem[] {
  return holds ? [] : [{ at, message: `Must be ${what}.` }]
}
