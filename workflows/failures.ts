import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  ChildWorkflowFailure,
  isCancellation,
  TimeoutFailure,
} from '@temporalio/workflow'
import type { RunFailure } from '../contracts/temporal/messages.js'
import { type FailureSeen, statusOfFailure } from '../domain/runs/describe-end.js'
import type { RunStatus } from '../domain/runs/run-status.js'

/** Status, code and evidence that a failure gives a run. */
export function describeFailure(error: unknown): { status: RunStatus; error: RunFailure } {
  const root = rootCause(error)
  const failure = seen(error, root)
  const { status, code } = statusOfFailure(failure)
  const details =
    root instanceof ApplicationFailure ? (root.details?.[0] as RunFailure['details']) : undefined
  return { status, error: { code, message: failure.message, ...(details ? { details } : {}) } }
}

function rootCause(error: unknown): unknown {
  if ((error instanceof ActivityFailure || error instanceof ChildWorkflowFailure) && error.cause) {
    return rootCause(error.cause)
  }
  return error
}

function seen(error: unknown, root: unknown): FailureSeen {
  const message = root instanceof Error ? root.message : String(root)
  // What is to be cancelled when its worker is gone is not tried again: it times out.
  const isCut = root instanceof TimeoutFailure && CancellationScope.current().consideredCancelled
  if (isCancellation(error) || root instanceof CancelledFailure || isCut) {
    return { kind: 'cancelled', message: 'It was cancelled by request.' }
  }
  if (root instanceof ApplicationFailure) {
    return root.type ? { kind: 'application', code: root.type, message } : { kind: 'other', message }
  }
  if (root instanceof TimeoutFailure) return { kind: 'timeout', message }
  return { kind: 'other', message }
}
