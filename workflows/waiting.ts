import { proxyActivities, workflowInfo } from '@temporalio/workflow'
import type { RunActivities } from '../activities/runs.js'
import type { EndedRun, RunLimits } from '../contracts/temporal/messages.js'
import { ROWS, watch } from './activity-presets.js'
import { untilChanged } from './until-changed.js'

const LOOK_EVERY_SECONDS = 10

const { endedRuns } = proxyActivities<RunActivities>(ROWS)

/** Runs of others, and how a history that has become long is cut before they are waited for. */
export interface Awaited {
  readonly project: string
  readonly runIds: readonly string[]
  readonly limits: RunLimits
  /** What is waited for, for Temporal Web. */
  readonly summary: string
  readonly cut: () => Promise<unknown>
}

/** Waits for the end of runs, at most for so long, and never for ever: whoever waits looks for himself. */
export async function awaitRuns(
  { project, runIds, limits, summary, cut }: Awaited,
  leftMs: number | null = null,
): Promise<void> {
  if (workflowInfo().continueAsNewSuggested) await cut()
  const { awaitEnded } = proxyActivities<RunActivities>(watch(limits))
  const everyMs = (limits.lookEverySeconds ?? LOOK_EVERY_SECONDS) * 1000
  const wait = () => awaitEnded.executeWithOptions({ summary }, [{ project, runIds, limits }])
  await untilChanged(wait, () => false, { everyMs, leftMs })
}

/** Runs of others once they have all ended. */
export async function allEnded(awaited: Awaited): Promise<EndedRun[]> {
  const { project, runIds } = awaited
  for (;;) {
    const ended = await endedRuns({ project, runIds })
    if (ended.length === runIds.length) return ended
    await awaitRuns(awaited)
  }
}
