import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { learnBaseline, predictBaseline } from '../../../domain/training/baseline.js'
import { regressionMetrics } from '../../../domain/training/metrics.js'
import { compareParity, parityTolerance, repeatTolerance } from '../../../domain/training/parity.js'

// Steps of a thousandth: squares of the tiniest doubles underflow.
const value = fc.integer({ min: -10_000_000, max: 10_000_000 }).map(whole => whole / 1000)
const pairs = fc.array(fc.tuple(value, value), { minLength: 2, maxLength: 60 })

describe('regression metrics', () => {
  it('equal a calculation by hand', () => {
    // errors 1, -1, 3, 1; mean of y 5, total sum of squares 20
    expect(regressionMetrics([2, 4, 6, 8], [1, 5, 3, 7])).toEqual({
      rmse: Math.sqrt(12 / 4),
      mae: 6 / 4,
      wape: 6 / 20,
      relativeBias: 4 / 20,
      r2: 1 - 12 / 20,
    })
  })

  it('leave out the ratios that have no denominator', () => {
    expect(regressionMetrics([0, 0], [1, 2])).toMatchObject({ wape: null, relativeBias: null, r2: null })
    expect(regressionMetrics([5, 5], [5, 6])).toMatchObject({ wape: 0.1, relativeBias: -0.1, r2: null })
  })

  it.each([
    [[], []],
    [[1], [1, 2]],
    [
      [1, NaN],
      [1, 2],
    ],
    [
      [1, 2],
      [1, Infinity],
    ],
  ])('refuse %j against %j', (y, p) => {
    expect(() => regressionMetrics(y, p)).toThrow(expect.objectContaining({ code: 'label_invalid' }))
  })

  it('order their errors, and know a perfect and a constant prediction', () => {
    fc.assert(
      fc.property(pairs, rows => {
        const y = rows.map(row => row[0])
        const p = rows.map(row => row[1])
        const metrics = regressionMetrics(y, p)
        expect(metrics.mae).toBeLessThanOrEqual(metrics.rmse * (1 + 1e-12))
        expect(metrics.rmse).toBeLessThanOrEqual(metrics.mae * Math.sqrt(y.length) * (1 + 1e-12))
        if (metrics.wape !== null) {
          expect(Math.abs(metrics.relativeBias!)).toBeLessThanOrEqual(Math.abs(metrics.wape) * (1 + 1e-12))
        }
        expect(regressionMetrics(y, y)).toMatchObject({ rmse: 0, mae: 0 })
      }),
    )
  })

  it('do not depend on the order of the rows, and scale with the unit', () => {
    const whole = fc.integer({ min: 0, max: 1000 })
    const rows = fc.array(fc.tuple(whole, whole), { minLength: 2, maxLength: 40 })
    fc.assert(
      fc.property(rows, pairsOfWhole => {
        const y = pairsOfWhole.map(row => row[0])
        const p = pairsOfWhole.map(row => row[1])
        const metrics = regressionMetrics(y, p)
        expect(regressionMetrics(y.toReversed(), p.toReversed()).mae).toBeCloseTo(metrics.mae, 9)
        const doubled = regressionMetrics(
          y.map(x => 2 * x),
          p.map(x => 2 * x),
        )
        expect(doubled.rmse).toBeCloseTo(2 * metrics.rmse, 9)
        expect(doubled.wape).toEqual(metrics.wape)
      }),
    )
  })
})

describe('the seasonal baseline', () => {
  it('gives the mean of the group, and of all rows to a group it has not seen', () => {
    const baseline = learnBaseline(['a', 'b', 'a'], [1, 10, 3])
    expect([...predictBaseline(baseline, ['b', 'a', 'c'])]).toEqual([10, 2, 14 / 3])
  })

  it('has no bias on the rows it learned from, and beats the overall mean there', () => {
    const rows = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), value), { minLength: 1 })
    fc.assert(
      fc.property(rows, list => {
        const groups = list.map(row => row[0])
        const y = list.map(row => row[1])
        const baseline = learnBaseline(groups, y)
        const p = predictBaseline(baseline, groups)
        const sum = y.reduce((total, v, row) => total + v - p[row]!, 0)
        expect(Math.abs(sum)).toBeLessThan(1e-6)
        const overall = y.map(() => baseline.overall)
        expect(regressionMetrics(y, p).rmse).toBeLessThanOrEqual(regressionMetrics(y, overall).rmse + 1e-9)
      }),
    )
  })

  it('refuses rows without a target', () => {
    expect(() => learnBaseline(['a'], [])).toThrow(RangeError)
    expect(() => learnBaseline([], [])).toThrow(RangeError)
  })
})

describe('parity', () => {
  const target = Array.from({ length: 101 }, (_, index) => index)

  it('allows 1e-5 of the spread between the 1st and the 99th percentile', () => {
    expect(parityTolerance(target)).toBeCloseTo(98e-5, 12)
    // One wild label must not widen it: NumPy's percentile of this list gives the same.
    expect(parityTolerance([...target.slice(0, 100), 1e9])).toBeCloseTo(98e-5, 12)
    expect(parityTolerance([7])).toBe(0)
    expect(repeatTolerance([-20, 5])).toBeCloseTo(2e-4, 12)
    expect(repeatTolerance([])).toBe(0)
  })

  it('names the largest difference and its row', () => {
    const engine = target.map(x => x + 0.5)
    const exported = engine.with(40, engine[40]! + 0.001)
    expect(compareParity(engine, engine, target)).toMatchObject({
      maxDifference: 0,
      worstRow: null,
      passed: true,
    })
    expect(compareParity(engine, exported, target)).toMatchObject({ rows: 101, worstRow: 41, passed: false })
    expect(compareParity(engine, engine.with(3, engine[3]! - 0.0009), target)).toMatchObject({ passed: true })
  })

  it('never passes something that is not a number', () => {
    for (const bad of [NaN, Infinity]) {
      expect(compareParity(target, target.with(9, bad), target).passed).toBe(false)
      expect(compareParity(target.with(9, bad), target.with(9, bad), target)).toMatchObject({
        maxDifference: null,
        worstRow: 10,
        passed: false,
      })
    }
  })

  it('refuses lists of different lengths', () => {
    expect(() => compareParity([1], [1, 2], [1])).toThrow(RangeError)
  })
})
