import { describe, expect, it } from '@jest/globals'
import { addToGaps, type Gap } from '../../../domain/serving/gaps.js'

const drop = (gaps: readonly Gap[], sequence: number, eventTime: number, logged = 0, deployment = 'bike') =>
  addToGaps(gaps, { deployment, sequence, eventTime }, logged)

describe('gaps', () => {
  it('grow over records that are dropped one after the other', () => {
    const gaps = [3, 4, 5].reduce<Gap[]>((all, sequence) => drop(all, sequence, 1000 - sequence, 2), [])
    expect(gaps).toEqual([
      { deployment: 'bike', firstSequence: 3, lastSequence: 5, fromEventTime: 995, toEventTime: 997 },
    ])
  })

  it('are two when something was logged between', () => {
    const gaps = drop(drop([], 3, 10, 2), 6, 20, 5)
    expect(gaps.map(({ firstSequence, lastSequence }) => [firstSequence, lastSequence])).toEqual([
      [3, 3],
      [6, 6],
    ])
  })

  it('are kept for each deployment', () => {
    const gaps = drop(drop(drop([], 3, 10), 4, 10, 0, 'other'), 5, 10)
    expect(gaps.map(gap => [gap.deployment, gap.firstSequence, gap.lastSequence])).toEqual([
      ['bike', 3, 5],
      ['other', 4, 4],
    ])
  })

  it('are widened rather than kept without bound', () => {
    let gaps: Gap[] = []
    for (let i = 1; i <= 300; i++) gaps = drop(gaps, 2 * i, i, 2 * i - 1)
    expect(gaps).toHaveLength(100)
    expect(gaps.at(-1)).toMatchObject({ firstSequence: 200, lastSequence: 600, toEventTime: 300 })
  })
})
