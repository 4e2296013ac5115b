import { MlforgeError } from '../domain/errors.js'

export const EXIT = { done: 0, failed: 1, usage: 2 } as const

/** Codes of mistakes in what the user gave, rather than in what happened. */
const USAGE: readonly string[] = ['configuration_invalid', 'invalid_request']

/**
 * Prints an error as one clear line and its problems as one line each.
 *
 * @returns the exit code of the command
 */
export function report(error: unknown): number {
  if (!(error instanceof MlforgeError)) {
    console.error(error)
    return EXIT.failed
  }
  console.error(`mlforge: ${error.message} (${error.code})`)
  for (const problem of error.details.problems ?? []) console.error(`  ${problem.at}: ${problem.message}`)
  return USAGE.includes(error.code) ? EXIT.usage : EXIT.failed
}
