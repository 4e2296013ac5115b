import type { ContentRef, RunFailure, ValidateOutcome } from '../contracts/temporal/messages.js'
import type { Json } from '../domain/canonical-json.js'
import { MlforgeError } from '../domain/errors.js'
import { type Accepted, tablesOf } from '../domain/expectations/accepted.js'
import { describeAccepted, isWarning, refuseFailed, type Result } from '../domain/expectations/results.js'
import { boundedDetails, boundedMessage } from '../domain/runs/bounded-failure.js'
import { evaluateExpectations } from '../stores/duckdb/expectations/accepted.js'
import { tableJson } from './objects.js'
import { otherTables } from './other-tables.js'
import type { Ports } from './ports.js'

/** What the results of expectations mean: a refusal where one of severity error does not hold, and warnings. */
export interface ExpectationVerdict {
  readonly refused?: RunFailure
  readonly warned: readonly string[]
}

/** A table of a dataset that is to be as expected. */
export interface CheckedTable {
  readonly project: string
  readonly parquet: ContentRef
  readonly expectations: readonly Accepted[]
  /** Of the version before, undefined where there is none with a table. */
  readonly previousRows: number | undefined
  readonly directory: string
  readonly signal: AbortSignal
}

/** Checks a table; all results are kept as one object, which the transaction that names it has to hold. */
export async function checkTable(
  ports: Pick<Ports, 'datasets' | 'objects'>,
  { project, parquet, expectations, previousRows, directory, signal }: CheckedTable,
): Promise<ValidateOutcome & { readonly results: readonly Result[] }> {
  const { objects } = ports
  const results = await evaluateExpectations(await objects.toFile(parquet.uri, directory), expectations, {
    signal,
    temporaryDirectory: directory,
    now: new Date().toISOString(),
    tables: await otherTables(ports, project, tablesOf(expectations), directory),
    ...(previousRows !== undefined && { previousRows }),
  })
  const report = await tableJson(objects, project, results as unknown as Json)
  return { ...judgeExpectations(results), report, results }
}

export function judgeExpectations(results: readonly Result[]): ExpectationVerdict {
  const warned = results.filter(({ passed, expectation }) => !passed && isWarning(expectation))
  return { ...refusal(results), warned: warned.map(warningOf) }
}

/** The same of data that is not refused: what would have it refused is a warning too, without values of its rows. */
export function warnOfAll(results: readonly Result[]): string[] {
  return results.filter(({ passed }) => !passed).map(warningOf)
}

function warningOf({ expectation, failing, rows }: Result): string {
  const first = rows[0] ? `, first row ${rows[0].row}` : ''
  return `expected ${describeAccepted(expectation)}; ${failing} rows fail${first}`
}

function refusal(results: readonly Result[]): Pick<ExpectationVerdict, 'refused'> {
  try {
    refuseFailed(results)
    return {}
  } catch (error) {
    if (!(error instanceof MlforgeError)) throw error
    const { code, message, details } = error
    return { refused: { code, message: boundedMessage(message), details: boundedDetails(details) } }
  }
}
