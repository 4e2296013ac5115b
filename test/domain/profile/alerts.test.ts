import { describe, expect, it } from '@jest/globals'
import { alertsOf } from '../../../domain/profile/alerts.js'
import type { ColumnProfile } from '../../../domain/profile/profile.js'
import { column, numeric, profile, text } from './profiles.js'

const alerts = (...columns: ColumnProfile[]): string[] => alertsOf(profile(columns)).map(({ kind }) => kind)

describe('alerts of a profile', () => {
  it('are none where nothing is odd', () => {
    expect(alerts(column(), text())).toEqual([])
  })

  // Each threshold from both sides.
  it.each<[string, ColumnProfile, readonly string[]]>([
    ['one value', column({ distinct: 1 }), ['constant']],
    ['one value in one row', column({ distinct: 1, count: 1, nulls: 0 }), []],
    ['two values', column({ distinct: 2 }), []],
    ['1 % missing', column({ nulls: 1, count: 99 }), []],
    ['2 % missing', column({ nulls: 2, count: 98 }), ['missing']],
    ['2 % NaN', column({ kind: 'number', numeric: numeric({ nan: 2 }) }), ['missing']],
    ['10 % zeros', column({ numeric: numeric({ zeros: 10 }) }), []],
    ['11 % zeros', column({ numeric: numeric({ zeros: 11 }) }), ['zeros']],
    ['an infinite number', column({ kind: 'number', numeric: numeric({ infinite: 1 }) }), ['infinite']],
    ['a skewness of 20', column({ numeric: numeric({ skewness: -20 }) }), []],
    ['a skewness beyond', column({ numeric: numeric({ skewness: -20.1 }) }), ['skewed']],
    ['every integer once', column({ distinct: 100 }), ['unique']],
    ['every number once', column({ kind: 'number', distinct: 100 }), []],
    ['every integer once, and missing ones', column({ distinct: 99, count: 99, nulls: 1 }), []],
    ['every text once', text({ distinct: 100, imbalance: null }), ['unique']],
    ['50 texts', text({ distinct: 50 }), []],
    ['51 texts', text({ distinct: 51, imbalance: null }), ['high_cardinality']],
    ['texts out of balance', text({ imbalance: 0.51 }), ['imbalance']],
    ['texts just in balance', text({ imbalance: 0.5 }), []],
    ['flags out of balance', text({ kind: 'boolean', imbalance: 0.9 }), ['imbalance']],
    ['integers out of balance', column({ imbalance: 0.9 }), []],
  ])('%s', (_, one, expected) => {
    expect(alerts(one)).toEqual(expected)
  })

  it('tell of duplicates, and of each pair that is correlated once', () => {
    const columns = ['a', 'b', 'c'].map(name => column({ name }))
    const correlations = { columns: ['a', 'b', 'c'], values: [0.7, -0.71, null], sampled: 1, left: 0 }
    expect(alertsOf(profile(columns, { duplicates: 3, correlations }))).toEqual([
      { kind: 'duplicates', column: null, value: 3 },
      { kind: 'high_correlation', column: 'a', value: -0.71, other: 'c' },
    ])
  })

  it('are none of an empty table, nor of what was not measured', () => {
    const empty = column({ count: 0, distinct: 0, histogram: null, top: [] })
    expect(alertsOf(profile([empty], { rows: 0 }))).toEqual([])
    expect(alertsOf(profile([column()], { duplicates: null }))).toEqual([])
  })
})
