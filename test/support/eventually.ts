import { setTimeout as wait } from 'node:timers/promises'

export interface EventuallyOptions {
  readonly deadlineMs?: number
  readonly everyMs?: number
}

/** Repeats a check until it no longer throws, and returns its value; after the deadline its last error is the answer. */
export async function eventually<T>(
  check: () => Promise<T> | T,
  options: EventuallyOptions = {},
): Promise<T> {
  const { deadlineMs = 120_000, everyMs = 50 } = options
  const end = Date.now() + deadlineMs
  for (;;) {
    try {
      return await check()
    } catch (error) {
      if (Date.now() >= end) throw error
      await wait(everyMs)
    }
  }
}
