import type { Json } from '../canonical-json.js'
import { MlforgeError } from '../errors.js'

/** What a text may refer to: `${{ parameters.rounds }}`, `${{ steps.load.table }}`, `${{ run.id }}`. */
export type Reference =
  /** With members and positions within it, where it is JSON. */
  | { readonly kind: 'parameter'; readonly name: string; readonly path: readonly string[] }
  | {
      readonly kind: 'step'
      readonly step: string
      readonly output: string
      /** Members and positions within the output. */
      readonly path: readonly string[]
    }
  | { readonly kind: 'run'; readonly field: RunField }
  /** What a map is at, and something within it. */
  | { readonly kind: 'item'; readonly path: readonly string[] }
  /** Its position, from 0. */
  | { readonly kind: 'index' }
  /** What has led to a run, in the parameters that a sensor or a retraining gives to a pipeline. */
  | { readonly kind: 'given'; readonly root: Given; readonly path: readonly string[] }

/** What leads to runs of pipelines by itself: a tick of a sensor, the retraining of a deployment. */
export const GIVEN = ['tick', 'retraining'] as const
export type Given = (typeof GIVEN)[number]

/** What a run says of itself. */
export const RUN_FIELDS = ['id', 'pipeline'] as const
export type RunField = (typeof RUN_FIELDS)[number]

/** A piece of a text: as it stands, what it refers to, or why that cannot be read. */
export type TextPart =
  { readonly text: string } | { readonly reference: Reference } | { readonly malformed: string }

const OPEN = '${{'
const CLOSE = '}}'
const WORD = /^[A-Za-z0-9_-]+$/
const FORMS = 'parameters.<name>, steps.<step>.<output>, run.<field>, or item and index within a map'

/** The pieces of a text. `$${{` stands for `${{` itself. */
export function partsOf(text: string): TextPart[] {
  const parts: TextPart[] = []
  let plain = ''
  let at = 0
  const flush = () => {
    if (plain !== '') parts.push({ text: plain })
    plain = ''
  }
  while (at < text.length) {
    if (text.startsWith(`$${OPEN}`, at)) {
      plain += OPEN
      at += OPEN.length + 1
    } else if (text.startsWith(OPEN, at)) {
      flush()
      const end = text.indexOf(CLOSE, at)
      if (end === -1) {
        parts.push({ malformed: `"${text.slice(at, at + 40)}" has no closing }}.` })
        return parts
      }
      parts.push(parse(text.slice(at + OPEN.length, end).trim()))
      at = end + CLOSE.length
    } else {
      plain += text[at]
      at++
    }
  }
  flush()
  return parts
}

/** The reference that a text is, where it is nothing else: its value keeps its type. */
export function soleReference(text: string): Reference | null {
  const [first, ...more] = partsOf(text)
  return first !== undefined && more.length === 0 && 'reference' in first ? first.reference : null
}

/** Everything that a value refers to, in the order in which it stands there. */
export function referencesIn(value: Json): Reference[] {
  if (typeof value === 'string') {
    return partsOf(value).flatMap(part => ('reference' in part ? [part.reference] : []))
  }
  if (typeof value !== 'object' || value === null) return []
  return Object.values(value).flatMap(member => (member === undefined ? [] : referencesIn(member)))
}

/**
 * A value with everything that it refers to in its place. Texts that are one reference become its value;
 * within other text only texts, numbers, true and false have a place.
 * @throws MlforgeError step_input_invalid for a value that has no such path or place
 */
export function resolveValue(value: Json, lookup: (reference: Reference) => Json): Json {
  if (typeof value === 'string') return resolveText(value, lookup)
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return (value as readonly Json[]).map(item => resolveValue(item, lookup))
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [
      key,
      member === undefined ? undefined : resolveValue(member, lookup),
    ]),
  )
}

/**
 * What stands at a path within a value.
 * @param what how the value is called
 * @throws MlforgeError step_input_invalid where nothing does
 */
export function valueAt(value: Json, path: readonly string[], what: string): Json {
  let found: Json | undefined = value
  for (const key of path) {
    const isInside: boolean = typeof found === 'object' && found !== null && Object.hasOwn(found, key)
    found = isInside ? (found as Readonly<Record<string, Json>>)[key] : undefined
    if (found === undefined) {
      throw new MlforgeError('step_input_invalid', `${what} has nothing at ${path.join('.')}.`)
    }
  }
  return found ?? null
}

/** How a reference is written. */
export function describeReference(reference: Reference): string {
  switch (reference.kind) {
    case 'parameter':
      return ['parameters', reference.name, ...reference.path].join('.')
    case 'run':
      return `run.${reference.field}`
    case 'index':
      return 'index'
    case 'item':
      return ['item', ...reference.path].join('.')
    case 'given':
      return [reference.root, ...reference.path].join('.')
    case 'step':
      return ['steps', reference.step, reference.output, ...reference.path].join('.')
  }
}

function resolveText(text: string, lookup: (reference: Reference) => Json): Json {
  const sole = soleReference(text)
  if (sole) return lookup(sole)
  return partsOf(text)
    .map(part => {
      if ('text' in part) return part.text
      if ('malformed' in part) throw new MlforgeError('step_input_invalid', part.malformed)
      const value = lookup(part.reference)
      if (value !== null && typeof value !== 'object') return String(value)
      const what = describeReference(part.reference)
      throw new MlforgeError(
        'step_input_invalid',
        `${what} is ${value === null ? 'null' : 'an object or a list'}: it has no place within a text.`,
      )
    })
    .join('')
}

function parse(inner: string): TextPart {
  const [root = '', ...rest] = inner.split('.')
  if (![root, ...rest].every(word => WORD.test(word))) {
    return { malformed: `"${inner}" is no reference. Write ${FORMS}.` }
  }
  const [first, second, ...path] = rest
  if (root === 'item') return { reference: { kind: 'item', path: rest } }
  const given = GIVEN.find(each => each === root)
  if (given) return { reference: { kind: 'given', root: given, path: rest } }
  if (root === 'index' && first === undefined) return { reference: { kind: 'index' } }
  if (root === 'parameters' && first !== undefined) {
    return { reference: { kind: 'parameter', name: first, path: rest.slice(1) } }
  }
  if (root === 'steps' && first !== undefined && second !== undefined) {
    return { reference: { kind: 'step', step: first, output: second, path } }
  }
  if (root === 'run' && second === undefined && RUN_FIELDS.some(field => field === first)) {
    return { reference: { kind: 'run', field: first as RunField } }
  }
  return { malformed: `"${inner}" is no reference. Write ${FORMS}.` }
}
