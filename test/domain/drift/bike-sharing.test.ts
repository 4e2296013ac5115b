import { describe, expect, it } from '@jest/globals'
import { readFileSync } from 'node:fs'
import { assessColumn } from '../../../domain/drift/columns.js'
import { numericSample, type NumericSample } from '../../../domain/drift/samples.js'

const csv = readFileSync(
  new URL('../../../../examples/bike-sharing/bike-sharing-hour.csv', import.meta.url),
  'utf8',
)
const [header, ...rows] = csv
  .trim()
  .split(/\r?\n/)
  .map(line => line.split(','))

function january(year: string, column: string): NumericSample {
  const at = header!.indexOf(column)
  const days = rows.filter(row => row[1]!.startsWith('1/') && row[1]!.endsWith(`/${year}`))
  return numericSample(days.map(row => Number(row[at])))
}

describe('January 2012 against January 2011', () => {
  // PSI by NumPy 2.4.6: edges numpy.quantile(reference, [.1, ..., .9], method='inverted_cdf') without
  // duplicates, bins by numpy.searchsorted(edges, values), shares of at least 1e-4.
  it.each([
    ['temp', 'feature', 0.7728, true],
    ['atemp', 'feature', 0.6833, true],
    ['hum', 'feature', 0.1576, false],
    ['windspeed', 'feature', 0.0383, false],
    ['weathersit', 'feature', 0.0136, false],
    ['cnt', 'label', 0.7844, true],
  ] as const)('%s, a %s, has a PSI of %d', (name, role, psi, drifted) => {
    const result = assessColumn({ name, role, type: 'numeric' }, january('2011', name), january('2012', name))
    expect(result).toMatchObject({ status: 'assessed', drifted, rows: { reference: 688, current: 741 } })
    expect(result.status === 'assessed' && result.tests[0]!.score).toBeCloseTo(psi, 4)
  })
})
