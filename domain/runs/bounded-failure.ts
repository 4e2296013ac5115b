import type { ErrorDetails, Problem } from '../errors.js'

const MAX_MESSAGE = 4_000
const MAX_DETAILS = 16_000
const MAX_PROBLEMS = 20
const MAX_PROBLEM = 300

/** Null characters, and halves of pairs: the database takes neither, in texts or in JSON. */
const UNFIT = /[\0\p{Surrogate}]/gu
/** The same as JSON has them. */
const UNFIT_JSON = /\\u(?:0000|d[89a-f])/

/** A message of at most 4,000 characters that fits anywhere: it goes into histories, rows and answers. */
export function boundedMessage(message: string): string {
  return fit(cut(message, MAX_MESSAGE))
}

/**
 * Details that fit beside others into one payload, and into a row. What is larger than 16,000 characters of
 * JSON keeps its first 20 problems, shortened, and says so by `shortened: true`.
 */
export function boundedDetails(details: ErrorDetails): ErrorDetails {
  if (JSON.stringify(details).length <= MAX_DETAILS) return fitJson(details)
  const problems = (details.problems ?? []).slice(0, MAX_PROBLEMS).map(shortProblem)
  return fitJson({ problems, shortened: true })
}

/** What is as JSON, with nothing in its texts that the database does not take. */
export function fitJson<T extends object>(value: T): T {
  const json = JSON.stringify(value)
  if (!UNFIT_JSON.test(json)) return value
  return JSON.parse(json, (_, each: unknown) => (typeof each === 'string' ? fit(each) : each)) as T
}

function shortProblem({ at, message }: Problem): Problem {
  return { at: cut(at, MAX_PROBLEM), message: cut(message, MAX_PROBLEM) }
}

function fit(text: string): string {
  return text.replace(UNFIT, '\ufffd')
}

function cut(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}\u2026`
}
