import type { Json } from '../canonical-json.js'
import type { Problem } from '../errors.js'
import { partsOf } from './references.js'
import type { InputSpec } from './step-types.js'
import type { ValueType } from './values.js'

const WORDS: Readonly<Record<ValueType, string>> = {
  string: 'text',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  json: 'a value',
  table: 'a table of a step, such as ${{ steps.load.table }}',
  file: 'a file of a step',
  strings: 'a list of texts',
  tables: 'an object whose members are tables of steps',
  texts: 'an object whose members are texts',
}

/** `a whole number`, for people. */
export function typeWords(type: ValueType): string {
  return WORDS[type]
}

/** What is named by where it is: JSON from anywhere must not name an object of somebody else. */
const CONTENT: readonly ValueType[] = ['table', 'file', 'tables']

/** Whether a value of one type may stand where another one is expected: numbers and flags become text. */
export function isAssignable(from: ValueType, to: ValueType): boolean {
  if (to === 'json' || from === to) return true
  if (from === 'json') return !CONTENT.includes(to)
  return (from === 'integer' && to === 'number') || (to === 'string' && isScalar(from))
}

/** Types whose values have a place within a text. */
export function isScalar(type: ValueType): boolean {
  return ['string', 'integer', 'number', 'boolean', 'json'].includes(type)
}

/**
 * What is wrong with a value as one of a type; nothing for one that fits.
 * @param allowsReferences true before references are resolved: a text that holds one may become anything
 */
export function valueProblems(
  value: Json | undefined,
  type: ValueType,
  at: string,
  allowsReferences = false,
): Problem[] {
  if (allowsReferences && typeof value === 'string' && holdsReference(value)) return []
  const inside = (members: Iterable<[string, Json | undefined]>, of: ValueType) =>
    [...members].flatMap(([key, member]) => valueProblems(member, of, `${at}${key}`, allowsReferences))
  const wrong = [{ at, message: `Must be ${typeWords(type)}, and is ${shown(value)}.` }]
  switch (type) {
    case 'json':
      return []
    case 'string':
      return typeof value === 'string' ? [] : wrong
    case 'integer':
      return Number.isSafeInteger(value) ? [] : wrong
    case 'number':
      return typeof value === 'number' && Number.isFinite(value) ? [] : wrong
    case 'boolean':
      return typeof value === 'boolean' ? [] : wrong
    case 'table':
    case 'file':
      return isObject(value) && value['kind'] === type ? [] : wrong
    case 'strings':
      if (!Array.isArray(value)) return wrong
      return inside(
        (value as readonly Json[]).map((item, i) => [`[${i}]`, item]),
        'string',
      )
    case 'tables':
    case 'texts': {
      if (!isObject(value)) return wrong
      const members = Object.entries(value).map(([key, member]): [string, Json | undefined] => [
        `.${key}`,
        member,
      ])
      return inside(members, type === 'tables' ? 'table' : 'string')
    }
  }
}

/**
 * The inputs of a step, complete and of the types that its type has for them.
 * @returns what is wrong instead, where references have brought something else
 */
export function completeInputs(
  specs: Readonly<Record<string, InputSpec>>,
  given: Readonly<Record<string, Json>>,
): { readonly inputs: Readonly<Record<string, Json>>; readonly problems: readonly Problem[] } {
  const defaults = Object.entries(specs).flatMap(([name, spec]) =>
    spec.default === undefined ? [] : [[name, spec.default] as const],
  )
  const complete = { ...Object.fromEntries(defaults), ...given }
  const inputs = Object.fromEntries(
    Object.entries(complete).map(([name, value]) => [name, asText(value, specs[name]?.type)]),
  )
  const problems = Object.entries(specs).flatMap(([name, spec]) => {
    const value = inputs[name]
    if (value === undefined) return spec.optional ? [] : [{ at: name, message: 'This input is needed.' }]
    if (value === null && spec.nullable) return []
    return [...valueProblems(value, spec.type, name), ...choiceProblems(value, spec, name)]
  })
  return { inputs, problems }
}

/** Numbers and flags as text, where text is expected. */
function asText(value: Json, type: ValueType | undefined): Json {
  if (type === 'string')
    return typeof value === 'number' || typeof value === 'boolean' ? String(value) : value
  if (type === 'strings' && Array.isArray(value)) {
    return (value as readonly Json[]).map(item => asText(item, 'string'))
  }
  if (type !== 'texts' || !isObject(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [key, asText(member ?? null, 'string')]),
  )
}

/** What is wrong with a value that must be one of some. */
export function choiceProblems(value: Json, { choices }: Pick<InputSpec, 'choices'>, at: string): Problem[] {
  if (choices === undefined || typeof value !== 'string' || choices.includes(value)) return []
  return [{ at, message: `"${value}" is not one of ${choices.join(', ')}.` }]
}

function holdsReference(text: string): boolean {
  return partsOf(text).some(part => !('text' in part))
}

function isObject(value: Json | undefined): value is Readonly<Record<string, Json>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function shown(value: Json | undefined): string {
  if (value === undefined || value === null) return 'nothing'
  const text = JSON.stringify(value)
  return text.length <= 60 ? text : `${text.slice(0, 59)}…`
}
