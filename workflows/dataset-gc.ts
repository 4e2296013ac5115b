import { proxyActivities, sleep } from '@temporalio/workflow'
import type { CollectionActivities } from '../activities/data/collections.js'
import type { PublishActivities } from '../activities/data/publish.js'
import type { CollectionLive, DatasetGcResult, PlanOutcome } from '../contracts/temporal/data-collection.js'
import type { RunInput } from '../contracts/temporal/messages.js'
import { dataWork } from './activity-presets.js'
import { asRun } from './run-shell.js'

/** While a backup is written nothing is removed. */
const BLOCKED_MS = 30_000
/** What is left after so many tries the next collection removes. */
const MOST_BLOCKED = 240

/** Finds what no version needs -> dooms it -> waits for those who take it up -> removes the rest. */
export async function datasetGc(input: RunInput): Promise<DatasetGcResult> {
  const { planCollection, repackChunks, doomPacks, sweepPacks, removePackObjects } =
    proxyActivities<CollectionActivities>(dataWork(input.limits))
  const { publishVersions } = proxyActivities<PublishActivities>(dataWork(input.limits))

  return asRun<CollectionLive, DatasetGcResult>(input, { stage: 'plan' }, async run => {
    const { graceSeconds, executes, ...plan } = await planCollection(input)
    show(plan)
    if (!executes) return { outcome: 'succeeded', executed: false, plan }

    run.stage('repack')
    const repacked = await repackChunks(input)
    run.stage('grace')
    await doomPacks(input)
    if (graceSeconds > 0) await sleep(graceSeconds * 1000, { summary: 'doomed packs can be taken up' })
    run.stage('sweep')
    const removed = await sweepPacks(input)
    run.show('packs removed', String(removed.packs))
    let objects = 0
    for (let tries = 0; tries < MOST_BLOCKED; tries++) {
      const report = await removePackObjects(input)
      objects += report.removed
      if (!report.blocked) break
      await sleep(BLOCKED_MS, { summary: 'a backup is being written' })
    }
    await publishVersions({ project: input.project })
    return {
      outcome: 'succeeded',
      executed: true,
      plan,
      repacked: repacked.packs,
      removed,
      objects,
    }

    function show({ versions, packs, repacks }: Omit<PlanOutcome, 'graceSeconds' | 'executes'>): void {
      run.show('versions to retire', String(versions))
      run.show('packs to remove', `${packs}, and ${repacks} to write anew`)
    }
  })
}
