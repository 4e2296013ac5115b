import { describe, expect, it } from '@jest/globals'
import { MlforgeError } from '../../../domain/errors.js'
import { alertsOf } from '../../../domain/profile/alerts.js'
import { readProfile } from '../../../domain/profile/read-profile.js'
import { column, profile } from './profiles.js'

describe('stored profiles', () => {
  it('of form 2 are what they are', () => {
    const stored = profile([column()])
    expect(readProfile(stored)).toBe(stored)
  })

  it('of before there were forms have null for what was not measured', () => {
    const numeric = { mean: 1, std: 1, quantiles: [1, 1, 1, 1, 1, 1, 1], nan: 0, infinite: 1, zeros: 0 }
    const first = {
      name: 'x',
      type: 'DOUBLE',
      count: 4,
      nulls: 1,
      distinct: 3,
      min: 1,
      max: 2,
      numeric,
      top: [],
    }
    const read = readProfile({
      rows: 5,
      columns: [first, { ...first, name: 's', type: 'VARCHAR', numeric: null }],
    })
    expect(read).toMatchObject({ v: 2, rows: 5, duplicates: null, correlations: null })
    expect(read.columns[0]).toMatchObject({
      ...first,
      kind: 'number',
      histogram: null,
      numeric: { ...numeric, negative: null, skewness: null, kurtosis: null },
    })
    expect(read.columns[1]).toMatchObject({ kind: 'string', text: null, numeric: null })
    expect(alertsOf(read).map(({ kind }) => kind)).toEqual(['missing', 'infinite', 'missing'])
  })

  it('of a form to come are refused', () => {
    expect(() => readProfile({ v: 3 })).toThrow(MlforgeError)
    expect(() => readProfile({ v: 3 })).toThrow(/newer MLForge/)
  })
})
