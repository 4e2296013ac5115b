import type { RunUpdate } from '../stores/postgres/run-store.js'
import type { Ports } from './ports.js'

export function runActivities({ runs }: Pick<Ports, 'runs'>) {
  return {
    /** Writes to a run row. False when the row has had a later write already. */
    async recordRun(input: { runId: string; sequence: number; change: RunUpdate }): Promise<boolean> {
      return runs.update(input.runId, input.sequence, input.change)
    },
  }
}

export type RunActivities = ReturnType<typeof runActivities>
