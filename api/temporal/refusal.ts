import { WorkflowUpdateFailedError } from '@temporalio/client'
import { ApplicationFailure } from '@temporalio/common'
import { isErrorCode, MlforgeError } from '../../domain/errors.js'

/** The reason that a workflow gave for refusing a verb, as an error of ours; undefined for anything else. */
export function refusalOf(error: unknown): MlforgeError | undefined {
  if (!(error instanceof WorkflowUpdateFailedError)) return undefined
  const { cause } = error
  if (!(cause instanceof ApplicationFailure) || !isErrorCode(cause.type)) return undefined
  return new MlforgeError(cause.type, cause.message)
}
