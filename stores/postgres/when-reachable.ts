import { setTimeout as wait } from 'node:timers/promises'
import { isPostgresUnreachable } from './unreachable.js'

const LOOK_AGAIN_MS = 250

/**
 * Does what can be done twice, again and again while Postgres does not answer: it may come up just now.
 * @throws what the work throws otherwise, or still after the deadline
 */
export async function whenReachable<T>(work: () => Promise<T>, deadlineMs: number): Promise<T> {
  for (const end = Date.now() + deadlineMs; ;) {
    try {
      return await work()
    } catch (error) {
      if (!isPostgresUnreachable(error) || Date.now() > end) throw error
    }
    await wait(LOOK_AGAIN_MS)
  }
}
