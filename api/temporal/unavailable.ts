import { isGrpcDeadlineError, isGrpcServiceError } from '@temporalio/client'
import { MlforgeError } from '../../domain/errors.js'

// gRPC: CANCELLED, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, UNAVAILABLE
const UNANSWERED = new Set<number>([1, 4, 8, 14])

/** `unavailable` for a call that Temporal did not answer; undefined for an answer that was an error. */
export function asUnavailable(thrown: unknown): MlforgeError | undefined {
  for (let error = thrown; error instanceof Error; error = error.cause) {
    if (isGrpcDeadlineError(error) || (isGrpcServiceError(error) && UNANSWERED.has(error.code))) {
      return new MlforgeError(
        'unavailable',
        'Temporal does not answer, so nothing was changed. Try again soon; starts are accepted meanwhile.',
      )
    }
  }
  return undefined
}
