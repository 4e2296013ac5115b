import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { assess, combine, type Verdict } from '../../../domain/rollouts/assess.js'
import { sequenceInterval, standardErrors } from '../../../domain/rollouts/confidence-sequence.js'
import { ERROR_GATE, RANK_GATE } from '../../../domain/rollouts/gates.js'
import { isClustered, momentsByKey, varianceOfMean } from '../../../domain/rollouts/moments.js'
import { spearman } from '../../../domain/rollouts/spearman.js'
import { mirrored, moments, split } from './support.js'

const tuning = { alpha: 0.05, tunedAt: 500 }
const number = fc.integer({ min: -1_000_000, max: 1_000_000 }).map(whole => whole / 1000)

describe('the confidence sequence', () => {
  it.each([
    // By hand from the formula: rho^2 = (5.9915 + 1.7903 + 1) / 500.
    [40, 3.9761],
    [500, 3.0354],
    [10_000, 3.351],
  ])('is, after %i units, %d standard errors wide to each side', (time, expected) => {
    expect(standardErrors(time, tuning)).toBeCloseTo(expected, 3)
  })

  it('is narrowest, as an interval, near the time it is tuned for', () => {
    const width = (time: number, tunedAt: number) => standardErrors(time, { alpha: 0.05, tunedAt })
    for (const tunedAt of [50, 500, 5000]) {
      expect(width(500, 500)).toBeLessThanOrEqual(width(500, tunedAt))
    }
  })

  it('is wider than a test that looks once, and grows with confidence', () => {
    const times = fc.integer({ min: 1, max: 1_000_000 })
    const alphas = fc.double({ min: 0.001, max: 0.2, noNaN: true })
    fc.assert(
      fc.property(times, alphas, alphas, (time, one, other) => {
        const [strict, loose] = [Math.min(one, other), Math.max(one, other)]
        const at = (alpha: number) => standardErrors(time, { alpha, tunedAt: time })
        expect(at(strict)).toBeGreaterThanOrEqual(at(loose))
        expect(at(0.05)).toBeGreaterThan(1.96)
      }),
    )
  })

  it('is centred on the estimate', () => {
    const { lower, upper } = sequenceInterval(5, 4, 500, tuning)
    expect((lower + upper) / 2).toBeCloseTo(5, 12)
    expect(upper - lower).toBeCloseTo(4 * standardErrors(500, tuning), 12)
  })
})

describe('momentsByKey', () => {
  const rowOf = (key: string, value: number) => ({ key, value })

  it('counts a key once, by the mean of its rows', () => {
    const found = momentsByKey([rowOf('a', 1), rowOf('b', 10), rowOf('a', 3)])
    expect(found).toEqual({ units: 2, rows: 3, mean: 6, m2: 32 })
    expect(isClustered(found)).toBe(true)
    expect(varianceOfMean(found)).toBe(16)
  })

  it('equals the textbook mean and variance where keys are distinct', () => {
    fc.assert(
      fc.property(fc.array(number, { minLength: 2, maxLength: 60 }), values => {
        const found = momentsByKey(values.map((value, index) => rowOf(`k${index}`, value)))
        const mean = values.reduce((sum, value) => sum + value, 0) / values.length
        const m2 = values.reduce((sum, value) => sum + (value - mean) ** 2, 0)
        expect(found).toMatchObject({ units: values.length, rows: values.length })
        expect(found.mean).toBeCloseTo(mean, 8)
        expect(Math.abs(found.m2 - m2)).toBeLessThanOrEqual(1e-9 * Math.max(1, m2))
        expect(isClustered(found)).toBe(false)
      }),
    )
  })

  it('is not made surer by copies of the same rows', () => {
    const rows = Array.from({ length: 30 }, (_, index) => rowOf(`k${index}`, index))
    const once = momentsByKey(rows)
    const often = momentsByKey([...rows, ...rows, ...rows])
    expect(varianceOfMean(often)).toBeCloseTo(varianceOfMean(once), 12)
    expect(momentsByKey([])).toEqual({ units: 0, rows: 0, mean: 0, m2: 0 })
  })

  it.each([NaN, Infinity])('refuses %d', value => {
    expect(() => momentsByKey([rowOf('a', value)])).toThrow(RangeError)
  })
})

describe('spearman', () => {
  it.each([
    // scipy.stats.spearmanr 1.17.1
    [[1, 2, 3, 4, 5], [5, 6, 7, 8, 7], 0.8207826816681233],
    [[1, 1, 2, 2, 3, 3, 3], [3, 1, 2, 2, 5, 4, 4], 0.8082903768654762],
    [[10, 20, 20, 30, 40, 40, 40, 5], [1, 1, 2, 3, 3, 0, 0, 0], 0.09554333937093655],
    [[0.1, -3, 7, 7, 7, 2, 9, 1e6], [1, 2, 2, 2, 4, 5, 5, -1], -0.025157730271331384],
  ])('of %j and %j equals scipy', (x, y, expected) => {
    expect(spearman(x, y)).toBeCloseTo(expected, 12)
  })

  it('has no answer for a constant or for fewer than 2 values', () => {
    expect(spearman([1, 1, 1], [1, 2, 3])).toBeNull()
    expect(spearman([1], [2])).toBeNull()
    expect(spearman([], [])).toBeNull()
  })

  it('refuses lists of other lengths and what is not finite', () => {
    expect(() => spearman([1], [1, 2])).toThrow(RangeError)
    expect(() => spearman([1, NaN], [1, 2])).toThrow(RangeError)
  })

  it('depends on the order alone: any growing change leaves it, a mirror image negates it', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(number, number), { minLength: 2, maxLength: 40 }), pairs => {
        const [x, y] = [pairs.map(pair => pair[0]), pairs.map(pair => pair[1])]
        const found = spearman(x, y)
        const grown = spearman(
          x.map(value => value ** 3 + value),
          y,
        )
        const negated = spearman(
          x.map(value => -value),
          y,
        )
        if (found === null) return expect([grown, negated]).toEqual([null, null])
        expect(Math.abs(found)).toBeLessThanOrEqual(1)
        expect(grown).toBeCloseTo(found, 12)
        expect(negated).toBeCloseTo(-found, 12)
        expect(spearman(y, x)).toBeCloseTo(found, 12)
      }),
    )
  })
})

describe('the error gate', () => {
  it.each<['better' | 'same' | 'worse', number, Verdict]>([
    ['worse', 200, 'fail'],
    ['worse', 20, 'fail'],
    ['worse', 19, 'inconclusive'],
    ['same', 200, 'inconclusive'],
    ['better', 200, 'pass'],
    ['better', 19, 'inconclusive'],
  ])('on a %s candidate with %i rows', (kind, rows, verdict) => {
    const found = assess(ERROR_GATE, { split: split(1, kind, rows) })
    expect(found).toMatchObject({ verdict, sampleSizes: { stable: 500, candidate: rows } })
    if (rows < 20) expect(found.reason).toContain('19 of at least 20 labelled rows')
  })

  it('gives its evidence', () => {
    const found = assess(ERROR_GATE, { split: split(1, 'better') })
    const variance = 75 ** 2 / 500 + 45 ** 2 / 200
    const radius = standardErrors(700, ERROR_GATE) * Math.sqrt(variance)
    expect(found).toMatchObject({ statistic: -40, threshold: 10 })
    expect(found.interval!.lower).toBeCloseTo(-40 - radius, 9)
    expect(found.interval!.upper).toBeCloseTo(-40 + radius, 9)
  })

  it('passes an equal candidate once there are enough rows, and pays for an uneven split by variance', () => {
    const at = (stable: number, candidate: number) =>
      assess(ERROR_GATE, {
        split: {
          ...split(1, 'same'),
          stable: moments(stable, 100, 75),
          candidate: moments(candidate, 100, 75),
        },
      })
    expect(at(1_500, 1_500).verdict).toBe('pass')
    expect(at(2_700, 300).verdict).toBe('inconclusive')
    expect(at(9_000, 1_000).verdict).toBe('pass')
  })

  it('refuses rows that share too few keys', () => {
    const clusters = (units: number) => ({
      ...split(1, 'worse'),
      candidate: moments(units, 300, 200, 1_000),
    })
    expect(assess(ERROR_GATE, { split: clusters(39) })).toMatchObject({
      verdict: 'inconclusive',
      reason: 'candidate: 39 of at least 40 distinct keys (rows share keys)',
    })
    expect(assess(ERROR_GATE, { split: clusters(40) }).verdict).toBe('fail')
  })

  it('never judges what is missing or not a number', () => {
    expect(assess(ERROR_GATE, {}).verdict).toBe('inconclusive')
    for (const bad of [NaN, Infinity, null as unknown as number]) {
      for (const field of ['mean', 'm2'] as const) {
        for (const arm of ['stable', 'candidate'] as const) {
          const rows = split(1, 'better')
          const broken = { ...rows, [arm]: { ...rows[arm], [field]: bad } }
          expect(assess(ERROR_GATE, { split: broken }).verdict).toBe('inconclusive')
        }
      }
    }
  })

  it('needs far fewer mirrored rows, since both versions see the same', () => {
    const gate = { ...ERROR_GATE, on: 'mirrored' as const }
    expect(assess(gate, {}).verdict).toBe('inconclusive')
    expect(assess(gate, { split: split(1, 'better') }).verdict).toBe('inconclusive')
    expect(assess(gate, { mirrored: mirrored(1, 'better', 20) }).verdict).toBe('pass')
    expect(assess(gate, { mirrored: mirrored(1, 'worse', 20) }).verdict).toBe('fail')
    expect(assess(gate, { mirrored: mirrored(1, 'same') })).toMatchObject({
      verdict: 'pass',
      sampleSizes: { pairs: 100 },
    })
  })

  it('does not depend on the unit of the target', () => {
    const mean = fc.double({ min: 1, max: 1e4, noNaN: true })
    const units = fc.integer({ min: 20, max: 5_000 })
    fc.assert(
      fc.property(
        mean,
        mean,
        units,
        units,
        fc.double({ min: 1e-3, max: 1e3, noNaN: true }),
        (s, c, n, m, unit) => {
          const at = (scale: number) =>
            assess(ERROR_GATE, {
              split: {
                fromRevision: 1,
                rowsHash: '',
                stable: moments(n, s * scale, s * scale),
                candidate: moments(m, c * scale, c * scale),
              },
            }).verdict
          expect(at(unit)).toBe(at(1))
        },
      ),
    )
  })
})

describe('the rank gate', () => {
  const at = (pairs: number, correlation: number | null) =>
    assess(RANK_GATE, { mirrored: { ...mirrored(1, 'same', pairs), correlation } })

  it.each<[number, number | null, Verdict]>([
    [29, 0.1, 'inconclusive'],
    [30, 0.1, 'fail'],
    [30, 0.4999, 'fail'],
    [30, 0.5, 'pass'],
    [30, -1, 'fail'],
    [1_000, null, 'inconclusive'],
    [1_000, NaN, 'inconclusive'],
  ])('over %i pairs with %d', (pairs, correlation, verdict) => {
    expect(at(pairs, correlation)).toMatchObject({ verdict, sampleSizes: { pairs } })
  })

  it('says nothing without mirrored rows', () => {
    expect(assess(RANK_GATE, {})).toMatchObject({ verdict: 'inconclusive', sampleSizes: { pairs: 0 } })
  })
})

describe('combine', () => {
  it('fails with any, passes with all, and never passes nothing', () => {
    const verdicts = fc.array(fc.constantFrom<Verdict>('pass', 'fail', 'inconclusive'), { maxLength: 4 })
    fc.assert(
      fc.property(verdicts, list => {
        const base = assess(RANK_GATE, {})
        const combined = combine(list.map(verdict => ({ ...base, verdict })))
        expect(combined === 'fail').toBe(list.includes('fail'))
        expect(combined === 'pass').toBe(list.length > 0 && list.every(verdict => verdict === 'pass'))
      }),
    )
  })
})
