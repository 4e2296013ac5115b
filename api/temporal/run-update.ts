import { type WorkflowHandle, WorkflowNotFoundError } from '@temporalio/client'
import { MlforgeError } from '../../domain/errors.js'
import { isOpen } from '../../domain/runs/run-status.js'
import type { Run } from '../../stores/postgres/entities/run.js'
import { refusalOf } from './refusal.js'
import type { Temporal } from './temporal.js'

const DEADLINE_MS = 10_000

/**
 * Sends a verb to the workflow of a run that is open.
 * @param find the run's row, as it is now
 * @throws MlforgeError wrong_state for a run that has ended, unavailable, and what the workflow refuses it by
 */
export async function updateRun<T>(
  temporal: Temporal,
  find: () => Promise<Run>,
  verb: string,
  send: (handle: WorkflowHandle) => Promise<T>,
): Promise<T> {
  const run = await find()
  assertOpen(run, verb)
  try {
    return await temporal.within(DEADLINE_MS, client => send(client.workflow.getHandle(run.workflowId)))
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw refusalOf(error) ?? error
    assertOpen(await find(), verb)
    throw new MlforgeError('unavailable', `Run ${run.id} has not begun yet. Send the verb again in a moment.`)
  }
}

function assertOpen({ id, status }: Run, verb: string): void {
  if (isOpen(status)) return
  throw new MlforgeError('wrong_state', `Run ${id} is ${status}: there is nothing to ${verb}.`)
}
