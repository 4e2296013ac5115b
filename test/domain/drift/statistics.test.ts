import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { chiSquared } from '../../../domain/drift/statistics/chi-squared.js'
import { upperIncompleteGamma } from '../../../domain/drift/statistics/incomplete-gamma.js'
import { jensenShannonDistance } from '../../../domain/drift/statistics/jensen-shannon.js'
import { kolmogorovSmirnov } from '../../../domain/drift/statistics/kolmogorov-smirnov.js'
import { type Statistic, STATISTICS } from '../../../domain/drift/statistics/registry.js'
import {
  normedWassersteinDistance,
  wassersteinDistance,
} from '../../../domain/drift/statistics/wasserstein.js'
import { COUNTS_CASES, GAMMA_CASES, NUMERIC_CASES } from './scipy-cases.js'

const sorted = (values: readonly number[]): Float64Array => Float64Array.from(values).sort()

/** Equal to a part in 10^10; what SciPy calls 0 may be what rounding leaves. */
function expectClose(actual: number, expected: number): void {
  expect(Math.abs(actual - expected)).toBeLessThanOrEqual(1e-10 * Math.abs(expected) + 1e-14)
}

const numbers = fc.array(fc.integer({ min: -40, max: 40 }), { minLength: 1, maxLength: 60 }).map(sorted)

describe.each(NUMERIC_CASES)(
  'numbers: $name',
  ({ reference, current, wasserstein, deviation, ks, pValue }) => {
    const [a, b] = [sorted(reference), sorted(current)]

    it('has the Wasserstein distance of SciPy, in its unit and in standard deviations', () => {
      expectClose(wassersteinDistance(a, b), wasserstein)
      expectClose(wassersteinDistance(b, a), wasserstein)
      const normed = normedWassersteinDistance(a, b)
      if (deviation === 0) expect(normed).toBeNull()
      else expectClose(normed!, wasserstein / deviation)
    })

    it('has the Kolmogorov-Smirnov statistic of SciPy, and the p-value of its kstwobign', () => {
      const both = kolmogorovSmirnov(a, b)
      expectClose(both.statistic, ks)
      expect(both.pValue / pValue).toBeCloseTo(1, 9)
      expect(kolmogorovSmirnov(b, a)).toEqual(both)
    })
  },
)

describe.each(COUNTS_CASES)('counts: $name', expected => {
  const { reference, current } = expected

  it('have the chi-squared test of SciPy', () => {
    const { statistic, degreesOfFreedom, pValue } = chiSquared(reference, current)
    expectClose(statistic, expected.chiSquared)
    expect(degreesOfFreedom).toBe(expected.degreesOfFreedom)
    if (expected.pValue === 0) expect(pValue).toBe(0)
    else expect(pValue / expected.pValue).toBeCloseTo(1, 9)
  })

  it('have the Jensen-Shannon distance of SciPy', () => {
    expectClose(jensenShannonDistance(reference, current), expected.jensenShannon)
    expectClose(jensenShannonDistance(current, reference), expected.jensenShannon)
  })
})

describe('the incomplete gamma function', () => {
  it.each(GAMMA_CASES)('Q(%d, %d) is that of SciPy', (a, x, expected) => {
    expect(upperIncompleteGamma(a, x) / expected).toBeCloseTo(1, 9)
  })

  it('goes from 1 to 0, and is defined nowhere else', () => {
    expect(upperIncompleteGamma(2, 0)).toBe(1)
    expect(upperIncompleteGamma(2, Infinity)).toBe(0)
    for (const [a, x] of [
      [0, 1],
      [-1, 1],
      [1, -1],
      [NaN, 1],
      [1, NaN],
    ] as const)
      expect(() => upperIncompleteGamma(a, x)).toThrow(RangeError)
  })
})

describe('distances', () => {
  it('of numbers are metrics: 0 for equal lists, alike both ways, no shorter by a detour', () => {
    fc.assert(
      fc.property(numbers, numbers, numbers, (a, b, c) => {
        expect(wassersteinDistance(a, a)).toBe(0)
        expect(wassersteinDistance(a, c)).toBeLessThanOrEqual(
          wassersteinDistance(a, b) + wassersteinDistance(b, c) + 1e-9,
        )
        expect(kolmogorovSmirnov(a, a)).toEqual({ statistic: 0, pValue: 1 })
      }),
    )
  })

  it('of numbers move with a shift: Wasserstein by as much, Kolmogorov-Smirnov not in its order', () => {
    fc.assert(
      fc.property(numbers, numbers, fc.integer({ min: -9, max: 9 }), (a, b, shift) => {
        expect(
          wassersteinDistance(
            a,
            a.map(x => x + shift),
          ),
        ).toBeCloseTo(Math.abs(shift), 9)
        const cubes = (list: Float64Array): Float64Array => list.map(x => x ** 3 + x)
        expect(kolmogorovSmirnov(cubes(a), cubes(b))).toEqual(kolmogorovSmirnov(a, b))
      }),
    )
  })

  it('of shares lie between 0 and 1, and do not depend on how many rows there are', () => {
    const counts = fc.array(fc.tuple(fc.nat(50), fc.nat(50)), { minLength: 1, maxLength: 20 })
    fc.assert(
      fc.property(counts, fc.integer({ min: 2, max: 1000 }), (bins, times) => {
        const [p, q] = [bins.map(bin => bin[0] + 1), bins.map(bin => bin[1] + 1)]
        const distance = jensenShannonDistance(p, q)
        expect(distance).toBeGreaterThanOrEqual(0)
        expect(distance).toBeLessThan(1)
        const more = jensenShannonDistance(
          p.map(x => times * x),
          q,
        )
        expect(more).toBeCloseTo(distance, 6)
      }),
    )
    expect(jensenShannonDistance([1, 0], [0, 5])).toBe(1)
  })

  it('refuse what they cannot compare', () => {
    const [none, one] = [new Float64Array(0), sorted([1])]
    for (const distance of [wassersteinDistance, normedWassersteinDistance, kolmogorovSmirnov]) {
      expect(() => distance(none, one)).toThrow(RangeError)
      expect(() => distance(one, none)).toThrow(RangeError)
    }
    for (const compare of [chiSquared, jensenShannonDistance]) {
      expect(() => compare([1, 2], [1])).toThrow(RangeError)
      expect(() => compare([0, 0], [1, 1])).toThrow(RangeError)
      expect(() => compare([1, 1], [0, 0])).toThrow(RangeError)
    }
  })
})

describe('the registry', () => {
  it.each(Object.entries<Statistic>(STATISTICS))(
    '%s says how it is read and where it is from',
    (_, statistic) => {
      expect(statistic.types.length).toBeGreaterThan(0)
      expect(statistic.driftedWhen).toBe(statistic.score === 'p_value' ? 'below' : 'above')
      expect(statistic.threshold).toBeGreaterThan(0)
      expect(statistic.source).toMatch(/\(.*\d{4}\)/)
    },
  )
})
