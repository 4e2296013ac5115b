import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { findLeak } from '../../../domain/datasets/leakage.js'
import { permutation } from '../../../domain/datasets/permutation.js'

/** Numbers without pattern, from the seeded shuffle. */
const noise = (n: number, seed: number): number[] => [...permutation(n, seed)].map(value => value / n)

describe('leakage', () => {
  const [a, b, c, d] = [1, 2, 3, 4].map(seed => noise(500, seed)) as [number[], number[], number[], number[]]

  it('finds the features that determine the target, alone or together, and no others', () => {
    fc.assert(
      fc.property(
        fc
          .array(fc.integer({ min: -50, max: 50 }), { minLength: 4, maxLength: 4 })
          .filter(list => list.some(w => w !== 0)),
        fc.integer({ min: -1000, max: 1000 }),
        (weights, intercept) => {
          const columns = [a, b, c, d]
          const target = a.map((_, i) =>
            columns.reduce((sum, column, j) => sum + weights[j]! * column[i]!, intercept),
          )
          const leak = findLeak(['a', 'b', 'c', 'd'], columns, target)!
          const strongest = Math.max(...weights.map(Math.abs))
          // A weight that matters less than the threshold may be left out.
          if (weights.every(w => w === 0 || Math.abs(w) > strongest / 20)) {
            expect([...leak.features].sort()).toEqual(['a', 'b', 'c', 'd'].filter((_, j) => weights[j] !== 0))
            leak.features.forEach(name =>
              expect(leak.coefficients[name]).toBeCloseTo(weights['abcd'.indexOf(name)]!, 6),
            )
            expect(leak.intercept).toBeCloseTo(intercept, 5)
          }
        },
      ),
    )
  })

  it('sees nothing in unrelated, noisy or constant features', () => {
    const noisy = a.map((value, i) => value + 0.02 * d[i]!)
    expect(findLeak(['b', 'c'], [b, c], a)).toBeNull()
    expect(findLeak(['a'], [a], noisy)).toBeNull()
    expect(findLeak(['one'], [a.map(() => 1)], a)).toBeNull()
    expect(findLeak([], [], a)).toBeNull()
  })

  it('names one of two equal features', () => {
    expect(findLeak(['b', 'a', 'copy'], [b, a, [...a]], a)?.features).toEqual(['a'])
  })

  it('leaves out rows with missing values, and says nothing of too few', () => {
    const holes = a.map((value, i) => (i % 3 === 0 ? NaN : value))
    expect(findLeak(['a'], [holes], a)?.features).toEqual(['a'])
    expect(findLeak(['a', 'b'], [a.slice(0, 10), b.slice(0, 10)], c.slice(0, 10))).toBeNull()
  })
})

describe('permutation', () => {
  it('is a permutation, the same for the same seed', () => {
    fc.assert(
      fc.property(fc.nat(300), fc.nat(0xffffffff), (n, seed) => {
        const result = permutation(n, seed)
        expect([...result].sort((x, y) => x - y)).toEqual(Array.from({ length: n }, (_, i) => i))
        expect(permutation(n, seed)).toEqual(result)
      }),
    )
  })

  it('spreads evenly over all orders', () => {
    const counts = new Map<string, number>()
    for (let seed = 0; seed < 24_000; seed++) {
      const key = permutation(4, seed).join('')
      counts.set(key, (counts.get(key) ?? 0) + 1)
    }
    expect(counts.size).toBe(24)
    const chiSquared = [...counts.values()].reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0)
    expect(chiSquared).toBeLessThan(49.7) // 23 degrees of freedom, p = 0.001
  })

  it.each([-1, 1.5, 2 ** 32, NaN])('refuses the seed %d', seed => {
    expect(() => permutation(3, seed)).toThrow(RangeError)
  })
})
