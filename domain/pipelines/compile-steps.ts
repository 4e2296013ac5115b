import type { Json } from '../canonical-json.js'
import { didYouMean } from '../suggest.js'
import { compilePool } from './compile-concurrency.js'
import {
  type InnerStep,
  MAX_STEPS,
  STEP_NAME_PATTERN,
  STEP_NAME_RULE,
  type StepRetry,
  type StepSpec,
} from './definition.js'
import type { Path } from './problems.js'
import type { JsonObject, Reader } from './reader.js'
import { STEP_TYPES, type StepType, stepType } from './step-types.js'

const INNER_FIELDS = ['uses', 'with', 'timeout', 'retry', 'cache', 'pool']
const FIELDS = [...INNER_FIELDS, 'needs', 'when', 'join', 'description', 'do', 'compensate']
const UNDO_FIELDS = ['uses', 'with', 'timeout', 'retry', 'pool']
const MONTH = 30 * 24 * 3600
const YEAR = 366 * 24 * 3600
const MAX_ATTEMPTS = 100

/** A step that has been read, and its type where it names one. */
export interface ReadStep {
  readonly spec: StepSpec
  readonly type: StepType | undefined
  /** Of a map: the type of what it does with each item. */
  readonly innerType?: StepType | undefined
  /** Of one that can be undone: the type of what undoes it. */
  readonly undoType?: StepType | undefined
}

/** The steps of a definition in the order of their author; needs are those that it names. */
export function compileSteps(reader: Reader, source: Json | undefined): ReadStep[] {
  if (source === undefined || source === null) {
    reader.wrong([], 'It has no "steps". Give at least one.')
    return []
  }
  const given = reader.object(source, ['steps'], null, '"steps"')
  const entries = Object.entries(given ?? {})
  if (given && entries.length === 0) reader.wrong(['steps'], 'Give at least one step.')
  if (entries.length > MAX_STEPS) {
    reader.wrong(
      ['steps'],
      `${entries.length} steps are more than ${MAX_STEPS}. Put some into a pipeline of their own.`,
    )
  }
  return entries.slice(0, MAX_STEPS).flatMap(([name, value]) => {
    if (reader.isFull) return []
    const path = ['steps', name]
    if (!STEP_NAME_PATTERN.test(name)) {
      reader.wrong(path, `"${name}" cannot name a step. Use ${STEP_NAME_RULE}.`)
    }
    const step = reader.object(value, path, FIELDS, 'A step')
    return step ? [compileStep(reader, name, step, path)] : []
  })
}

function compileStep(reader: Reader, name: string, given: JsonObject, path: Path): ReadStep {
  const work = compileWork(reader, given, path)
  const needs = reader.texts(given['needs'], [...path, 'needs'])
  const inner = innerOf(reader, given['do'], path, work.uses)
  const undo = compensationOf(reader, given['compensate'], [...path, 'compensate'])
  const description = reader.text(given['description'], [...path, 'description'])
  const when = whenOf(reader, given['when'], [...path, 'when'])
  const join = reader.choice(given['join'], [...path, 'join'], ['all', 'any'] as const)
  const spec: StepSpec = {
    name,
    ...work,
    needs: [...new Set([...needs, ...(when ? [when.step] : [])])],
    ...(when === undefined ? {} : { when }),
    ...(join === 'any' ? { join } : {}),
    ...(description === undefined ? {} : { description }),
    ...(inner === undefined ? {} : { do: inner }),
    ...(undo === undefined ? {} : { compensate: undo }),
  }
  for (const [at, each] of [
    [path, work],
    [[...path, 'do'], inner],
  ] as const) {
    if (each?.uses !== 'script' || !each.cache || each.with['files'] !== undefined) continue
    reader.wrong([...at, 'cache'], 'Outcomes of a script are taken over only where it declares its files.')
  }
  return {
    spec,
    type: stepType(work.uses),
    innerType: inner && stepType(inner.uses),
    undoType: undo && stepType(undo.uses),
  }
}

/** What a step, or a map with each item, does. */
function compileWork(reader: Reader, given: JsonObject, path: Path): InnerStep {
  const uses = usesOf(reader, given['uses'], path)
  const inputs = given['with'] ?? {}
  const timeoutSeconds = reader.duration(given['timeout'], [...path, 'timeout'], { least: 1, most: MONTH })
  const retry = retryOf(reader, given['retry'], [...path, 'retry'])
  const cache = cacheOf(reader, given['cache'], [...path, 'cache'], uses)
  const pool = compilePool(reader, given['pool'], [...path, 'pool'])
  return {
    uses,
    with: reader.object(inputs, [...path, 'with'], null, '"with"') ?? {},
    ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }),
    ...(retry === undefined ? {} : { retry }),
    ...(cache === undefined ? {} : { cache }),
    ...(pool === undefined ? {} : { pool }),
  }
}

function innerOf(reader: Reader, value: Json | undefined, path: Path, uses: string): InnerStep | undefined {
  if (uses !== 'map') {
    if (value !== undefined) reader.wrong([...path, 'do'], 'Only a map does something with each item.')
    return undefined
  }
  if (value === undefined) {
    reader.wrong(path, 'A map needs "do": the step that is done with each item.')
    return undefined
  }
  const given = reader.object(value, [...path, 'do'], INNER_FIELDS, '"do"')
  if (!given) return undefined
  const inner = compileWork(reader, given, [...path, 'do'])
  const type = stepType(inner.uses)
  if (type && type.work !== 'io' && type.work !== 'compute') {
    reader.wrong([...path, 'do', 'uses'], `"${inner.uses}" cannot be done with each item: it is waited for.`)
  }
  return inner
}

/** What undoes a step: it acts, so nothing is taken over; and nobody is asked while a run is rolled back. */
function compensationOf(reader: Reader, value: Json | undefined, path: Path): InnerStep | undefined {
  if (value === undefined) return undefined
  const given = reader.object(value, path, UNDO_FIELDS, '"compensate"')
  if (!given) return undefined
  const undo = compileWork(reader, { ...given, cache: false }, path)
  if (undo.uses === 'map' || stepType(undo.uses)?.work === 'wait') {
    reader.wrong([...path, 'uses'], `"${undo.uses}" cannot undo a step. Use one that acts by itself.`)
  }
  return undo
}

function usesOf(reader: Reader, value: Json | undefined, path: Path): string {
  const known = Object.keys(STEP_TYPES)
  if (typeof value !== 'string') {
    reader.wrong(
      [...path, ...(value === undefined ? [] : ['uses'])],
      `"uses" must name a step type: ${known.join(', ')}.`,
    )
    return ''
  }
  if (!known.includes(value)) {
    reader.wrong(
      [...path, 'uses'],
      `There is no step type "${value}".${didYouMean(value, known)} There are: ${known.join(', ')}.`,
    )
  }
  return value
}

/** `{ size: large }`, or a list of cases: the branch, and what it must have taken. */
function whenOf(reader: Reader, value: Json | undefined, path: Path): StepSpec['when'] {
  if (value === undefined) return undefined
  const given = reader.object(value, path, null, '"when"')
  const [entry, ...more] = Object.entries(given ?? {})
  if (!given) return undefined
  if (entry === undefined || more.length > 0) {
    reader.wrong(path, '"when" names one branch and its case, such as { size: large }.')
    return undefined
  }
  const [step, cases] = entry
  const is = reader.texts(cases, [...path, step])
  if (is.length === 0) reader.wrong([...path, step], 'Give a case of the branch, or a list of them.')
  return { step, is: [...new Set(is)] }
}

function retryOf(reader: Reader, value: Json | undefined, path: Path): StepRetry | undefined {
  if (value === undefined) return undefined
  const given = reader.object(value, path, ['maxAttempts', 'delay'], '"retry"')
  if (!given) return undefined
  if (given['maxAttempts'] === undefined) reader.wrong(path, '"retry" needs maxAttempts.')
  const maxAttempts = reader.integer(given['maxAttempts'], [...path, 'maxAttempts'], 1, MAX_ATTEMPTS)
  const delaySeconds = reader.duration(given['delay'], [...path, 'delay'], { least: 0, most: MONTH })
  if (maxAttempts === undefined) return undefined
  return { maxAttempts, ...(delaySeconds === undefined ? {} : { delaySeconds }) }
}

function cacheOf(reader: Reader, value: Json | undefined, path: Path, uses: string): StepSpec['cache'] {
  if (value === undefined || value === false) return value
  if (stepType(uses)?.cache === 'never') {
    reader.wrong(path, `Outcomes of "${uses}" are never taken over: it acts, or depends on the moment.`)
    return undefined
  }
  if (value === true) return value
  const given = reader.object(value, path, ['maxAge'], '"cache"')
  if (!given) return undefined
  if (given['maxAge'] === undefined) reader.wrong(path, '"cache" is true, false or { maxAge }.')
  const maxAgeSeconds = reader.duration(given['maxAge'], [...path, 'maxAge'], { least: 1, most: 10 * YEAR })
  return maxAgeSeconds === undefined ? undefined : { maxAgeSeconds }
}
