import type { EndedRun } from '../contracts/temporal/messages.js'
import { isOpen } from '../domain/runs/run-status.js'
import type { Run } from '../stores/postgres/entities/run.js'
import type { RunUpdate } from '../stores/postgres/run-store.js'
import type { Ports } from './ports.js'

type RunPorts = Pick<Ports, 'runs'> & { readonly wakes: Pick<Ports['wakes'], 'publish'> }

export function runActivities({ runs, wakes }: RunPorts) {
  return {
    /** Writes to a run row. False when the row has had a later write already. */
    async recordRun(input: { runId: string; sequence: number; change: RunUpdate }): Promise<boolean> {
      const written = await runs.update(input.runId, input.sequence, input.change)
      wakes.publish(input.runId)
      return written
    },

    /** Those of some runs that have come to an end. One that is started again by itself has not. */
    async endedRuns({
      project,
      runIds,
    }: {
      project: string
      runIds: readonly string[]
    }): Promise<EndedRun[]> {
      const rows = await Promise.all(runIds.map(id => runs.get(project, id)))
      return rows
        .filter(run => !isUnderWay(run))
        .map(({ id, status, error, result }) => ({ id, status, error, result }))
    },
  }
}

export type RunActivities = ReturnType<typeof runActivities>

function isUnderWay({ status, nextAttemptAt }: Run): boolean {
  return isOpen(status) || nextAttemptAt !== null
}
