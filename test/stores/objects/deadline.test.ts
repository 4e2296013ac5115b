import { describe, expect, it } from '@jest/globals'
import { DeadlineExceeded, withDeadline } from '../../../stores/objects/deadline.js'

const never = () => new Promise<never>(() => undefined)

describe('work with a deadline', () => {
  it('is what it answers, or how it fails', async () => {
    expect(await withDeadline(60_000, undefined, async () => 7)).toBe(7)
    await expect(withDeadline(60_000, undefined, () => Promise.reject(new Error('no')))).rejects.toThrow('no')
  })

  it('ends when the time is over, though it does not look at its signal', async () => {
    let seen: AbortSignal | undefined
    const late = withDeadline(1, undefined, signal => {
      seen = signal
      return never()
    })
    await expect(late).rejects.toBeInstanceOf(DeadlineExceeded)
    expect(seen?.aborted).toBe(true)
  })

  it('ends with the reason of the signal, also where that is there before', async () => {
    const abort = new AbortController()
    const reason = new Error('gone')
    const work = withDeadline(60_000, abort.signal, never)
    abort.abort(reason)
    await expect(work).rejects.toBe(reason)
    await expect(withDeadline(60_000, abort.signal, async () => 7)).rejects.toBe(reason)
  })
})
