import type { AcceptRun } from '../../stores/postgres/run-acceptance.js'
import type { RunStore } from '../../stores/postgres/run-store.js'

/** Id of a run that was taken on, and that no workflow does: a training where nothing else is said. */
export async function acceptedRun(runs: RunStore, more: Partial<AcceptRun> = {}): Promise<string> {
  const { run } = await runs.accept({
    project: 'default',
    kind: 'training',
    name: 'demand',
    request: {},
    principal: 'key:ann',
    trigger: 'api',
    retryPolicy: { codes: [], maxAttempts: 1, delaySeconds: 1 },
    ...more,
  })
  return run.id
}
