import { isOpen } from '../domain/runs/run-status.js'
import type { Ports } from './ports.js'

/** Asks runs to stop; those that have ended, or end meanwhile, are left alone. */
export async function cancelRuns(
  { runs, workflows }: Pick<Ports, 'runs' | 'workflows'>,
  project: string,
  runIds: readonly string[],
): Promise<void> {
  for (const id of runIds) {
    const run = await runs.get(project, id)
    if (!isOpen(run.status)) continue
    if (run.status === 'accepted' && (await runs.cancelAccepted(project, id))) continue
    await workflows.cancel(run.workflowId)
  }
}
