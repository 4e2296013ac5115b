import type { RunFailure } from '../contracts/temporal/messages.js'
import { MlforgeError } from '../domain/errors.js'
import { describeAccepted, isWarning, refuseFailed, type Result } from '../domain/expectations/results.js'
import { boundedDetails, boundedMessage } from '../domain/runs/bounded-failure.js'

/** What the results of expectations mean: a refusal where one of severity error does not hold, and warnings. */
export interface ExpectationVerdict {
  readonly refused?: RunFailure
  readonly warned: readonly string[]
}

export function judgeExpectations(results: readonly Result[]): ExpectationVerdict {
  const warned = results.filter(({ passed, expectation }) => !passed && isWarning(expectation))
  return {
    ...refusal(results),
    warned: warned.map(
      ({ expectation, failing, rows }) =>
        `expected ${describeAccepted(expectation)}; ${failing} rows fail` +
        (rows[0] ? `, first row ${rows[0].row}` : ''),
    ),
  }
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
