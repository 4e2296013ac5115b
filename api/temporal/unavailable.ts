import { isGrpcDeadlineError, isGrpcServiceError } from '@temporalio/client'
import { MlforgeError } from '../../domain/errors.js'

// gRPC: CANCELLED, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, UNAVAILABLE
const UNANSWERED = new Set<number>([1, 4, 8, 14])

/** `unavailable` for a call that Temporal did not answer; undefined for an answer that was an error. */
export function asUnavailable(thrown: unknown): MlforgeError | undefined {
  for (let error = thrown; error !== undefined && error !== null; error = causeOf(error)) {
    if (!isUnanswered(error)) continue
    return new MlforgeError(
      'unavailable',
      'Temporal does not answer. The request can be sent again as it is; starts are accepted meanwhile.',
    )
  }
  return undefined
}

function isUnanswered(error: unknown): boolean {
  if (isGrpcDeadlineError(error)) return true
  return isGrpcServiceError(error) && UNANSWERED.has(error.code)
}

function causeOf(error: unknown): unknown {
  return error instanceof Error ? error.cause : undefined
}
