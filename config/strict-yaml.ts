import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseAllDocuments,
  visit,
  type YAMLMap,
} from 'yaml'
import type { Problem } from '../domain/errors.js'
import type { Path } from '../domain/pipelines/problems.js'
import { MAX_PROBLEMS } from '../domain/pipelines/reader.js'
import { tooDeepAt } from './yaml-depth.js'

const MAX_CHARACTERS = 524_288
/** Aliases that one text may use, so that a small one cannot become a huge value. */
const MAX_ALIASES = 100
/** Of the text. A definition may be half as deep. */
const MAX_DEPTH = 200

/** What a text says, and where it says it. */
export interface StrictYaml {
  readonly value: unknown
  /** `file:line:column` of what is at a path: of its key, or of the nearest that is there. */
  readonly at: (path: Path) => string
}

type Found = readonly [node: unknown, message: string]

/**
 * Reads a text of one document whose values are those of JSON, each key once. JSON is YAML too.
 * @param file how problems call it
 * @returns everything that is wrong instead, each with `file:line:column`
 */
export function readStrictYaml(
  text: string,
  file: string,
): StrictYaml | { readonly problems: readonly Problem[] } {
  if (text.length > MAX_CHARACTERS) {
    const message = `It has ${text.length} characters, more than ${MAX_CHARACTERS}.`
    return { problems: [{ at: `${file}:1:1`, message }] }
  }
  const lines = new LineCounter()
  lines.addNewLine(0)
  for (const { index } of text.matchAll(/\n/g)) lines.addNewLine(index + 1)
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset)
    return `${file}:${Math.max(1, line)}:${Math.max(1, col)}`
  }
  const fail = (offset: number, message: string) => ({ problems: [{ at: at(offset), message }] })
  const deep = tooDeepAt(text, MAX_DEPTH)
  if (deep !== null) return fail(deep, `It is nested deeper than ${MAX_DEPTH} levels.`)
  // That keys are there once is looked at below: the parser compares each with all others.
  const documents = parseAllDocuments(text, { prettyErrors: false, uniqueKeys: false })
  const [document, second] = Array.isArray(documents) ? documents : []
  if (!document) return fail(0, 'There is nothing in it.')
  // Tags that it does not know are warnings of the parser, and would be left out.
  const errors = [...document.errors, ...document.warnings].slice(0, MAX_PROBLEMS)
  if (errors.length > 0) return { problems: errors.map(({ pos, message }) => ({ at: at(pos[0]), message })) }
  if (second) return fail(second.range[0], 'Only one document can be read; take the "---" away.')
  if (isNothing(document.contents)) return fail(0, 'There is nothing in it.')
  const strange = findStrange(document)
  if (strange.length > 0) {
    const place = ([node, message]: Found) => ({ at: at(rangeOf(node) ?? 0), message })
    return { problems: strange.map(place) }
  }
  try {
    const value: unknown = document.toJS({ maxAliasCount: MAX_ALIASES })
    return { value, at: path => at(offsetOf(document, path)) }
  } catch {
    return fail(firstAlias(document), `Aliases repeat too much of it: at most ${MAX_ALIASES} can be used.`)
  }
}

/** What JSON cannot hold (NaN, infinities, bytes), keys that are twice there, aliases without an end. */
function findStrange(document: Document.Parsed): Found[] {
  const found: Found[] = []
  const next = () => (found.length >= MAX_PROBLEMS ? visit.BREAK : undefined)
  visit(document, {
    Scalar(_, node) {
      const { value } = node
      const fits = value === null || ['string', 'boolean'].includes(typeof value) || Number.isFinite(value)
      if (!fits) found.push([node, 'Only values that JSON has can be used.'])
      return next()
    },
    Map(_, node) {
      found.push(...badKeys(node))
      return next()
    },
    Alias(_, node: Alias, ancestors) {
      const { source } = node
      if (ancestors.some(each => isNode(each) && 'anchor' in each && each.anchor === source)) {
        found.push([node, `"*${source}" stands within what it repeats.`])
      } else if (!node.resolve(document)) found.push([node, `There is no "&${source}" before this.`])
      return next()
    },
  })
  return found
}

function badKeys({ items }: YAMLMap): Found[] {
  const seen = new Set<string>()
  return items.flatMap(({ key }): Found[] => {
    if (!isScalar(key)) return [[key, 'A key must be text.']]
    const name = String(key.value)
    if (seen.has(name)) return [[key, `The key "${name}" is there twice.`]]
    seen.add(name)
    return []
  })
}

function isNothing(node: unknown): boolean {
  return node === null || (isScalar(node) && node.value === null)
}

function firstAlias(document: Document.Parsed): number {
  let first: Node | undefined
  visit(document, {
    Alias(_, node) {
      first = node
      return visit.BREAK
    },
  })
  return rangeOf(first) ?? 0
}

/** Where a path stands in the text: its key, or the nearest that is there. */
function offsetOf(document: Document.Parsed, path: Path): number {
  let node: unknown = document.contents
  let offset = rangeOf(node) ?? 0
  for (const key of path) {
    if (isAlias(node)) node = node.resolve(document)
    if (isMap(node)) {
      const pair = node.items.find(each => isScalar(each.key) && String(each.key.value) === String(key))
      if (!pair) return offset
      offset = rangeOf(pair.key) ?? offset
      node = pair.value
    } else if (isSeq(node)) {
      node = node.items[Number(key)]
      offset = rangeOf(isPair(node) ? node.key : node) ?? offset
    } else return offset
  }
  return offset
}

function rangeOf(node: unknown): number | undefined {
  return isNode(node) ? node.range?.[0] : undefined
}
