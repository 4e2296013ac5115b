import type { EndedRun, RunLimits } from '../contracts/temporal/messages.js'
import { isUnderWay } from '../domain/runs/run-status.js'
import { storable } from '../domain/storable.js'
import type { RunUpdate } from '../stores/postgres/run-store.js'
import { awaitChange } from './await-change.js'
import type { Ports } from './ports.js'
import { versionGiven } from './version-given.js'

type RunPorts = Pick<Ports, 'runs' | 'ledger' | 'objects'> & {
  readonly wakes: Pick<Ports['wakes'], 'publish'>
}

interface SomeRuns {
  readonly project: string
  readonly runIds: readonly string[]
}

export function runActivities(ports: RunPorts) {
  const { runs, wakes } = ports
  const endedOf = async ({ project, runIds }: SomeRuns) => {
    const rows = await Promise.all(runIds.map(id => runs.get(project, id)))
    return rows.filter(run => !isUnderWay(run))
  }

  return {
    /** Writes to a run row. False when the row has had a later write already. */
    async recordRun(input: { runId: string; sequence: number; change: RunUpdate }): Promise<boolean> {
      // Also what an earlier release has put into a history as it was: the row would never be written.
      const written = await runs.update(input.runId, input.sequence, storable(input.change))
      wakes.publish(input.runId)
      return written
    },

    /** Those of some runs that have come to an end. One that is started again by itself has not. */
    async endedRuns(some: SomeRuns): Promise<EndedRun[]> {
      const ended = await endedOf(some)
      return Promise.all(
        ended.map(async run => {
          const { id, kind, status, error } = run
          return { id, kind, status, error, version: await versionGiven(ports, run) }
        }),
      )
    },

    /** Ends when all of some runs have. */
    async awaitEnded({ limits, ...some }: SomeRuns & { readonly limits: RunLimits }): Promise<void> {
      const open = async () => String((await endedOf(some)).length < some.runIds.length)
      await awaitChange(open, 'true', limits)
    },
  }
}

export type RunActivities = ReturnType<typeof runActivities>
