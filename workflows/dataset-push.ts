import {
  ApplicationFailure,
  continueAsNew,
  patched,
  proxyActivities,
  workflowInfo,
} from '@temporalio/workflow'
import type { PublishActivities } from '../activities/data/publish.js'
import type { TransferActivities } from '../activities/data/transfers.js'
import type { DataPushResult, TransferLive, TransferState } from '../contracts/temporal/data.js'
import type { RunInput } from '../contracts/temporal/messages.js'
import { dataWork, longDataWork, watch } from './activity-presets.js'
import { asRun, type RunHandle } from './run-shell.js'
import { untilChanged } from './waiting.js'

/** Packs from a client -> verified -> whole files -> the next version of a branch -> its commit in the object store. */
export async function datasetPush(input: RunInput): Promise<DataPushResult> {
  const { receive, commitPush } = proxyActivities<TransferActivities>(dataWork(input.limits))
  const { checkPush } = proxyActivities<TransferActivities>(longDataWork(input.limits))
  const { publishVersions } = proxyActivities<PublishActivities>(dataWork(input.limits))
  const { awaitTransfer } = proxyActivities<TransferActivities>(watch(input.limits))

  return asRun<TransferLive, DataPushResult>(input, { stage: 'receive' }, async run => {
    for (;;) {
      const state = await receive(input)
      run.tell({ packs: state.packs })
      tellFiles(run, state)
      const isBehind = state.unverified > 0
      if (!isBehind && state.sealed) break
      if (!isBehind && state.expired) throw expired()
      // Also while packs come as fast as they are read, which may be for days.
      const mayCut = workflowInfo().continueAsNewSuggested && (!isBehind || patched('cut-while-receiving'))
      if (mayCut) await continueAsNew<typeof datasetPush>(input)
      if (isBehind) continue
      await untilChanged(input.limits, () => awaitTransfer({ ...input, seen: state }))
    }

    run.stage('check')
    const { files } = await checkPush(input)
    run.show('files', String(files))

    run.stage('commit')
    const version = await commitPush(input)
    run.show('version', version.created ? String(version.version) : `${version.version} (unchanged)`)

    run.stage('publish')
    await publishVersions({ project: input.project })
    return { outcome: 'succeeded', version: version.version, root: version.root }
  })
}

/** How far its client is, for the query and for Temporal Web. */
export function tellFiles(run: RunHandle<TransferLive>, { bytes, files, total }: TransferState): void {
  run.tell({ bytes, ...(files !== undefined && { files }), ...(total && { total }) })
  if (total) run.show('transferred', `${files} of ${total.files} files, ${bytes} bytes`)
}

/** Why a transfer ends that its client has left. */
export function expired(): ApplicationFailure {
  return ApplicationFailure.nonRetryable(
    'Its client was not heard of for too long. Begin again: what was sent before and is still there is not sent again.',
    'transfer_expired',
  )
}
