import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import type { ErrorDetails } from '../../../domain/errors.js'
import { isStorable } from '../../../domain/storable.js'
import { boundedDetails, boundedMessage } from '../../../domain/runs/bounded-failure.js'

describe('what is kept of a failure', () => {
  it('is all of a small one', () => {
    const details: ErrorDetails = { problems: [{ at: 'target', message: 'is constant' }], rows: 7 }
    expect(boundedDetails(details)).toBe(details)
    expect(boundedMessage('short')).toBe('short')
  })

  it('is without null characters and halves of others, which no row can hold', () => {
    const details = {
      problems: [{ at: 'a\0', message: 'b' }],
      values: [{ value: 'c\0', raw: String.raw`\u0000` }],
    }
    expect(boundedMessage('no \0')).toBe('no \ufffd')
    expect(boundedDetails(details)).toEqual({
      problems: [{ at: 'a\ufffd', message: 'b' }],
      values: [{ value: 'c\ufffd', raw: String.raw`\u0000` }],
    })
    const long = boundedDetails({ problems: [{ at: 'row 1', message: `\0${'x'.repeat(16_000)}` }] })
    expect(JSON.stringify(long)).not.toContain(String.raw`\u0000`)
    expect(boundedDetails({ values: ['\ud83d'] })).toEqual({ values: ['\ufffd'] })
    expect(isStorable(boundedMessage('😀'.repeat(3_000)))).toBe(true)
    expect(isStorable(boundedMessage(`x${'😀'.repeat(3_000)}`))).toBe(true)
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

  it('is cut between characters', () => {
    expect(boundedMessage(`a${'\u{1f600}'.repeat(4_000)}`)).not.toMatch(/\p{Surrogate}/u)
    const long = { at: `a${'\u{1f600}'.repeat(400)}`, message: '' }
    const { problems } = boundedDetails({ problems: Array.from({ length: 40 }, () => long) })
    expect(problems).toHaveLength(20)
    for (const { at } of problems!) expect(at).not.toMatch(/\p{Surrogate}/u)
  })
})
