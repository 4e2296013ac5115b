import type { ErrorDetails, Problem } from '../errors.js'
import { storable, storableText } from '../storable.js'

const MAX_MESSAGE = 4_000
const MAX_DETAILS = 16_000
const MAX_PROBLEMS = 20
const MAX_PROBLEM = 300

/** A message of at most 4,000 characters, none of them half: it goes into histories, rows and answers. */
export function boundedMessage(message: string): string {
  return cut(message, MAX_MESSAGE)
}

/**
 * Details that fit beside others into one payload, and into a row. What is larger than 16,000 characters of
 * JSON keeps its first 20 problems, shortened, and says so by `shortened: true`.
 */
export function boundedDetails(details: ErrorDetails): ErrorDetails {
  if (JSON.stringify(details).length <= MAX_DETAILS) return storable(details)
  const problems = (details.problems ?? []).slice(0, MAX_PROBLEMS).map(shortProblem)
  return { problems, shortened: true }
}

function shortProblem({ at, message }: Problem): Problem {
  return { at: cut(at, MAX_PROBLEM), message: cut(message, MAX_PROBLEM) }
}

function cut(text: string, length: number): string {
  return storableText(text.length <= length ? text : `${text.slice(0, length - 1)}\u2026`)
}
