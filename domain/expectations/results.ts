import { describeExpectation, type FailingRow } from '../datasets/expectations.js'
import { MlforgeError } from '../errors.js'
import { storableText } from '../storable.js'
import { type Accepted, isOld } from './accepted.js'
import type { Expectation } from './expectation.js'
import { type Outcome, type RowCounts, shownValue } from './outcome.js'

/** As versions keep it, whichever form the expectation has. */
export interface Result {
  readonly expectation: Accepted
  readonly passed: boolean
  readonly observed: unknown
  /** Rows that are otherwise; 0 for what is expected of the whole. */
  readonly failing: number
  readonly rows: readonly FailingRow[]
  /** Of expectations by type that judge single rows. */
  readonly counts?: RowCounts
  readonly details?: Readonly<Record<string, unknown>>
}

export function resultOf({
  expectation,
  success,
  observed,
  counts,
  details,
  rows,
  foreign,
}: Outcome): Result {
  return {
    expectation,
    passed: success,
    observed: shownValue(observed ?? foreign ?? null),
    failing: counts?.unexpected_count ?? 0,
    rows,
    ...(counts && { counts }),
    ...(details && { details: shownValue(details) as Record<string, unknown> }),
  }
}

/** One line that says what was expected, for people. */
export function describeAccepted(expectation: Accepted): string {
  return isOld(expectation) ? describeExpectation(expectation) : describeTyped(expectation)
}

function describeTyped({ type, severity: _severity, id, notes: _notes, ...parameters }: Expectation): string {
  const told = Object.entries(parameters).map(([name, value]) => `${name}: ${JSON.stringify(value)}`)
  const name = id === undefined ? type : `${id}: ${type}`
  const text = `${name}(${told.join(', ')})`
  return text.length <= LONGEST ? text : `${storableText(text.slice(0, LONGEST))}...`
}

const LONGEST = 300

export const isWarning = ({ severity }: Accepted): boolean => severity !== 'error'

/** @throws MlforgeError expectations_failed naming each failed expectation of severity error and its first row */
export function refuseFailed(results: readonly Result[]): void {
  const failed = results.filter(({ passed, expectation }) => !passed && !isWarning(expectation))
  if (failed.length === 0) return
  const problems = failed.map(({ expectation, failing, rows, observed }) => ({
    at: rows[0] === undefined ? describeAccepted(expectation) : `row ${rows[0].row}`,
    message:
      rows[0] === undefined
        ? `observed ${JSON.stringify(observed)}`
        : `expected ${describeAccepted(expectation)}, but ${failing} rows fail, first with ${JSON.stringify(rows[0].values)}`,
  }))
  throw new MlforgeError(
    'expectations_failed',
    `${failed.length} of ${results.length} expectations failed: ${problems[0]!.at}: ${problems[0]!.message}. Correct the data, or the expectation.`,
    { problems, results: failed },
  )
}
