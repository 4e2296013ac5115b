import { formatProblem } from '../datasets/date-formats.js'
import { COLUMN_TYPES } from '../datasets/schema.js'
import { didYouMean } from '../suggest.js'
import type { ParameterKind } from './definition.js'
import { offsetSeconds } from './offsets.js'
import { partitionProblems, quantileProblems } from './parameter-objects.js'
import { columnTypeNamed } from './types.js'

/** What is wrong with a value, with the path below it. */
export type Say = (at: string, message: string) => void

/** Names of the other tables that can be asked of, where they are known. */
export interface Known {
  readonly tables?: readonly string[]
}

const LONGEST_LIST = 10_000

const isScalar = (value: unknown): boolean =>
  typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value)

/** Looks at one parameter by itself; columns are looked up by who knows them. */
export function checkParameter(kind: ParameterKind, value: unknown, say: Say, known: Known): void {
  const each = (what: string, check: (item: unknown, at: string) => void): void => {
    if (!Array.isArray(value) || value.length === 0 || value.length > LONGEST_LIST)
      return say('', `must be a list of 1 to ${LONGEST_LIST} ${what}.`)
    value.forEach((item, i) => check(item, `[${i}]`))
  }
  const text = (item: unknown, at: string): void => {
    if (typeof item !== 'string' || item === '') say(at, 'must be a text.')
  }
  const oneOf = (choices: readonly string[]): void => {
    if (!choices.includes(value as string))
      say('', `must be one of ${choices.join(', ')}.${didYouMean(String(value), choices)}`)
  }
  switch (kind) {
    case 'name':
    case 'column':
      return text(value, '')
    case 'names':
    case 'columns':
      return each('names', text)
    case 'count':
      if (!Number.isSafeInteger(value) || (value as number) < 0) say('', 'must be a whole number, 0 or more.')
      return
    case 'number':
      if (!Number.isFinite(value)) say('', 'must be a number.')
      return
    case 'share':
      if (!(typeof value === 'number' && value >= 0 && value <= 1)) say('', 'must be 0 to 1.')
      return
    case 'flag':
      if (typeof value !== 'boolean') say('', 'must be true or false.')
      return
    case 'bound':
      return checkBound(value, say)
    case 'values':
      return each('texts, numbers or booleans', (item, at) => {
        if (!isScalar(item)) say(at, 'must be a text, a number or a boolean.')
      })
    case 'pairs':
      return each('pairs', (item, at) => {
        const pair =
          Array.isArray(item) && item.length === 2 && item.every(one => one === null || isScalar(one))
        if (!pair) say(at, 'must be a pair of texts, numbers, booleans or null.')
      })
    case 'regex':
      return checkRegex(value, '', say)
    case 'regexes':
      return each('regular expressions', (item, at) => checkRegex(item, at, say))
    case 'like':
      if (typeof value !== 'string') say('', 'must be a text.')
      return
    case 'likes':
      return each('patterns', (item, at) => {
        if (typeof item !== 'string') say(at, 'must be a text.')
      })
    case 'format': {
      const wrong = typeof value === 'string' ? formatProblem(value) : 'must be a text.'
      if (wrong !== undefined) say('', wrong)
      return
    }
    case 'type':
      return checkType(value, '', say)
    case 'types':
      return each('types', (item, at) => checkType(item, at, say))
    case 'match':
      return oneOf(['any', 'all'])
    case 'ignore pair':
      return oneOf(['both_values_are_missing', 'either_value_is_missing', 'neither'])
    case 'ignore row':
      return oneOf(['all_values_are_missing', 'any_value_is_missing', 'never'])
    case 'interpolation':
      return oneOf(['nearest', 'linear', 'lower', 'higher', 'midpoint'])
    case 'table': {
      text(value, '')
      if (typeof value === 'string' && known.tables !== undefined && !known.tables.includes(value))
        say('', `there is no table "${value}" beside this one.${didYouMean(value, known.tables)}`)
      return
    }
    case 'quantiles':
      return quantileProblems(value, say)
    case 'partition':
      return partitionProblems(value, say)
  }
}

function checkBound(value: unknown, say: Say): void {
  if (Number.isFinite(value) || typeof value === 'string') return
  const { now } = (typeof value === 'object' && value !== null ? value : {}) as { now?: unknown }
  if (typeof now !== 'string')
    return say('', 'must be a number, a text, ISO 8601 text for a date, or { now: "-36h" }.')
  if (offsetSeconds(now) === undefined)
    say('.now', `"${now}" is no offset; write a number and s, m, h, d or w, such as -36h.`)
}

/** RE2 has no expression that looks around or back. Whatever else is wrong DuckDB says. */
function checkRegex(value: unknown, at: string, say: Say): void {
  if (typeof value !== 'string' || value === '') return say(at, 'must be a regular expression.')
  if (/\(\?(=|!|<=|<!)/.test(value)) return say(at, 'looks around ((?=, (?!, (?<=, (?<!), which RE2 cannot.')
  if (/(^|[^\\])(\\\\)*\\[1-9]/.test(value)) return say(at, 'refers back (\\1), which RE2 cannot.')
  try {
    new RegExp(value.replace(/^\(\?[a-zA-Z]+\)/, '').replaceAll('(?P<', '(?<'), 'u')
  } catch {
    if (!isRe2Only(value)) say(at, `${JSON.stringify(value)} is no regular expression.`)
  }
}

/** What JavaScript does not know: classes such as [[:alpha:]], \A, \z, \Q, flags within, escapes of others. */
const isRe2Only = (value: string): boolean => /\[\[:|\\[^\w\s]|\\[AzQECpP_]|\(\?[a-zA-Z-]+[):]/.test(value)

function checkType(value: unknown, at: string, say: Say): void {
  if (typeof value !== 'string' || columnTypeNamed(value) === undefined)
    say(
      at,
      `"${String(value)}" is not a type.${didYouMean(String(value), COLUMN_TYPES)} Types are ${COLUMN_TYPES.join(', ')}.`,
    )
}
