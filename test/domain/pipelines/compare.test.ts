import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { compareFigures } from '../../../domain/pipelines/compare.js'

describe('two figures', () => {
  it.each([
    [1, 2, 0.5, 0.5],
    [2, 2, 1, 1],
    [0, 2, 0, 0],
    [0, 0, 1, 1],
    [1.1, 1, 1.1, 1.1],
  ])('%d beside %d is good enough for at most %d', (candidate, reference, maxRatio, ratio) => {
    expect(compareFigures({ candidate, reference, maxRatio })).toEqual({ good: true, ratio })
  })

  it.each([
    [2.1, 2, 1, /2\.1, 1\.05 times the reference 2; at most 1 times/],
    [1, 0, 1000, /nothing but 0 is as good as the reference 0/],
    [0, 0, 0.9, /at most 0\.9/],
    [NaN, 1, 1, /candidate is NaN/],
    [1, NaN, 1, /reference is NaN/],
    [1, Infinity, 1, /reference is Infinity/],
    [-1, -2, 1, /candidate is -1: a ratio needs figures of 0 or more/],
    [1, -2, 1, /reference is -2/],
    [1, 1, NaN, /maxRatio is NaN/],
  ])('%d beside %d is not good enough for at most %d', (candidate, reference, maxRatio, why) => {
    expect(compareFigures({ candidate, reference, maxRatio })).toEqual({
      good: false,
      message: expect.stringMatching(why),
    })
  })

  it('a smaller candidate is never worse', () => {
    const figure = fc.double({ min: 0, max: 1e9, noNaN: true })
    fc.assert(
      fc.property(figure, figure, figure, figure, (a, b, reference, maxRatio) => {
        const [less, more] = [Math.min(a, b), Math.max(a, b)]
        const isGood = (candidate: number): boolean => compareFigures({ candidate, reference, maxRatio }).good
        expect(isGood(more) && !isGood(less)).toBe(false)
      }),
    )
  })
})
