import {
  type Document,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseAllDocuments,
  visit,
} from 'yaml'
import type { Problem } from '../domain/errors.js'
import { compilePipeline } from '../domain/pipelines/compile.js'
import type { PipelineDefinition } from '../domain/pipelines/definition.js'
import type { Path, PipelineProblem } from '../domain/pipelines/problems.js'

const MAX_CHARACTERS = 1_048_576
/** Aliases that one text may use, so that a small one cannot become a huge value. */
const MAX_ALIASES = 100

export interface ReadPipelines {
  readonly definitions: readonly PipelineDefinition[]
  /** Everything that is wrong, each with `file:line:column`. */
  readonly problems: readonly Problem[]
}

/**
 * The pipelines of a text: those under `pipelines` of an mlforge.yaml, whose other keys are not looked at, or
 * one that stands alone. JSON is YAML too.
 * @param file how problems call it
 */
export function readPipelines(text: string, file: string): ReadPipelines {
  if (text.length > MAX_CHARACTERS) {
    const message = `It has ${text.length} characters, more than ${MAX_CHARACTERS}.`
    return { definitions: [], problems: [{ at: `${file}:1:1`, message }] }
  }
  const lines = new LineCounter()
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset)
    return `${file}:${Math.max(1, line)}:${Math.max(1, col)}`
  }
  const documents = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false })
  const [document, second] = Array.isArray(documents) ? documents : []
  const fail = (offset: number, message: string): ReadPipelines => ({
    definitions: [],
    problems: [{ at: at(offset), message }],
  })
  if (!document || document.contents === null) return fail(0, 'There is nothing in it.')
  if (second) return fail(second.range[0], 'Only one document can be read; take the "---" away.')
  const { errors } = document
  if (errors.length > 0) {
    const problems = errors.map(({ pos, message }) => ({ at: at(pos[0]), message }))
    return { definitions: [], problems }
  }
  const strange = notJson(document)
  if (strange) return fail(strange.range?.[0] ?? 0, 'Only values that JSON has can be used.')
  let value: unknown
  try {
    value = document.toJS({ maxAliasCount: MAX_ALIASES })
  } catch (error) {
    return fail(0, error instanceof Error ? error.message : String(error))
  }
  const read = compiled(value)
  const place = ({ path, message }: PipelineProblem): Problem => ({
    at: at(offsetOf(document, path)),
    message,
  })
  return { definitions: read.definitions, problems: read.problems.map(place) }
}

function compiled(value: unknown): {
  definitions: PipelineDefinition[]
  problems: PipelineProblem[]
} {
  const given = isObject(value) ? value : {}
  if (given['pipelines'] === undefined) {
    if (given['steps'] === undefined) {
      const message = 'There is no "pipelines" in it, and it is no pipeline itself: it has no "steps".'
      return { definitions: [], problems: [{ path: [], message }] }
    }
    const { definition, problems } = compilePipeline(value)
    return { definitions: definition ? [definition] : [], problems: [...problems] }
  }
  const { pipelines } = given
  if (!isObject(pipelines) || Object.keys(pipelines).length === 0) {
    const message = '"pipelines" must hold pipelines by their names.'
    return { definitions: [], problems: [{ path: ['pipelines'], message }] }
  }
  const all = Object.entries(pipelines).map(([name, source]) => ({ name, ...compilePipeline(source, name) }))
  return {
    definitions: all.flatMap(({ definition }) => (definition ? [definition] : [])),
    problems: all.flatMap(({ name, problems }) =>
      problems.map(({ path, message }) => ({ path: ['pipelines', name, ...path], message })),
    ),
  }
}

/** Where a path stands in the text: its key, or the nearest that is there. */
function offsetOf(document: Document.Parsed, path: Path): number {
  let node: unknown = document.contents
  let offset = document.contents?.range?.[0] ?? 0
  for (const key of path) {
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

/** A value that JSON cannot hold: NaN, infinities, dates, bytes. */
function notJson(document: Document.Parsed): Node | undefined {
  let found: Node | undefined
  visit(document, {
    Scalar(_, node) {
      const { value } = node
      const fits = value === null || ['string', 'boolean'].includes(typeof value) || Number.isFinite(value)
      if (fits) return undefined
      found = node
      return visit.BREAK
    },
  })
  return found
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
