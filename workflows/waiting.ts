import {
  CancellationScope,
  condition,
  isCancellation,
  proxyActivities,
  workflowInfo,
} from '@temporalio/workflow'
import type { RunActivities } from '../activities/runs.js'
import type { EndedRun, RunLimits } from '../contracts/temporal/messages.js'
import { ROWS, watch } from './activity-presets.js'

const LOOK_EVERY_SECONDS = 10

const { endedRuns } = proxyActivities<RunActivities>(ROWS)

export function lookEveryMs({ lookEverySeconds = LOOK_EVERY_SECONDS }: RunLimits): number {
  return lookEverySeconds * 1000
}

/**
 * Waits for whatever is first: the activity that sees a change, a handler that has woken the workflow, or
 * the end of a time. What still waits then is cancelled. An activity that cannot wait leaves a timer to end it.
 */
export async function untilChanged(
  limits: RunLimits,
  change: () => Promise<void>,
  {
    isWoken = () => false,
    leftMs = null,
  }: { readonly isWoken?: () => boolean; readonly leftMs?: number | null } = {},
): Promise<void> {
  const waiting = new CancellationScope()
  const changed = waiting.run(change).catch(async (error: unknown) => {
    if (isCancellation(error)) throw error
    await waiting.run(() => condition(isWoken, lookEveryMs(limits)))
  })
  const told = waiting.run(async () => {
    await (leftMs === null ? condition(isWoken) : condition(isWoken, leftMs, { summary: 'deadline' }))
  })
  try {
    await Promise.race([changed, told])
  } finally {
    waiting.cancel()
    await Promise.allSettled([changed, told])
  }
}

/** Runs of others once they have all ended; before a history that has become long it is cut. */
export async function allEnded(
  project: string,
  runIds: readonly string[],
  limits: RunLimits,
  cut: () => Promise<unknown>,
): Promise<EndedRun[]> {
  for (;;) {
    const ended = await endedRuns({ project, runIds })
    if (ended.length === runIds.length) return ended
    if (workflowInfo().continueAsNewSuggested) await cut()
    await untilMoreEnded({ project, runIds, ended: ended.length, limits })
  }
}

/** Waits until more runs have ended than had, or for so long. */
export async function untilMoreEnded(
  wait: Parameters<RunActivities['awaitEnds']>[0],
  leftMs: number | null = null,
): Promise<void> {
  const { runIds, ended, limits } = wait
  const { awaitEnds } = proxyActivities<RunActivities>(watch(limits))
  const summary = runIds.length === 1 ? `run ${runIds[0]}` : `${runIds.length - ended} runs`
  await untilChanged(limits, () => awaitEnds.executeWithOptions({ summary }, [wait]), { leftMs })
}
