import { continueAsNew, proxyActivities, workflowInfo } from '@temporalio/workflow'
import type { TransferActivities } from '../activities/data/transfers.js'
import type { DataPullResult, TransferLive } from '../contracts/temporal/data.js'
import type { RunInput } from '../contracts/temporal/messages.js'
import { longDataWork, ROWS, watch } from './activity-presets.js'
import { expired, tellFiles } from './dataset-push.js'
import { asRun } from './run-shell.js'
import { untilChanged } from './waiting.js'

const { receive, releaseTransfer } = proxyActivities<TransferActivities>(ROWS)

/** Sees that a version is whole, and keeps it while somebody reads it. */
export async function datasetPull(input: RunInput): Promise<DataPullResult> {
  const { preparePull } = proxyActivities<TransferActivities>(longDataWork(input.limits))
  const { awaitTransfer } = proxyActivities<TransferActivities>(watch(input.limits))

  return asRun<TransferLive, DataPullResult>(input, { stage: 'prepare' }, async run => {
    const { version, files } = await preparePull(input)
    run.show('version', String(version))
    run.show('files', String(files))

    run.stage('read')
    for (;;) {
      const state = await receive(input)
      tellFiles(run, state)
      if (state.sealed) break
      if (state.expired) throw expired()
      if (workflowInfo().continueAsNewSuggested) await continueAsNew<typeof datasetPull>(input)
      await untilChanged(input.limits, () => awaitTransfer({ ...input, seen: state }))
    }
    await releaseTransfer(input)
    return { outcome: 'succeeded', version }
  })
}
