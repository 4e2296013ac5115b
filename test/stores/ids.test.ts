import { describe, expect, it } from '@jest/globals'
import { uuidv7 } from '../../stores/ids.js'

const timeOf = (id: string): number => Number.parseInt(id.replace('-', '').slice(0, 12), 16)

describe('uuidv7', () => {
  it('sorts in the order in which ids are made, many within one millisecond', () => {
    const before = Date.now()
    const ids = Array.from({ length: 20_000 }, () => uuidv7())
    expect(ids.toSorted()).toEqual(ids)
    expect(new Set(ids).size).toBe(ids.length)
    for (const id of ids)
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(timeOf(ids[0]!)).toBeGreaterThanOrEqual(before)
  })

  it('sorts so also where the clock is set back, and where a millisecond has more than its room', () => {
    const now = Date.now() + 1_000
    const ids = Array.from({ length: 10_000 }, (_, i) => uuidv7(i % 2 === 0 ? now : now - 500))
    expect(ids.toSorted()).toEqual(ids)
    expect(timeOf(ids[0]!)).toBe(now)
    expect(timeOf(ids.at(-1)!)).toBeLessThanOrEqual(now + 5)
    const later = uuidv7(now + 2_000)
    expect([timeOf(later), later > ids.at(-1)!]).toEqual([now + 2_000, true])
  })
})
