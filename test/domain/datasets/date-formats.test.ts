import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import {
  ambiguous,
  candidateFormats,
  DATE_FORMATS,
  formatProblem,
  readDate,
  typeOfFormat,
} from '../../../domain/datasets/date-formats.js'

const two = (value: number): string => String(value).padStart(2, '0')

/** Writes a moment in one of our formats, as strftime does. */
function write(moment: Date, format: string): string {
  const hour = moment.getUTCHours()
  const parts: Record<string, string> = {
    '%Y': String(moment.getUTCFullYear()),
    '%y': two(moment.getUTCFullYear() % 100),
    '%m': two(moment.getUTCMonth() + 1),
    '%d': two(moment.getUTCDate()),
    '%H': two(hour),
    '%I': two(hour % 12 || 12),
    '%M': two(moment.getUTCMinutes()),
    '%S': two(moment.getUTCSeconds()),
    '%f': `${String(moment.getUTCMilliseconds()).padStart(3, '0')}000`,
    '%p': hour < 12 ? 'AM' : 'PM',
  }
  return format.replace(/%./g, specifier => parts[specifier]!)
}

describe('date formats', () => {
  it('reads back what was written, in every format', () => {
    const moments = fc.date({
      min: new Date('1970-01-01T00:00:00Z'),
      max: new Date('2068-12-31T00:00:00Z'),
      noInvalidDate: true,
    })
    fc.assert(
      fc.property(moments, fc.constantFrom(...DATE_FORMATS), (moment, { format, type }) => {
        const read = readDate(write(moment, format), format)!
        expect(read.slice(0, 10)).toBe(moment.toISOString().slice(0, 10))
        if (type === 'timestamp') expect(read.slice(11, 16)).toBe(moment.toISOString().slice(11, 16))
        if (format.includes('%S')) expect(read.slice(17, 19)).toBe(two(moment.getUTCSeconds()))
        expect(typeOfFormat(format)).toBe(type)
        expect(formatProblem(format)).toBeUndefined()
      }),
      { numRuns: 1000 },
    )
  })

  it('takes no day that is not in the calendar', () => {
    expect(readDate('2/29/2011', '%m/%d/%Y')).toBeNull()
    expect(readDate('2/29/2012', '%m/%d/%Y')).toBe('2012-02-29')
    expect(readDate('2/29/1900', '%m/%d/%Y')).toBeNull()
    expect(readDate('13/1/2012', '%m/%d/%Y')).toBeNull()
    expect(readDate('1/2/12', '%m/%d/%Y')).toBeNull()
    expect(readDate('1/2/2012', '%m/%d/%y')).toBeNull()
    expect(readDate('12/31/2011 24:00', '%m/%d/%Y %H:%M')).toBeNull()
  })

  it('knows which formats could be meant', () => {
    const formats = (...values: string[]): string[] => candidateFormats(values).map(({ format }) => format)
    expect(formats('1/2/2012', '1/3/2012')).toEqual(['%m/%d/%Y', '%d/%m/%Y'])
    expect(formats('1/20/2012')).toEqual(['%m/%d/%Y'])
    expect(formats('2012-01-02')).toEqual(['%Y-%m-%d'])
    expect(formats('cat', 'dog')).toEqual([])
  })

  it('tells two readings apart, and says so where they agree so far', () => {
    const formats = candidateFormats(['1/2/2012'])
    expect(ambiguous('day', formats, '1/2/2012').message).toContain(
      '1/2/2012 is 2012-01-02 as %m/%d/%Y and 2012-02-01 as %d/%m/%Y; declare columns.day.format',
    )
    expect(ambiguous('day', formats, '1/1/2012').message).toContain('reads the same')
  })

  it.each([
    ['%m/%d', 'no year'],
    ['%Y', 'lacks'],
    ['%Y-%m-%q', '%q'],
    ['YYYY-MM-DD', 'no year'],
  ])('refuses %s as a format', (format, why) => {
    expect(formatProblem(format)).toContain(why)
  })
})
