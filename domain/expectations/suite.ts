import { MlforgeError, type Problem } from '../errors.js'
import { didYouMean } from '../suggest.js'
import { definitionOf, EXPECTATION_TYPES } from './catalogue.js'
import { columnProblems, type FoundProblem } from './column-problems.js'
import type { Definition, ParameterKind } from './definition.js'
import type { Expectation, KnownColumn, Parameters, Suite } from './expectation.js'
import { offsetSeconds } from './offsets.js'
import { checkParameter, type Known } from './parameters.js'

const COMMON = ['type', 'severity', 'mostly', 'row_condition', 'id', 'notes', 'nan']
const SUITE = ['name', 'notes', 'expectations']
const LONGEST_TEXT = 2000

/** What is known of the data that a suite is for. */
export interface SuiteContext extends Known {
  /** Without it columns are not looked up. */
  readonly columns?: readonly KnownColumn[]
}

/**
 * A suite from a parsed YAML or JSON file: `{ name?, notes?, expectations: [...] }`, or the list alone.
 * `severity` is error when not given.
 *
 * @throws MlforgeError invalid_request (unknown_column where nothing else is wrong) with all problems
 */
export function checkSuite(input: unknown, context: SuiteContext = {}): Suite {
  const whole = (Array.isArray(input) ? { expectations: input } : input) as Record<string, unknown> | null
  if (typeof whole !== 'object' || whole === null)
    throw new MlforgeError('invalid_request', 'A suite is an object with a list of expectations.')
  const problems: FoundProblem[] = []
  for (const name of Object.keys(whole)) {
    if (!SUITE.includes(name))
      problems.push({ at: name, message: `is not a field of a suite.${didYouMean(name, SUITE)}` })
  }
  for (const name of ['name', 'notes']) problems.push(...textProblems(whole[name], name))
  const list = whole['expectations']
  if (!Array.isArray(list)) problems.push({ at: 'expectations', message: 'must be a list.' })
  const expectations: Expectation[] = []
  const ids = new Map<string, number>()
  for (const [i, item] of (Array.isArray(list) ? list : []).entries()) {
    const at = `expectations[${i}]`
    problems.push(...expectationProblems(item, at, context))
    const expectation = { severity: 'error', ...(item as object) } as Expectation
    expectations.push(expectation)
    const { id } = expectation
    if (id === undefined) continue
    if (ids.has(id))
      problems.push({ at: `${at}.id`, message: `"${id}" is the id of expectations[${ids.get(id)}] too.` })
    else ids.set(id, i)
  }
  refuseProblems(problems)
  return { ...(whole as object), expectations }
}

/** @throws MlforgeError invalid_request, or unknown_column where nothing else is wrong, with all of them */
export function refuseProblems(problems: readonly FoundProblem[]): void {
  const [first] = problems
  if (first === undefined) return
  const code = problems.every(problem => problem.unknownColumn) ? 'unknown_column' : 'invalid_request'
  throw new MlforgeError(code, `${first.at}: ${first.message}`, {
    problems: problems.map(({ at, message }): Problem => ({ at, message })),
  })
}

/** Everything that is wrong with one expectation, with paths that begin with `at`. */
export function expectationProblems(item: unknown, at: string, context: SuiteContext = {}): FoundProblem[] {
  if (typeof item !== 'object' || item === null || Array.isArray(item))
    return [{ at, message: 'must be an object with a type.' }]
  const fields = item as Record<string, unknown>
  if (fields['type'] === undefined)
    return [{ at: `${at}.type`, message: 'is missing. See docs/reference/expectations.md.' }]
  const type = String(fields['type'])
  const definition = definitionOf(type)
  if (definition === undefined) {
    const near = didYouMean(type, EXPECTATION_TYPES)
    return [
      {
        at: `${at}.type`,
        message: `"${type}" is no expectation.${near || ' See docs/reference/expectations.md.'}`,
      },
    ]
  }
  const own = ownProblems(fields, definition, at, context)
  // Of a parameter that is wrong in itself nothing else is said.
  const wrong = new Set(own.map(problem => problem.at.slice(at.length + 1).split(/[.[]/)[0]!))
  return [...own, ...columnProblems(fields as unknown as Expectation, definition, at, context.columns, wrong)]
}

function ownProblems(
  fields: Record<string, unknown>,
  definition: Definition,
  at: string,
  known: Known,
): FoundProblem[] {
  const problems: FoundProblem[] = []
  const say = (field: string, message: string): void => void problems.push({ at: `${at}.${field}`, message })
  const allowed = [...COMMON, ...Object.keys(definition.parameters)]
  for (const name of Object.keys(fields)) {
    if (!allowed.includes(name))
      say(name, `is not a parameter of ${String(fields['type'])}.${didYouMean(name, allowed)}`)
  }
  for (const [name, declared] of Object.entries(definition.parameters)) {
    const value = fields[name]
    if (value === undefined) {
      if (!declared.endsWith('?')) say(name, 'is missing.')
      continue
    }
    const kind = declared.replace('?', '') as ParameterKind
    checkParameter(kind, value, (below, message) => say(name + below, message), known)
  }
  const { severity = 'error', mostly, nan = 'missing', row_condition: condition } = fields
  if (severity !== 'error' && severity !== 'warn') say('severity', 'must be error or warn.')
  if (nan !== 'missing' && nan !== 'value') say('nan', 'must be missing or value.')
  if (mostly !== undefined) {
    if (!definition.rows) say('mostly', 'is for expectations of single rows; this one is of the whole.')
    else if (!(typeof mostly === 'number' && mostly >= 0 && mostly <= 1)) say('mostly', 'must be 0 to 1.')
  }
  if (condition !== undefined && definition.query === 'schema')
    say('row_condition', 'is of no use: no row is looked at.')
  problems.push(...textProblems(fields['id'], `${at}.id`), ...textProblems(fields['notes'], `${at}.notes`))
  problems.push(...boundsProblems(fields as Parameters, definition, at))
  return problems
}

function boundsProblems(fields: Parameters, { bounds }: Definition, at: string): FoundProblem[] {
  if (bounds === undefined) return []
  const { min_value: min, max_value: max } = fields
  if (min === undefined && max === undefined) return [{ at, message: 'needs min_value or max_value.' }]
  const [low, high] = [order(min), order(max)]
  const inOrder = low === undefined || high === undefined || typeof low !== typeof high || low <= high
  return inOrder ? [] : [{ at: `${at}.max_value`, message: 'is below min_value.' }]
}

const order = (bound: unknown): number | string | undefined => {
  if (typeof bound === 'number' || typeof bound === 'string') return bound
  const { now } = (bound ?? {}) as { now?: unknown }
  return typeof now === 'string' ? offsetSeconds(now) : undefined
}

function textProblems(value: unknown, at: string): FoundProblem[] {
  const good =
    value === undefined || (typeof value === 'string' && value !== '' && value.length <= LONGEST_TEXT)
  return good ? [] : [{ at, message: `must be a text of 1 to ${LONGEST_TEXT} characters.` }]
}
