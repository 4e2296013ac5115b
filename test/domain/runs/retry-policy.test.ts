import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { ERROR_CODES, type ErrorCode } from '../../../domain/errors.js'
import { statusOfFailure } from '../../../domain/runs/describe-end.js'
import { decideRetry, type RetryPolicy } from '../../../domain/runs/retry-policy.js'
import { RUN_TRANSITIONS, type RunStatus } from '../../../domain/runs/run-status.js'

const policy: RetryPolicy = {
  codes: ['object_missing', 'timed_out', 'lost', 'start_failed'],
  maxAttempts: 3,
  delaySeconds: 60,
}
const endedAt = new Date('2026-03-01T12:00:00Z')
const due = { retry: true, at: new Date('2026-03-01T12:01:00Z') }
const no = (reason: RegExp) => ({ retry: false, reason: expect.stringMatching(reason) })

describe('decideRetry', () => {
  it.each<[RunStatus, string | null, number, object]>([
    ['failed', 'object_missing', 1, due],
    ['failed', 'object_missing', 2, due],
    ['failed', 'object_missing', 3, no(/3 of 3 attempts/)],
    ['failed', 'internal', 1, no(/internal is not among the codes/)],
    ['timed_out', null, 1, due],
    ['lost', 'lost', 1, due],
    ['start_failed', 'start_failed', 1, due],
    ['cancelled', 'object_missing', 1, no(/cancelled is not retried by itself/)],
    ['terminated', 'object_missing', 1, no(/terminated is not retried by itself/)],
    ['refused', 'object_missing', 1, no(/refused is not retried by itself/)],
    ['succeeded', null, 1, no(/succeeded is not retried by itself/)],
  ])('a run that is %s with %s after %i attempts', (status, code, attempt, expected) => {
    expect(decideRetry(policy, { status, code, attempt, endedAt })).toEqual(expected)
  })

  it('never starts a run more often than its policy says, nor before its delay', () => {
    const statuses = Object.keys(RUN_TRANSITIONS) as RunStatus[]
    fc.assert(
      fc.property(
        fc.constantFrom(...statuses),
        fc.constantFrom(...Object.keys(ERROR_CODES)),
        fc.integer({ min: 1, max: 20 }),
        fc.nat({ max: 10 }),
        fc.nat({ max: 100_000 }),
        (status, code, attempt, maxAttempts, delaySeconds) => {
          const codes = Object.keys(ERROR_CODES)
          const decision = decideRetry(
            { codes, maxAttempts, delaySeconds },
            { status, code, attempt, endedAt },
          )
          if (!decision.retry) return
          expect(attempt).toBeLessThan(maxAttempts)
          expect(decision.at.getTime()).toBe(endedAt.getTime() + delaySeconds * 1000)
          expect(RUN_TRANSITIONS[status]).toContain('accepted')
        },
      ),
    )
  })
})

describe('statusOfFailure', () => {
  it.each<[string | undefined, RunStatus, string]>([
    ['gate_refused', 'refused', 'gate_refused'],
    ['value_not_of_type', 'refused', 'value_not_of_type'],
    ['invalid_request', 'refused', 'invalid_request'],
    ['object_missing', 'failed', 'object_missing'],
    ['unavailable', 'failed', 'unavailable'],
    ['lease_lost', 'failed', 'lease_lost'],
    ['no_code_of_ours', 'failed', 'internal'],
    [undefined, 'failed', 'internal'],
  ])('an application failure %s makes a run %s', (code, status, expected) => {
    const failure = { kind: 'application' as const, message: 'm', ...(code === undefined ? {} : { code }) }
    expect(statusOfFailure(failure)).toEqual({ status, code: expected })
  })

  it('tells a timeout, a cancellation and anything else apart', () => {
    expect(statusOfFailure({ kind: 'timeout', message: '' })).toEqual({
      status: 'timed_out',
      code: 'timed_out',
    })
    expect(statusOfFailure({ kind: 'cancelled', message: '' })).toEqual({
      status: 'cancelled',
      code: 'cancelled',
    })
    expect(statusOfFailure({ kind: 'other', message: '' })).toEqual({ status: 'failed', code: 'internal' })
  })

  it('refuses with no code that Temporal would try again', () => {
    const refusing = (Object.keys(ERROR_CODES) as ErrorCode[]).filter(
      code => statusOfFailure({ kind: 'application', code, message: '' }).status === 'refused',
    )
    expect(refusing.filter(code => ERROR_CODES[code].retryable)).toEqual([])
    expect(refusing).toContain('expectations_failed')
  })
})
