import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { byTurn, grantsNow, type WaitingClaim } from '../../../domain/pools/grant.js'

const claim = (id: string, more: Partial<WaitingClaim> = {}): WaitingClaim => ({
  id,
  slots: 1,
  priority: 3,
  askedAt: 0,
  ...more,
})
const idsOf = (claims: readonly WaitingClaim[]) => claims.map(({ id }) => id)

const claims = fc.uniqueArray(
  fc.record({
    id: fc.uuid(),
    slots: fc.integer({ min: 1, max: 6 }),
    priority: fc.integer({ min: 1, max: 5 }),
    askedAt: fc.integer({ min: 0, max: 5 }),
  }),
  { selector: ({ id }) => id, maxLength: 20 },
)
const size = fc.integer({ min: 0, max: 8 })

describe('what a pool grants', () => {
  it.each<[string, number, number, WaitingClaim[], string[]]>([
    ['nothing where nothing is free', 2, 2, [claim('a')], []],
    ['nothing while more is held than there is', 1, 3, [claim('a')], []],
    ['as much as is free', 3, 1, [claim('a'), claim('b'), claim('c')], ['a', 'b']],
    ['the older one first', 1, 0, [claim('a', { askedAt: 2 }), claim('b', { askedAt: 1 })], ['b']],
    [
      'the urgent one before the older one',
      1,
      0,
      [claim('a'), claim('b', { askedAt: 9, priority: 1 })],
      ['b'],
    ],
    ['nobody before one that needs more than is free', 2, 1, [claim('a', { slots: 2 }), claim('b')], []],
    ['others, where one needs more than there ever is', 2, 1, [claim('a', { slots: 3 }), claim('b')], ['b']],
  ])('is %s', (_, slots, held, waiting, expected) => {
    expect(idsOf(grantsNow(slots, held, waiting))).toEqual(expected)
  })

  it('is never more than there is, and always the first of those that can ever get theirs', () => {
    fc.assert(
      fc.property(size, size, claims, (slots, held, waiting) => {
        const granted = grantsNow(slots, held, waiting)
        const sum = granted.reduce((all, each) => all + each.slots, 0)
        expect(sum).toBeLessThanOrEqual(Math.max(0, slots - held))
        const queue = waiting.filter(each => each.slots <= slots).sort(byTurn)
        expect(granted).toEqual(queue.slice(0, granted.length))
        const next = queue[granted.length]
        if (next) expect(next.slots).toBeGreaterThan(slots - held - sum)
      }),
    )
  })

  it('lets everybody have its turn, however slots are given back', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 6, max: 8 }),
        claims,
        fc.infiniteStream(fc.nat()),
        (slots, all, picks) => {
          let waiting = [...all]
          let held: WaitingClaim[] = []
          const done: WaitingClaim[] = []
          while (waiting.length + held.length > 0) {
            const sum = held.reduce((total, each) => total + each.slots, 0)
            expect(sum).toBeLessThanOrEqual(slots)
            const granted = grantsNow(slots, sum, waiting)
            held = [...held, ...granted]
            waiting = waiting.filter(each => !granted.includes(each))
            expect(held.length).toBeGreaterThan(0)
            const [ended] = held.splice((picks.next().value as number) % held.length, 1)
            done.push(ended!)
          }
          expect(done).toHaveLength(all.length)
        },
      ),
    )
  })
})
