import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { assessErrors, DEFAULT_BREACH_POLICY } from '../../../domain/drift/breach.js'
import { errorsByQuartile } from '../../../domain/drift/quartiles.js'
import { regressionMetrics } from '../../../domain/training/metrics.js'

const whole = fc.integer({ min: 1, max: 900 })
const rows = fc.array(fc.tuple(fc.option(fc.integer({ min: 0, max: 12 })), whole, whole), {
  minLength: 1,
  maxLength: 80,
})

describe('assessErrors', () => {
  it.each([
    ['healthy', [100, 200], [90, 190], false, ['within +/- 0.2', 'within 0.4']],
    ['too low', [100, 200], [60, 150], true, ['0.300 is beyond', 'within 0.4']],
    ['too high', [100, 200], [130, 250], true, ['-0.267 is beyond', 'within']],
    ['wild but even', [100, 200], [180, 120], true, ['0.000 is within', '0.533 is beyond 0.4']],
    [
      'on both thresholds',
      [100, 100, 100, 100, 100],
      [0, 100, 100, 100, 100],
      false,
      ['0.200 is within', '0.200'],
    ],
    ['just above', [100, 100, 100, 100, 100], [-1, 100, 100, 100, 100], true, ['0.202 is beyond', '0.202']],
  ])('%s', (_what, y, p, breached, messages) => {
    const result = assessErrors(y, p, DEFAULT_BREACH_POLICY)
    expect(result).toMatchObject({ rows: y.length, metrics: regressionMetrics(y, p), breached })
    expect(result.checks.map(check => check.message)).toEqual(
      messages.map(part => expect.stringContaining(part)),
    )
    expect(result.checks.map(check => [check.metric, check.threshold])).toEqual([
      ['relativeBias', 0.2],
      ['wape', 0.4],
    ])
  })

  it('says nothing of labels that sum to 0', () => {
    const result = assessErrors([0, 0], [3, 4])
    expect(result).toMatchObject({ breached: null, metrics: { mae: 3.5 } })
    expect(result.checks[0]).toEqual({
      metric: 'relativeBias',
      observed: null,
      threshold: 0.2,
      breached: false,
      message: 'Relative bias cannot be judged: the labels sum to 0',
    })
  })

  it('reads negative labels like positive ones', () => {
    expect(assessErrors([-100, -100], [-50, -50]).checks.map(check => check.breached)).toEqual([true, true])
  })

  it('never breaches with wider thresholds what is healthy with narrower ones', () => {
    const limit = fc.double({ min: 0, max: 1, noNaN: true })
    fc.assert(
      fc.property(rows, limit, limit, (list, a, b) => {
        const [y, p] = [list.map(row => row[1]), list.map(row => row[2])]
        const breaches = (each: number): boolean =>
          assessErrors(y, p, { maxRelativeBias: each, maxWape: each }).breached!
        expect(breaches(Math.max(a, b)) && !breaches(Math.min(a, b))).toBe(false)
      }),
    )
  })

  it('refuses rows that cannot be scored', () => {
    expect(() => assessErrors([], [])).toThrow(expect.objectContaining({ code: 'label_invalid' }))
    expect(() => assessErrors([1], [NaN])).toThrow(expect.objectContaining({ code: 'label_invalid' }))
  })
})

describe('errorsByQuartile', () => {
  it('shows where a model is wrong', () => {
    const temperature = [1, 2, 3, 4, 5, 6, 7, 8]
    const y = [10, 10, 10, 10, 10, 10, 10, 10]
    const p = [10, 10, 10, 10, 10, 10, 5, 5]
    expect(errorsByQuartile(temperature, y, p)).toEqual([
      { values: { min: 1, max: 2 }, rows: 2, mae: 0, relativeBias: 0, wape: 0 },
      { values: { min: 3, max: 4 }, rows: 2, mae: 0, relativeBias: 0, wape: 0 },
      { values: { min: 5, max: 6 }, rows: 2, mae: 0, relativeBias: 0, wape: 0 },
      { values: { min: 7, max: 8 }, rows: 2, mae: 5, relativeBias: 0.5, wape: 0.5 },
    ])
  })

  it('keeps equal values together and missing ones apart', () => {
    const result = errorsByQuartile([3, 3, 3, 9, null, NaN], [1, 1, 1, 2, 4, 4], [1, 1, 1, 1, 2, 2])
    expect(result.map(({ values, rows: count, relativeBias }) => [values, count, relativeBias])).toEqual([
      [{ min: 3, max: 3 }, 3, 0],
      [{ min: 9, max: 9 }, 1, 0.5],
      [null, 2, 0.5],
    ])
  })

  it('has every row in one group, apart in their values, and adds up to the whole', () => {
    fc.assert(
      fc.property(rows, list => {
        const [column, y, p] = [list.map(row => row[0]), list.map(row => row[1]), list.map(row => row[2])]
        const groups = errorsByQuartile(column, y, p)
        expect(groups.reduce((sum, group) => sum + group.rows, 0)).toBe(list.length)
        const absolute = groups.reduce((sum, group) => sum + group.rows * group.mae, 0)
        expect(absolute / list.length).toBeCloseTo(regressionMetrics(y, p).mae, 9)
        const known = groups.flatMap(group => group.values ?? [])
        known.slice(1).forEach((values, index) => expect(values.min).toBeGreaterThan(known[index]!.max))
        expect(known.length).toBeLessThanOrEqual(4)
      }),
    )
  })

  it('refuses a column of another length', () => {
    expect(() => errorsByQuartile([1], [1, 2], [1, 2])).toThrow(RangeError)
  })
})
