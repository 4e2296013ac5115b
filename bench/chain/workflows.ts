import { proxyActivities } from '@temporalio/workflow'
import type { DatasetLive, RunEnd, RunInput } from '../../contracts/temporal/messages.js'
import { dataWork } from '../../workflows/activity-presets.js'
import { asRun } from '../../workflows/run-shell.js'
import type { ChainActivities } from './activities.js'

/** The least that a workflow can be. */
export async function noop(): Promise<void> {
  await Promise.resolve()
}

/** A run of ours with steps that do nothing but what every step does: lease, ledger, stage, row. */
export async function chain(input: RunInput, steps: number): Promise<RunEnd> {
  const { emptyStep } = proxyActivities<ChainActivities>(dataWork(input.limits))
  return asRun<DatasetLive, RunEnd>(input, { stage: 'ingest' }, async run => {
    for (let step = 0; step < steps; step++) {
      run.stage('validate')
      await emptyStep(input, `step-${step}`)
    }
    return { outcome: 'succeeded' }
  })
}
