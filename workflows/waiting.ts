import { proxyActivities, sleep, workflowInfo } from '@temporalio/workflow'
import type { RunActivities } from '../activities/runs.js'
import type { EndedRun, RunLimits } from '../contracts/temporal/messages.js'
import { ROWS } from './activity-presets.js'

const LOOK_EVERY_SECONDS = 10

const { endedRuns } = proxyActivities<RunActivities>(ROWS)

/** Pauses between two looks; before a history that has become long it is cut. */
export async function pause(
  { lookEverySeconds = LOOK_EVERY_SECONDS }: RunLimits,
  cut: () => Promise<unknown>,
): Promise<void> {
  if (workflowInfo().continueAsNewSuggested) await cut()
  await sleep(lookEverySeconds * 1000)
}

/** Runs of others once they have all ended. */
export async function allEnded(
  project: string,
  runIds: readonly string[],
  limits: RunLimits,
  cut: () => Promise<unknown>,
): Promise<EndedRun[]> {
  for (;;) {
    const ended = await endedRuns({ project, runIds })
    if (ended.length === runIds.length) return ended
    await pause(limits, cut)
  }
}
