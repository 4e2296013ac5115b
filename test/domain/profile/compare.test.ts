import { describe, expect, it } from '@jest/globals'
import * as fc from 'fast-check'
import { compareProfiles } from '../../../domain/profile/compare.js'
import type { ColumnProfile } from '../../../domain/profile/profile.js'
import { column, numeric, profile, text } from './profiles.js'

const distance = (from: ColumnProfile, to: ColumnProfile) =>
  compareProfiles(profile([from]), profile([to])).columns[0]!.distance

describe('two profiles compared', () => {
  it('have no distance to themselves', () => {
    const columns = [column(), text(), column({ name: 'empty', histogram: null })]
    const { columns: found, alerts } = compareProfiles(profile(columns), profile(columns))
    expect(found.map(({ name, change }) => [name, change])).toEqual([
      ['x', 'kept'],
      ['colour', 'kept'],
      ['empty', 'kept'],
    ])
    expect(found.map(one => one.distance)).toEqual([
      { of: 'histogram', psi: 0, jensenShannon: 0, shift: 'none' },
      { of: 'values', psi: 0, jensenShannon: 0, shift: 'none' },
      null,
    ])
    expect(alerts).toEqual({ appeared: [], gone: [] })
  })

  it('tell what came, what went, what has another type, and what is now alerted of', () => {
    const from = profile([column(), text(), column({ name: 'old', distinct: 1 })])
    const to = profile(
      [text({ name: 'x' }), text({ distinct: 60, imbalance: null }), column({ name: 'new' })],
      {
        rows: 200,
      },
    )
    const { columns, rows, alerts } = compareProfiles(from, to)
    expect(rows).toEqual({ from: 100, to: 200 })
    expect(columns.map(({ name, change }) => [name, change])).toEqual([
      ['x', 'retyped'],
      ['colour', 'kept'],
      ['new', 'added'],
      ['old', 'removed'],
    ])
    expect(columns[0]).toMatchObject({ type: { from: 'BIGINT', to: 'VARCHAR' }, distance: null })
    expect(columns[2]).toMatchObject({ distinct: { from: null, to: 10 }, missing: { from: null, to: 0 } })
    expect(alerts).toEqual({
      appeared: [{ kind: 'high_cardinality', column: 'colour', value: 60 }],
      gone: [{ kind: 'constant', column: 'old', value: 1 }],
    })
  })

  it('measure numbers in bins of another width, by hand', () => {
    // 40 and 60 of 100 in [0, 8) and [8, 16), against 60 and 40.
    const from = column({ histogram: { exponent: 3, first: 0, counts: [40, 60] } })
    const to = column({ kind: 'number', histogram: { exponent: 2, first: 0, counts: [50, 10, 0, 40] } })
    const psi = 0.2 * Math.log(0.6 / 0.4) - 0.2 * Math.log(0.4 / 0.6)
    const found = distance(from, to)!
    expect(found.psi).toBeCloseTo(psi, 12)
    expect(found).toMatchObject({ of: 'histogram', shift: 'moderate' })
  })

  it('measure texts by the values known on both sides, and by their lengths past 50', () => {
    const other = text({
      top: [
        { value: 'red', count: 10 },
        { value: 'blue', count: 90 },
      ],
    })
    expect(distance(text(), other)).toMatchObject({ of: 'values', shift: 'large' })
    const many = text({ distinct: 70, histogram: { exponent: 0, first: 3, counts: [60, 0, 40] } })
    expect(distance(many, many)).toEqual({ of: 'lengths', psi: 0, jensenShannon: 0, shift: 'none' })
  })

  it('is not hidden by values beyond the ten that are listed', () => {
    const listed = (names: readonly string[], count: number): ColumnProfile =>
      text({ distinct: 20, count: 200, top: names.map(value => ({ value, count })) })
    const letters = [...'abcdefghij']
    // 100 of 200 rows listed on either side; b to j on both, a and k unknown on one.
    const found = distance(listed(letters, 10), listed([...letters.slice(1), 'k'], 10))
    expect(found).toMatchObject({ of: 'values', psi: 0 })
  })

  it('is symmetric, and between 0 and 1 by Jensen and Shannon', () => {
    const counts = fc.array(fc.integer({ min: 0, max: 50 }), { minLength: 1, maxLength: 64 })
    const histogram = fc.record({
      exponent: fc.integer({ min: -10, max: 10 }),
      first: fc.integer({ min: -100, max: 100 }),
      counts: counts.filter(all => all.some(one => one > 0)),
    })
    fc.assert(
      fc.property(histogram, histogram, (a, b) => {
        const there = distance(column({ histogram: a }), column({ histogram: b }))!
        const back = distance(column({ histogram: b }), column({ histogram: a }))!
        expect(there.psi).toBeCloseTo(back.psi, 9)
        expect(there.jensenShannon).toBeCloseTo(back.jensenShannon, 9)
        expect(there.jensenShannon).toBeGreaterThanOrEqual(0)
        expect(there.jensenShannon).toBeLessThanOrEqual(1)
      }),
    )
  })

  it('takes quantiles and means from either side', () => {
    const to = column({ numeric: numeric({ mean: 6, std: 1 }) })
    expect(compareProfiles(profile([column()]), profile([to])).columns[0]).toMatchObject({
      mean: { from: 4.5, to: 6 },
      std: { from: 2.9, to: 1 },
      quantiles: { from: [0, 0, 2, 4.5, 7, 9, 9] },
    })
  })
})
