import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import {
  isOpen,
  isRetryable,
  mayFollow,
  RUN_TRANSITIONS,
  type RunStatus,
  SEQUENCES_PER_ATTEMPT,
  writeSequence,
} from '../../../domain/runs/run-status.js'

const STATUSES = Object.keys(RUN_TRANSITIONS) as RunStatus[]

describe('RUN_TRANSITIONS', () => {
  it('reaches every status from accepted', () => {
    const reached = new Set<RunStatus>()
    const visit = (status: RunStatus): void => {
      if (reached.has(status)) return
      reached.add(status)
      RUN_TRANSITIONS[status].forEach(visit)
    }
    visit('accepted')
    expect([...reached].sort()).toEqual([...STATUSES].sort())
  })

  it('has no way out of what ended well, and only a retry out of what ended badly', () => {
    const exits = STATUSES.filter(status => !isOpen(status)).map(status => [status, RUN_TRANSITIONS[status]])
    expect(Object.fromEntries(exits)).toEqual({
      succeeded: [],
      refused: [],
      failed: ['accepted'],
      timed_out: ['accepted'],
      cancelled: ['accepted'],
      terminated: ['accepted'],
      lost: ['accepted'],
      start_failed: ['accepted'],
    })
  })

  it('lets an open run end in every way, and calls nothing retryable that is open', () => {
    const ends = STATUSES.filter(status => !isOpen(status))
    expect(ends.filter(end => !mayFollow('accepted', end))).toEqual([])
    expect(ends.filter(end => !mayFollow('running', end))).toEqual(['start_failed'])
    expect(STATUSES.filter(status => isOpen(status) && isRetryable(status))).toEqual([])
  })
})

describe('writeSequence', () => {
  const attempt = fc.integer({ min: 1, max: 10_000 })
  const write = fc.oneof(fc.nat({ max: 5_000 }), fc.constant('closing' as const))

  it('puts every write of a later attempt after all of an earlier one', () => {
    fc.assert(
      fc.property(attempt, write, write, (n, one, other) => {
        expect(writeSequence(n + 1, one)).toBeGreaterThan(writeSequence(n, other))
      }),
    )
  })

  it('puts the closing write last and never falls back', () => {
    fc.assert(
      fc.property(attempt, fc.nat({ max: 5_000 }), (n, i) => {
        expect(writeSequence(n, 'closing')).toBeGreaterThan(writeSequence(n, i))
        expect(writeSequence(n, i + 1)).toBeGreaterThanOrEqual(writeSequence(n, i))
        expect(Math.floor(writeSequence(n, i) / SEQUENCES_PER_ATTEMPT)).toBe(n)
      }),
    )
  })
})
