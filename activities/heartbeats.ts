import { Context } from '@temporalio/activity'

const EVERY_MS = 1_000

/** Says how far work is, for the next attempt to go on from there. */
export type Reached<P> = (place: P) => void

interface Beat<P> {
  readonly schema: 1
  readonly what: string
  readonly seconds: number
  readonly at?: P
}

/**
 * Beats while a native call is pending. The call runs off the event loop, so a worker whose loop
 * hangs does not beat; a call that never returns is ended by the start-to-close timeout. Work that
 * counts its progress (training) beats by itself instead.
 */
export async function beatWhile<T, P = never>(
  what: string,
  work: (signal: AbortSignal, reached: Reached<P>) => Promise<T>,
): Promise<T> {
  const context = Context.current()
  const started = Date.now()
  // An attempt that is killed before it gets further leaves the place that it began at.
  let at = placeReached<P>()
  const beat = () => {
    const seconds = (Date.now() - started) / 1000
    context.heartbeat({ schema: 1, what, seconds, ...(at !== undefined && { at }) } satisfies Beat<P>)
  }
  const timer = setInterval(beat, EVERY_MS)
  try {
    beat()
    return await work(context.cancellationSignal, place => {
      at = place
      beat()
    })
  } finally {
    clearInterval(timer)
  }
}

/** The place that attempts before this one have reached, as far as they could say so; undefined where it is the first. */
export function placeReached<P>(): P | undefined {
  return (Context.current().info.heartbeatDetails as Beat<P> | undefined)?.at
}
