import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { categoricalSample, numericSample, rowsOf, type Sample } from '../../../domain/drift/samples.js'
import { binned, quantileEdges } from '../../../domain/drift/statistics/bins.js'
import { populationStabilityIndex } from '../../../domain/drift/statistics/psi.js'

const psi = (reference: Sample, current: Sample): number =>
  populationStabilityIndex(binned(reference, current))

const whole = fc.integer({ min: -50, max: 50 })
const values = fc.array(fc.option(whole, { freq: 8 }), { minLength: 1, maxLength: 80 })
const letters = fc.array(fc.constantFrom('a', 'b', 'c', null), { minLength: 1, maxLength: 40 })
const oneToHundred = Array.from({ length: 100 }, (_, index) => index + 1)

describe('bins', () => {
  it('of a hundred numbers hold ten each, and are open at both ends', () => {
    const bins = binned(numericSample(oneToHundred), numericSample([-1e9, 10, 11, 1e9, null, NaN]))
    expect(bins.map(bin => bin.label)).toEqual([
      '<= 10',
      ...[10, 20, 30, 40, 50, 60, 70, 80].map(edge => `> ${edge}, <= ${edge + 10}`),
      '> 90',
      'missing',
    ])
    expect(bins.map(bin => bin.reference)).toEqual([...Array<number>(10).fill(10), 0])
    expect(bins.map(bin => bin.current)).toEqual([2, 1, 0, 0, 0, 0, 0, 0, 0, 1, 2])
  })

  it('merge equal edges, and keep a value that fills the first bins apart from what falls below it', () => {
    const labels = (reference: number[], current: number[]): string[] =>
      binned(numericSample(reference), numericSample(current)).map(
        bin => `${bin.label}: ${bin.reference}/${bin.current}`,
      )
    expect(labels([7, 7, 7], [6, 7, 8])).toEqual(['< 7: 0/1', '= 7: 3/1', '> 7: 0/1', 'missing: 0/0'])
    const ten = [0, 1, ...Array<number>(8).fill(2)]
    expect(labels(ten, [-1, 2, 3])).toEqual([
      '<= 0: 1/1',
      '> 0, <= 1: 1/0',
      '> 1, <= 2: 8/1',
      '> 2: 0/1',
      'missing: 0/0',
    ])
    expect(labels([], [1])).toEqual(['any: 0/1', 'missing: 0/0'])
  })

  it('of categories are those of the reference, one for all others, one for missing', () => {
    const bins = binned(
      categoricalSample(['b', 'a', 'b', null]),
      categoricalSample(['a', 'x', 'y', '', undefined]),
    )
    expect(bins).toEqual([
      { kind: 'category', label: 'a', reference: 1, current: 1 },
      { kind: 'category', label: 'b', reference: 2, current: 0 },
      { kind: 'unseen', label: 'unseen', reference: 0, current: 3 },
      { kind: 'missing', label: 'missing', reference: 1, current: 1 },
    ])
  })

  it('count every row once', () => {
    fc.assert(
      fc.property(values, values, (a, b) => {
        const [reference, current] = [numericSample(a), numericSample(b)]
        const bins = binned(reference, current)
        expect(bins.reduce((sum, bin) => sum + bin.reference, 0)).toBe(rowsOf(reference))
        expect(bins.reduce((sum, bin) => sum + bin.current, 0)).toBe(b.length)
      }),
    )
  })

  it('have edges with at least their share of the values at or below them, and less without', () => {
    fc.assert(
      fc.property(fc.array(whole, { minLength: 1 }), fc.integer({ min: 2, max: 12 }), (list, bins) => {
        const sorted = Float64Array.from(list).sort()
        quantileEdges(sorted, bins).forEach((edge, index) => {
          const share = (index + 1) / bins
          expect(sorted.filter(value => value <= edge).length / list.length).toBeGreaterThanOrEqual(
            share - 1e-12,
          )
          expect(sorted.filter(value => value < edge).length / list.length).toBeLessThan(share)
        })
      }),
    )
  })

  it('are not made of samples of two types', () => {
    expect(() => binned(numericSample([1]), categoricalSample(['1']))).toThrow(RangeError)
    expect(() => binned(categoricalSample(['1']), numericSample([1]))).toThrow(RangeError)
  })
})

describe('the population stability index', () => {
  it('equals a calculation by hand', () => {
    const [even, uneven] = [categoricalSample('aabb'), categoricalSample('abbb')]
    expect(psi(even, uneven)).toBeCloseTo(0.25 * Math.log(3), 12)
  })

  it('takes an empty bin for one of a share of 1e-4', () => {
    const gone = (1 - 1e-4) * Math.log(1e4)
    expect(psi(categoricalSample('a'), categoricalSample('x'))).toBeCloseTo(2 * gone, 12)
    expect(psi(numericSample([7, 7, 7]), numericSample([3, 3]))).toBeCloseTo(2 * gone, 12)
    expect(psi(numericSample([7, 7, 7]), numericSample([9]))).toBeCloseTo(2 * gone, 12)
    expect(psi(numericSample([1, 2]), numericSample([null]))).toBeGreaterThan(gone)
  })

  it('is 0 for the same values in any order, and never less', () => {
    fc.assert(
      fc.property(values, values, letters, letters, (a, b, c, d) => {
        expect(psi(numericSample(a), numericSample(a.toReversed()))).toBe(0)
        expect(psi(categoricalSample(c), categoricalSample(c.toReversed()))).toBe(0)
        expect(psi(numericSample(a), numericSample(b))).toBeGreaterThanOrEqual(0)
        expect(psi(categoricalSample(c), categoricalSample(d))).toBeGreaterThanOrEqual(0)
      }),
    )
  })

  it('is alike both ways over the same categories', () => {
    fc.assert(
      fc.property(letters, letters, (c, d) => {
        const [one, other] = [categoricalSample([...c, ...'abc']), categoricalSample([...d, ...'abc'])]
        expect(psi(one, other)).toBeCloseTo(psi(other, one), 12)
      }),
    )
  })

  it('does not see an increasing transform of a numeric column', () => {
    const transforms = [(x: number) => 3 * x - 7, (x: number) => x ** 3 + x, (x: number) => Math.exp(x / 9)]
    fc.assert(
      fc.property(values, values, fc.constantFrom(...transforms), (a, b, transform) => {
        const moved = (list: (number | null)[]): Sample =>
          numericSample(list.map(x => (x === null ? null : transform(x))))
        expect(psi(moved(a), moved(b))).toBe(psi(numericSample(a), numericSample(b)))
      }),
    )
  })

  it('refuses shares of no rows', () => {
    expect(() => psi(numericSample([]), numericSample([1]))).toThrow(RangeError)
    expect(() => psi(numericSample([1]), numericSample([]))).toThrow(RangeError)
  })
})
