import { canonicalJson, type Json } from '../canonical-json.js'
import { ERROR_CODES } from '../errors.js'
import { NAME_PATTERN, NAME_RULE } from '../names.js'
import { didYouMean } from '../suggest.js'
import { boundProblems } from './bounds.js'
import { compileConcurrency, compilePriority } from './compile-concurrency.js'
import { compileNeeds } from './compile-graph.js'
import { checkCompensation, checkInputs } from './compile-inputs.js'
import { compileParameters } from './compile-parameters.js'
import { compileSteps, type ReadStep } from './compile-steps.js'
import { MAX_DEFINITION_BYTES, type PipelineDefinition, type PipelineRetry } from './definition.js'
import type { Path, PipelineProblem } from './problems.js'
import { Reader } from './reader.js'

const FIELDS = [
  'name',
  'description',
  'parameters',
  'steps',
  'parallel',
  'onFailure',
  'rollBack',
  'retry',
  'concurrency',
  'priority',
]
const DEFAULT_PARALLEL = 20
const MAX_PARALLEL = 100
const MAX_RUN_ATTEMPTS = 100
const WEEK = 7 * 24 * 3600

export interface Compiled {
  /** Null where something is wrong. */
  readonly definition: PipelineDefinition | null
  /** Everything that is wrong, in the order in which it was found. */
  readonly problems: readonly PipelineProblem[]
}

/**
 * Makes of what somebody wrote the definition that is stored, hashed and run: complete, its steps in their
 * order, each with all that it needs. Any JSON can be given; all that is wrong with it comes at once.
 * @param name of the pipeline, where it stands outside of the source
 */
export function compilePipeline(source: unknown, name?: string): Compiled {
  const reader = new Reader()
  const { isFit, problems } = boundProblems(source)
  for (const { path, message } of problems) reader.wrong(path, message)
  if (!isFit) return { definition: null, problems }
  const given = reader.object(source, [], FIELDS, 'A pipeline')
  if (!given) return { definition: null, problems: reader.problems }
  const ownName = nameOf(reader, given['name'], name)
  const parameters = compileParameters(reader, given['parameters'])
  const read = compileSteps(reader, given['steps'])
  const steps = new Map<string, ReadStep>(read.map(step => [step.spec.name, step]))
  for (const step of read) checkInputs(reader, step, { parameters, steps })
  const needs = compileNeeds(reader, steps)
  for (const step of read) {
    checkCompensation(reader, step, { parameters, steps, ended: endedWith(needs, step.spec.name) })
  }
  const description = reader.text(given['description'], ['description'])
  const parallel = reader.integer(given['parallel'], ['parallel'], 1, MAX_PARALLEL) ?? DEFAULT_PARALLEL
  const onFailure = reader.choice(given['onFailure'], ['onFailure'], ['finish_others', 'stop'] as const)
  const rollBack = reader.choice(given['rollBack'], ['rollBack'], ['on_failure', 'on_request'] as const)
  const retry = retryOf(reader, given['retry'])
  const concurrency = compileConcurrency(reader, given['concurrency'], parameters)
  const priority = compilePriority(reader, given['priority'])
  const definition: PipelineDefinition = {
    schema: 1,
    name: ownName,
    ...(description === undefined ? {} : { description }),
    parameters,
    steps: read.map(({ spec }) => ({ ...spec, needs: needs.get(spec.name)! })),
    parallel,
    onFailure: onFailure ?? 'finish_others',
    ...(rollBack === 'on_request' ? { rollBack } : {}),
    ...(retry === undefined ? {} : { retry }),
    ...(concurrency === undefined ? {} : { concurrency }),
    ...(priority === undefined ? {} : { priority }),
  }
  if (reader.problems.length === 0) assertSmall(reader, definition)
  return { definition: reader.problems.length > 0 ? null : definition, problems: reader.problems }
}

/**
 * Pipelines by their names, as a file has them. Once there are many problems it is not looked for more.
 * @param root where they stand in it
 */
export function compilePipelines(
  source: unknown,
  root: Path,
): {
  readonly definitions: readonly PipelineDefinition[]
  readonly problems: readonly PipelineProblem[]
} {
  const reader = new Reader()
  const definitions: PipelineDefinition[] = []
  const entries = Object.entries(reader.object(source, root, null, '"pipelines"') ?? {})
  if (reader.problems.length === 0 && entries.length === 0) reader.wrong(root, 'Give at least one pipeline.')
  for (const [name, value] of entries) {
    if (reader.isFull) break
    const { definition, problems } = compilePipeline(value, name)
    if (definition) definitions.push(definition)
    for (const { path, message } of problems) reader.wrong([...root, name, ...path], message)
  }
  return { definitions, problems: reader.problems }
}

/** A step and all that it follows from; there may be circles. */
function endedWith(needs: ReadonlyMap<string, readonly string[]>, step: string): Set<string> {
  const ended = new Set([step])
  for (const each of ended) needs.get(each)?.forEach(need => ended.add(need))
  return ended
}

function nameOf(reader: Reader, own: Json | undefined, outer: string | undefined): string {
  const name = outer ?? own
  if (own !== undefined && outer !== undefined && own !== outer) {
    reader.wrong(['name'], `It is called ${JSON.stringify(own)} here and "${outer}" outside.`)
  }
  if (typeof name === 'string' && NAME_PATTERN.test(name)) return name
  reader.wrong(own === undefined ? [] : ['name'], `A pipeline needs a name. Use ${NAME_RULE}.`)
  return ''
}

function retryOf(reader: Reader, value: Json | undefined): PipelineRetry | undefined {
  if (value === undefined) return undefined
  const path = ['retry']
  const given = reader.object(value, path, ['codes', 'maxAttempts', 'delay'], '"retry"')
  if (!given) return undefined
  for (const field of ['codes', 'maxAttempts']) {
    if (given[field] === undefined) reader.wrong(path, `"retry" needs ${field}.`)
  }
  const codes = reader.texts(given['codes'], [...path, 'codes'])
  const known = Object.keys(ERROR_CODES)
  for (const [i, code] of codes.entries()) {
    if (known.includes(code)) continue
    reader.wrong([...path, 'codes', i], `"${code}" is no error code.${didYouMean(code, known)}`)
  }
  const maxAttempts = reader.integer(given['maxAttempts'], [...path, 'maxAttempts'], 1, MAX_RUN_ATTEMPTS)
  const delaySeconds = reader.duration(given['delay'], [...path, 'delay'], { least: 0, most: WEEK })
  return maxAttempts === undefined ? undefined : { codes, maxAttempts, delaySeconds: delaySeconds ?? 60 }
}

function assertSmall(reader: Reader, definition: PipelineDefinition): void {
  const bytes = utf8Length(canonicalJson(definition as unknown as Json))
  if (bytes <= MAX_DEFINITION_BYTES) return
  reader.wrong(
    [],
    `It has ${bytes} bytes as canonical JSON, more than ${MAX_DEFINITION_BYTES}. Put some of its steps into a pipeline of their own.`,
  )
}

/** Bytes of a text in UTF-8. */
function utf8Length(text: string): number {
  let bytes = 0
  for (const character of text) {
    const point = character.codePointAt(0)!
    bytes += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4
  }
  return bytes
}
