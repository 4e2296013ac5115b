import { definitionOf } from './catalogue.js'
import { formatCondition } from './conditions.js'
import type { Expectation, Suite } from './expectation.js'
import { GxConditionError, readGxCondition } from './import-gx-condition.js'
import { expectationProblems } from './suite.js'

/** What could not be taken over, and why. */
export interface LeftOut {
  readonly at: string
  readonly type: string
  readonly reason: string
}

export interface Imported {
  readonly suite: Suite
  readonly left: readonly LeftOut[]
}

/** How a validation is run and told, not what is expected. */
const OF_THE_RUN = [
  ...['batch_id', 'result_format', 'include_config', 'catch_exceptions', 'condition_parser', 'meta'],
  ...['auto', 'profiler_config', 'parse_strings_as_datetimes', 'bucketize_data', 'description', 'windows'],
]

/**
 * The suite of a JSON file of Great Expectations: of 0.18 (`expectation_suite_name`, `expectation_type`) or
 * 1.x (`name`, `type`). Severities critical, warning and info become error, warn and warn.
 * Columns are not looked at: the suite is checked against them where it is used.
 */
export function importGreatExpectations(input: unknown): Imported {
  const file = objectOf(input)
  const left: LeftOut[] = []
  const list = file['expectations']
  if (!Array.isArray(list))
    return {
      suite: { expectations: [] },
      left: [{ at: '', type: '', reason: 'This is no suite: it has no list of expectations.' }],
    }
  const expectations = list.flatMap((item: unknown, i): Expectation[] => {
    const at = `expectations[${i}]`
    const type = String(objectOf(item)['type'] ?? objectOf(item)['expectation_type'])
    const leave = (reason: string): Expectation[] => {
      left.push({ at, type, reason })
      return []
    }
    if (definitionOf(type) === undefined) return leave('MLForge has no expectation of this type.')
    try {
      const expectation = translate(type, objectOf(item))
      const [problem] = expectationProblems(expectation, at)
      if (problem === undefined) return [expectation]
      return leave(`${problem.at.slice(at.length + 1) || type}: ${problem.message}`)
    } catch (error) {
      if (!(error instanceof NotTaken) && !(error instanceof GxConditionError)) throw error
      return leave(error.message)
    }
  })
  const name = file['name'] ?? file['expectation_suite_name']
  const notes = notesOf(file)
  return {
    suite: {
      ...(typeof name === 'string' && name !== '' && { name }),
      ...(notes !== undefined && { notes }),
      expectations: withUniqueIds(expectations),
    },
    left,
  }
}

class NotTaken extends Error {}

function translate(type: string, item: Record<string, unknown>): Expectation {
  const kwargs = objectOf(item['kwargs'])
  const parameters: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(kwargs)) {
    // Null is what is left at its default.
    if (value === null || OF_THE_RUN.includes(name)) continue
    if (name === 'row_condition') {
      parameters[name] = formatCondition(readGxCondition(value, kwargs['condition_parser']))
    } else if (name === 'allow_relative_error' && typeof value === 'boolean') {
      continue
    } else {
      parameters[name] = valueOf(name, value)
    }
  }
  const notes = notesOf(item)
  const id = item['id']
  return {
    type,
    ...parameters,
    severity: item['severity'] === 'warning' || item['severity'] === 'info' ? 'warn' : 'error',
    ...(typeof id === 'string' && id !== '' && { id }),
    ...(notes !== undefined && { notes }),
  }
}

const NOW =
  /^\s*now\(\)\s*(?:([+-])\s*timedelta\(\s*(weeks|days|hours|minutes|seconds)\s*=\s*(\d+(?:\.\d+)?)\s*\))?\s*$/

/** A parameter of the run, of which only the time is known: `{"$PARAMETER": "now() - timedelta(hours=36)"}`. */
function valueOf(name: string, value: unknown): unknown {
  const parameter = objectOf(value)['$PARAMETER']
  if (parameter === undefined) return value
  const found = NOW.exec(String(parameter))
  if (found === null)
    throw new NotTaken(`${name} is the parameter ${JSON.stringify(parameter)} of a run; give it a value.`)
  const [, sign = '-', unit = 'seconds', amount = '0'] = found
  return { now: `${sign}${amount}${unit.charAt(0)}` }
}

/** Notes are text, or `{ format, content: [lines] }` within meta. */
function notesOf(item: Record<string, unknown>): string | undefined {
  const notes = item['notes'] ?? objectOf(item['meta'])['notes']
  if (typeof notes === 'string' && notes !== '') return notes
  const content: unknown = Array.isArray(notes) ? notes : objectOf(notes)['content']
  const lines = (Array.isArray(content) ? content : [content]).filter(line => typeof line === 'string')
  return lines.length === 0 ? undefined : lines.join('\n')
}

/** A suite of theirs may hold one expectation twice. */
function withUniqueIds(expectations: readonly Expectation[]): Expectation[] {
  const seen = new Set<string>()
  return expectations.map(expectation => {
    const { id, ...rest } = expectation
    if (id === undefined || !seen.has(id)) {
      if (id !== undefined) seen.add(id)
      return expectation
    }
    return rest
  })
}

function objectOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {}
}
