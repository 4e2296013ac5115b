import { describe, expect, it } from '@jest/globals'
import {
  assessColumn,
  type ColumnRole,
  type DriftColumn,
  sampleTypeOf,
  testsFor,
} from '../../../domain/drift/columns.js'
import { categoricalSample, numericSample } from '../../../domain/drift/samples.js'

const numeric = (role: ColumnRole = 'feature'): DriftColumn => ({ name: 'temp', role, type: 'numeric' })
const categorical: DriftColumn = { name: 'weather', role: 'feature', type: 'categorical' }
const ten = numericSample([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
const shifted = numericSample([11, 12, 13, 14, 15, 16, 17, 18, 19, 20])

describe('testsFor', () => {
  it.each<[ColumnRole, DriftColumn['type'], string[]]>([
    ['feature', 'numeric', ['psi', 'jensen_shannon', 'wasserstein', 'kolmogorov_smirnov']],
    ['prediction', 'numeric', ['psi', 'jensen_shannon', 'wasserstein', 'kolmogorov_smirnov']],
    ['label', 'numeric', ['psi', 'jensen_shannon', 'wasserstein', 'kolmogorov_smirnov']],
    ['feature', 'categorical', ['psi', 'jensen_shannon', 'chi_squared']],
    ['label', 'categorical', ['psi', 'jensen_shannon', 'chi_squared']],
    ['time', 'numeric', []],
    ['time', 'categorical', []],
  ])('a %s that is %s', (role, type, tests) => {
    expect(testsFor({ name: 'x', role, type })).toEqual(tests)
  })

  it('compares by the type of the column, and no moments', () => {
    const types = ['integer', 'number', 'string', 'boolean', 'date', 'timestamp'] as const
    expect(types.map(sampleTypeOf)).toEqual(['numeric', 'numeric', 'categorical', 'categorical', null, null])
  })
})

describe('assessColumn', () => {
  it('finds nothing between equal samples', () => {
    const result = assessColumn(numeric(), ten, ten)
    expect(result).toMatchObject({ status: 'assessed', drifted: false, rows: { reference: 10, current: 10 } })
    expect(result.status === 'assessed' && result.tests.map(test => [test.statistic, test.score])).toEqual([
      ['psi', 0],
      ['jensen_shannon', 0],
      ['wasserstein', 0],
      ['kolmogorov_smirnov', 1],
    ])
  })

  it('finds a shift with every test, and says how far from the threshold', () => {
    const result = assessColumn(numeric(), ten, shifted)
    expect(result.status === 'assessed' && result.tests.filter(test => !test.drifted)).toEqual([])
    expect(result).toMatchObject({ drifted: true, tests: [{ threshold: 0.25 }, {}, {}, { value: 1 }] })
  })

  it('compares categories, the unseen and the missing', () => {
    const result = assessColumn(categorical, categoricalSample('aabb'), categoricalSample(['x', null, 'a']))
    expect(result).toMatchObject({ status: 'assessed', drifted: true })
    expect(result.status === 'assessed' && result.bins.map(bin => bin.current)).toEqual([1, 0, 1, 1])
  })

  it('lets the first test decide, whatever the others find', () => {
    const loose = assessColumn(numeric(), ten, shifted, { psi: 100 })
    expect(loose).toMatchObject({ drifted: false, tests: [{ drifted: false }, { drifted: true }, {}, {}] })
  })

  it('gives no score where there is none, with the reason', () => {
    expect(assessColumn(numeric(), numericSample([3, 3, 3]), ten)).toMatchObject({
      drifted: true,
      tests: [{}, {}, { score: null, drifted: false, reason: 'the reference is constant' }, {}],
    })
    const reason = 'every value of the reference or of the window is missing'
    expect(assessColumn(numeric(), ten, numericSample([null]))).toMatchObject({
      drifted: true,
      tests: [{}, {}, { score: null, reason }, { score: null, reason }],
    })
  })

  it.each([
    ['a column that says when', numeric('time'), ten, ten, 'not_tested', 'differs by definition'],
    ['no reference', numeric(), { absent: 'no November' }, ten, 'not_assessed', 'no November'],
    ['an empty reference', numeric(), numericSample([]), ten, 'not_assessed', 'the reference has no rows'],
    ['an empty window', numeric(), ten, numericSample([]), 'not_assessed', 'the window has no rows'],
  ])('does not assess %s', (_what, column, reference, current, status, reason) => {
    const result = assessColumn(column, reference, current)
    expect(result).toMatchObject({ column: 'temp', status, reason: expect.stringContaining(reason) })
  })

  it('refuses samples of another type', () => {
    expect(() => assessColumn(numeric(), categoricalSample('a'), ten)).toThrow(RangeError)
    expect(() => assessColumn(categorical, categoricalSample('a'), ten)).toThrow(RangeError)
  })

  it('gives a result that is JSON', () => {
    for (const current of [shifted, numericSample([null]), numericSample([])]) {
      const result = assessColumn(numeric(), numericSample([3, 3]), current)
      expect(JSON.parse(JSON.stringify(result))).toEqual(result)
    }
  })
})
