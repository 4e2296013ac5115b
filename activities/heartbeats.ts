import { Context } from '@temporalio/activity'

const EVERY_MS = 1_000

/**
 * Beats while a native call is pending. The call runs off the event loop, so a worker whose loop
 * hangs does not beat; a call that never returns is ended by the start-to-close timeout. Work that
 * counts its progress (training) beats by itself instead.
 */
export async function beatWhile<T>(what: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const context = Context.current()
  const started = Date.now()
  const timer = setInterval(
    () => context.heartbeat({ schema: 1, what, seconds: (Date.now() - started) / 1000 }),
    EVERY_MS,
  )
  try {
    context.heartbeat({ schema: 1, what, seconds: 0 })
    return await work(context.cancellationSignal)
  } finally {
    clearInterval(timer)
  }
}
