import { proxyActivities } from '@temporalio/workflow'
import type { WriteActivities } from './activities.js'

/** The least that a workflow can be. */
export async function noop(): Promise<void> {
  await Promise.resolve()
}

/** As many activities as a pipeline has steps, each of which writes one row: what a step costs without us. */
export async function writes({ steps, parallel }: { steps: number; parallel: number }): Promise<void> {
  const { write } = proxyActivities<WriteActivities>({
    taskQueue: 'bench-io',
    startToCloseTimeout: '1 minute',
  })
  let next = 0
  const lane = async () => {
    while (next < steps) await write({ step: next++ })
  }
  await Promise.all(Array.from({ length: Math.min(parallel, steps) }, lane))
}
