import { CancellationScope, condition, isCancellation } from '@temporalio/workflow'

/**
 * Waits for whatever is first: the activity that sees a change, a handler that has woken the workflow, or
 * a time. What still waits then is cancelled. An activity that cannot wait leaves the timer to end it.
 */
export async function untilChanged(
  change: () => Promise<void>,
  isWoken: () => boolean,
  { everyMs, leftMs }: { readonly everyMs: number; readonly leftMs: number | null },
): Promise<void> {
  const waiting = new CancellationScope()
  const changed = waiting.run(change).catch(async (error: unknown) => {
    if (isCancellation(error)) throw error
    await waiting.run(() => condition(isWoken, everyMs))
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
