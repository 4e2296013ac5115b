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
  }
}

export type RunActivities = ReturnType<typeof runActivities>
