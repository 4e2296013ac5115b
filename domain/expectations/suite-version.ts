import { canonicalJson, type Json } from '../canonical-json.js'
import { MlforgeError, type Problem } from '../errors.js'
import type { KnownColumn, Suite } from './expectation.js'
import { checkSuite } from './suite.js'

/** Which version of the suite of a dataset something was checked by: its number, and the hash of its content. */
export interface SuiteRef {
  readonly version: number
  /** SHA-256 of the suite as canonical JSON. */
  readonly sha256: string
}

/** Of one suite, as of one request. */
export const MOST_EXPECTATIONS = 1_000
/** Characters of a suite as canonical JSON. */
const LONGEST = 2 ** 21

/** A suite as it is hashed and stored: canonical JSON (RFC 8785). */
export function suiteContent(suite: Suite): string {
  return canonicalJson(suite as unknown as Json)
}

/**
 * A suite that can be kept for a dataset.
 * @param columns of its table, where it has one
 * @param at where the suite is in what was given
 * @throws MlforgeError invalid_request (unknown_column where nothing else is wrong) with all problems
 */
export function checkKeptSuite(
  input: unknown,
  columns: readonly KnownColumn[] | undefined,
  at = 'suite',
): Suite {
  assertNotTooMany(input, at)
  const suite = below(at, () => checkSuite(input, columns ? { columns } : {}))
  const characters = suiteContent(suite).length
  if (characters <= LONGEST) return suite
  throw tooLarge(at, `It has ${characters} characters of JSON; a suite has at most ${LONGEST}.`)
}

/** Before any of them is looked at. @throws MlforgeError invalid_request */
export function assertNotTooMany(input: unknown, at: string): void {
  const { expectations } = (input ?? {}) as { expectations?: unknown }
  if (!Array.isArray(expectations) || expectations.length <= MOST_EXPECTATIONS) return
  throw tooLarge(at, `It has ${expectations.length} expectations; a suite has at most ${MOST_EXPECTATIONS}.`)
}

function below<T>(at: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (!(error instanceof MlforgeError)) throw error
    const { code, message, details } = error
    const found: readonly Problem[] = details.problems ?? [{ at: '', message }]
    const problems = found.map(each => ({ ...each, at: each.at === '' ? at : `${at}.${each.at}` }))
    throw new MlforgeError(code, `${problems[0]!.at}: ${problems[0]!.message}`, { problems })
  }
}

function tooLarge(at: string, message: string): MlforgeError {
  const problems: Problem[] = [{ at, message }]
  return new MlforgeError('invalid_request', `${at}: ${message}`, { problems })
}
