import { canonicalJson, type Json } from '../canonical-json.js'
import { NAME_PATTERN, NAME_RULE } from '../names.js'
import type { ParameterSpec } from './definition.js'
import type { Path } from './problems.js'
import type { Reader } from './reader.js'
import { valueProblems } from './value-types.js'

const TYPES = ['string', 'integer', 'number', 'boolean', 'json'] as const
/** Members that a JSON body may not have. */
const NOT_GIVEN = ['constructor', 'prototype']
const FIELDS = ['type', 'default', 'description', 'choices']

/** The parameters of a definition; those that cannot be read are left out, their problems remembered. */
export function compileParameters(
  reader: Reader,
  source: Json | undefined,
): Readonly<Record<string, ParameterSpec>> {
  if (source === undefined || source === null) return {}
  const given = reader.object(source, ['parameters'], null, '"parameters"')
  const compiled = Object.entries(given ?? {}).flatMap(([name, value]) => {
    if (reader.isFull) return []
    const path = ['parameters', name]
    if (!NAME_PATTERN.test(name) || name.includes('.')) {
      reader.wrong(path, `"${name}" cannot name a parameter. Use ${NAME_RULE}, without ".".`)
    } else if (NOT_GIVEN.includes(name)) {
      reader.wrong(path, `"${name}" cannot name a parameter: a request cannot hold it. Choose another name.`)
    }
    const spec = compileOne(reader, value, path)
    return spec ? [[name, spec] as const] : []
  })
  return Object.fromEntries(compiled)
}

function compileOne(reader: Reader, value: Json, path: Path): ParameterSpec | null {
  const type = shortType(value)
  if (type !== null) return { type, default: value }
  return compileWhole(reader, value, path)
}

/** The type of a parameter that is given by its default alone; null for one that is not. */
function shortType(value: Json): ParameterSpec['type'] | null {
  if (typeof value === 'string' || typeof value === 'boolean') return typeof value as 'string' | 'boolean'
  if (typeof value !== 'number') return null
  return Number.isSafeInteger(value) ? 'integer' : 'number'
}

function compileWhole(reader: Reader, value: Json, path: Path): ParameterSpec | null {
  const given = reader.object(value, path, FIELDS, 'A parameter')
  if (!given) return null
  if (given['type'] === undefined) reader.wrong(path, `It needs a type: ${TYPES.join(', ')}.`)
  const type = reader.choice(given['type'], [...path, 'type'], TYPES)
  const description = reader.text(given['description'], [...path, 'description'])
  if (type === undefined) return null
  const check = (member: Json, at: Path) => {
    for (const { message } of valueProblems(member, type, '')) reader.wrong(at, message)
  }
  const { choices, default: fallback } = given
  if (choices !== undefined) {
    if (!Array.isArray(choices) || choices.length === 0) {
      reader.wrong([...path, 'choices'], 'Must be a list of values.')
      return null
    }
    for (const [i, choice] of choices.entries()) check(choice as Json, [...path, 'choices', i])
  }
  if (fallback !== undefined) {
    check(fallback, [...path, 'default'])
    if (Array.isArray(choices) && !isChoice(fallback, choices as readonly Json[])) {
      reader.wrong([...path, 'default'], `${JSON.stringify(fallback)} is not among the choices.`)
    }
  }
  return {
    type,
    ...(fallback === undefined ? {} : { default: fallback }),
    ...(description === undefined ? {} : { description }),
    ...(choices === undefined ? {} : { choices: choices as readonly Json[] }),
  }
}

/** Whether a value is one of some. */
export function isChoice(value: Json, choices: readonly Json[]): boolean {
  return choices.some(choice => canonicalJson(choice) === canonicalJson(value))
}
