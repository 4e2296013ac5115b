import { describe, expect, it } from '@jest/globals'
import * as fc from 'fast-check'
import { edgeOf, gridOf, type Histogram, MAX_BINS, sharedBins } from '../../../domain/profile/histogram.js'

const { floor } = Math
const total = (counts: readonly number[]): number => counts.reduce((sum, one) => sum + one, 0)

/** By the definition, without scaling anything. */
function histogramOf(values: readonly number[], whole = false): Histogram {
  const grid = gridOf(Math.min(...values), Math.max(...values), whole)
  const counts = Array.from({ length: grid.bins }, () => 0)
  for (const value of values) {
    const bin = counts.findIndex((_, i) => edgeOf(grid, i) <= value && value < edgeOf(grid, i + 1))
    counts[bin]!++
  }
  return { exponent: grid.exponent, first: grid.first, counts }
}

/** Numbers that are not too small to be divided by the width of any bin here. */
const number = fc
  .oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e30, max: 1e30 }),
    fc.double({ noNaN: true, min: -10, max: 10 }),
    fc.integer({ min: -1000, max: 1000 }),
  )
  .map(value => (Math.abs(value) < 1e-30 ? 0 : value))

describe('histograms whose bins nest', () => {
  it.each([
    [0, 63, true, { exponent: 0, first: 0, bins: 64 }],
    [0, 64, true, { exponent: 1, first: 0, bins: 33 }],
    [-3, 2, true, { exponent: 0, first: -3, bins: 6 }],
    [7, 7, true, { exponent: 0, first: 7, bins: 1 }],
    [0, 0, false, { exponent: 0, first: 0, bins: 1 }],
    [0, 1, false, { exponent: -5, first: 0, bins: 33 }],
    [5.5, 5.5, false, { exponent: -8, first: 1408, bins: 1 }],
  ])('from %d to %d', (min, max, whole, grid) => {
    expect(gridOf(min, max, whole)).toEqual(grid)
  })

  it.each([
    [NaN, 1],
    [0, Infinity],
    [2, 1],
  ])('there are none from %d to %d', (min, max) => {
    expect(() => gridOf(min, max, false)).toThrow(RangeError)
  })

  it('hold every finite value, in at most 64 bins, the first and the last of which are not empty', () => {
    fc.assert(
      fc.property(fc.array(number, { minLength: 1, maxLength: 30 }), values => {
        const { counts } = histogramOf(values)
        expect(counts.length).toBeLessThanOrEqual(MAX_BINS)
        expect(total(counts)).toBe(values.length)
        expect(counts[0]).toBeGreaterThan(0)
        expect(counts.at(-1)).toBeGreaterThan(0)
      }),
    )
  })

  it('cover the range of doubles, and use more than half of the bins where numbers are apart enough', () => {
    const [least, most] = [-Number.MAX_VALUE, Number.MAX_VALUE]
    expect(gridOf(least, most, false)).toEqual({ exponent: 1019, first: -32, bins: 64 })
    fc.assert(
      fc.property(
        fc.integer({ min: -1000, max: 1000 }),
        fc.double({ noNaN: true, min: 1e-3, max: 1e6 }),
        (from, width) => {
          const { bins } = gridOf(from, from + width, false)
          expect(bins).toBeGreaterThan(MAX_BINS / 2 - 1)
        },
      ),
    )
  })

  it('are compared by counts that are those of the values themselves', () => {
    const values = fc.array(number, { minLength: 1, maxLength: 30 })
    fc.assert(
      fc.property(values, values, fc.integer({ min: 2, max: 64 }), (a, b, most) => {
        const shared = sharedBins(histogramOf(a), histogramOf(b), most)
        expect(shared.bins).toBeLessThanOrEqual(most)
        expect([total(shared.from), total(shared.to)]).toEqual([a.length, b.length])
        const width = 2 ** shared.exponent
        const recount = (of: readonly number[]): number[] =>
          Array.from(
            { length: shared.bins },
            (_, i) => of.filter(value => floor(value / width) === shared.first + i).length,
          )
        expect(shared.from).toEqual(recount(a))
        expect(shared.to).toEqual(recount(b))
      }),
    )
  })
})
