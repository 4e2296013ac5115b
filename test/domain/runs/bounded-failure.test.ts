import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import type { ErrorDetails } from '../../../domain/errors.js'
import { boundedDetails, boundedMessage } from '../../../domain/runs/bounded-failure.js'

describe('what is kept of a failure', () => {
  it('is all of a small one', () => {
    const details: ErrorDetails = { problems: [{ at: 'target', message: 'is constant' }], rows: 7 }
    expect(boundedDetails(details)).toBe(details)
    expect(boundedMessage('short')).toBe('short')
  })

  it('always fits, however long values and lists are', () => {
    const problem = fc.record({ at: fc.string({ maxLength: 900 }), message: fc.string({ maxLength: 2_000 }) })
    fc.assert(
      fc.property(fc.array(problem, { maxLength: 60 }), fc.string(), (problems, message) => {
        expect(JSON.stringify(boundedDetails({ problems })).length).toBeLessThanOrEqual(16_000 * 6)
        expect(boundedMessage(message.repeat(2_000)).length).toBeLessThanOrEqual(4_000)
      }),
    )
    const huge = boundedDetails({ problems: [{ at: 'row 1', message: 'x'.repeat(1 << 20) }], other: 1 })
    expect(huge).toMatchObject({ shortened: true, problems: [{ at: 'row 1' }] })
    expect(JSON.stringify(huge).length).toBeLessThan(1_000)
  })
})
