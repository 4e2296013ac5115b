import { ApplicationFailure } from '@temporalio/activity'
import { ApplicationFailureCategory, TemporalFailure } from '@temporalio/common'
import { ERROR_CODES, MlforgeError } from '../domain/errors.js'
import { boundedDetails, boundedMessage } from '../domain/runs/bounded-failure.js'
import { isRefusal } from '../domain/runs/describe-end.js'
import { fullDisk } from '../stores/full-disk.js'
import { isPostgresUnreachable } from '../stores/postgres/unreachable.js'

/**
 * The failure that Temporal stores for an error: the code is its type.
 * @param nextRetryDelay milliseconds until the next attempt; that of the activity's options where left out
 */
export function toFailure(error: unknown, lastAttempt: boolean, nextRetryDelay?: number): unknown {
  if (error instanceof TemporalFailure) return error
  const known = knownError(error)
  const { retryable } = ERROR_CODES[known.code]
  return ApplicationFailure.create({
    message: boundedMessage(known.message),
    type: known.code,
    // Who was taken over by another worker must let that one finish, however often it has tried.
    nonRetryable: !retryable || (lastAttempt && known.code !== 'lease_lost'),
    details: [boundedDetails(known.details)],
    ...(nextRetryDelay === undefined ? {} : { nextRetryDelay }),
    ...(known.cause instanceof Error ? { cause: known.cause } : {}),
    // A refusal of what was asked is an answer, not an alarm.
    ...(isRefusal(known.code) ? { category: ApplicationFailureCategory.BENIGN } : {}),
  })
}

const CONNECTION_ERRORS =
  /ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|terminat|Connection (ended|closed)|timeout exceeded|starting up|shutting down|recovery mode|already released|not queryable/i

/** Any error with a code: what is not ours is a store that did not answer, or a mistake of ours. */
export function knownError(error: unknown): MlforgeError {
  if (error instanceof MlforgeError) return error
  const full = fullDisk(error)
  if (full !== undefined) return full
  const message = error instanceof Error ? error.message : String(error)
  const wrapped =
    CONNECTION_ERRORS.test(message) || isPostgresUnreachable(error)
      ? new MlforgeError('unavailable', `A store did not answer (${message}). The step is tried again.`)
      : new MlforgeError('internal', message)
  wrapped.cause = error
  return wrapped
}
