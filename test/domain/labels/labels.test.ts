import { describe, expect, it } from '@jest/globals'
import { type LabelState, labelState } from '../../../domain/labels/label-state.js'
import { SWEEP_LABELS, sweepRest } from '../../../domain/labels/sweeps.js'

const AT = new Date('2026-01-10T00:00:00Z')

describe('the state of a label', () => {
  it.each<[LabelState, Date | null, Date | null]>([
    ['held', null, null],
    ['unknown', null, AT],
    ['matched', AT, null],
    ['matched', AT, AT],
  ])('is %s, matched at %s and reported at %s', (state, matchedAt, reportedAt) => {
    expect(labelState({ matchedAt, reportedAt })).toBe(state)
  })
})

describe('the rest after a sweep', () => {
  it.each([
    ['nothing, of a short one', 1_000, 1, 604_800, 0],
    ['nineteen times as long', 60_000, 1, 604_800, 1_140],
    ['an eighth of the hold time at most', 36_000_000, 1, 604_800, 75_600],
    ['nothing, while more labels wait', 60_000, SWEEP_LABELS, 604_800, 0],
  ])('is %s', (_, spentMs, labels, holdSeconds, expected) => {
    expect(sweepRest(spentMs, labels, holdSeconds)).toBe(expected)
  })
})
