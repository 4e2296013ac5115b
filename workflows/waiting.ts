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
  const wait = () => awaitEnded.executeWithOptions({ summary }, [{ project, runIds, limits }])
  await untilChanged(limits, wait, { leftMs })
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
