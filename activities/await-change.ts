import { Context } from '@temporalio/activity'
import type { RunLimits } from '../contracts/temporal/messages.js'

const LOOK_EVERY_SECONDS = 10

/** Whoever waits looks for himself at the latest after so long: no change that was missed lasts longer. */
const LONGEST_MS = 10 * 60_000

/** Waits until something is seen whose hash is not `seen`; beats meanwhile, and ends when it is cancelled. */
export async function awaitChange(
  see: () => Promise<string>,
  seen: string | null,
  { lookEverySeconds = LOOK_EVERY_SECONDS, heartbeatTimeoutSeconds }: RunLimits,
): Promise<void> {
  const context = Context.current()
  const end = Date.now() + LONGEST_MS
  const beatEvery = (heartbeatTimeoutSeconds * 1000) / 3
  let lookAt = 0
  while (Date.now() < end) {
    context.heartbeat({ schema: 1, what: 'waiting' })
    if (Date.now() >= lookAt) {
      if ((await see()) !== seen) return
      lookAt = Date.now() + lookEverySeconds * 1000
    }
    await context.sleep(Math.min(beatEvery, Math.max(1, lookAt - Date.now())))
  }
}
