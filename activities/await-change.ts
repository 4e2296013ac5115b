import { Context } from '@temporalio/activity'
import type { RunLimits } from '../contracts/temporal/messages.js'

const LOOK_EVERY_SECONDS = 10

/** Whoever waits looks for himself at the latest after so long: no change that was missed lasts longer. */
const LONGEST_MS = 10 * 60_000

/**
 * Waits until something is seen whose hash is not `seen`; beats meanwhile, and ends when it is cancelled.
 * @param listen has a function called whenever it is worth to look at once, until what it returns is called
 */
export async function awaitChange(
  see: () => Promise<string>,
  seen: string | null,
  { lookEverySeconds = LOOK_EVERY_SECONDS, heartbeatTimeoutSeconds }: RunLimits,
  listen: (wake: () => void) => () => void = () => () => undefined,
): Promise<void> {
  const context = Context.current()
  const end = Date.now() + LONGEST_MS
  const beatEvery = (heartbeatTimeoutSeconds * 1000) / 3
  let lookAt = 0
  let wake = (): void => undefined
  const stopListening = listen(() => {
    lookAt = 0
    wake()
  })
  try {
    while (Date.now() < end) {
      context.heartbeat({ schema: 1, what: 'waiting' })
      if (Date.now() >= lookAt) {
        lookAt = Date.now() + lookEverySeconds * 1000
        if ((await see()) !== seen) return
      }
      let timer: NodeJS.Timeout | undefined
      const woken = new Promise<void>(resolve => {
        wake = resolve
        timer = setTimeout(resolve, Math.min(beatEvery, Math.max(1, lookAt - Date.now())))
      })
      // A wake that leaves a timer behind would keep a process that has nothing to do.
      await Promise.race([context.cancelled, woken]).finally(() => clearTimeout(timer))
    }
  } finally {
    stopListening()
  }
}
