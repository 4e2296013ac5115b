import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { parseEventTime as at } from '../../../domain/drift/event-time.js'
import { type Coverage, type Reference, referenceRows } from '../../../domain/drift/references.js'
import { type TimeRange, windowContaining, type WindowSpec } from '../../../domain/drift/windows.js'

const month: WindowSpec = { every: 'month' }
const range = (start: string, end: string): TimeRange => ({ start: at(start), end: at(end) })
const coverage: Coverage = {
  training: [range('2011-01-01', '2011-11-01')],
  predictions: [range('2011-11-01', '2012-03-10')],
}

/** What is selected, as text. */
function rows(reference: Reference, spec: WindowSpec, time: string, of: Coverage = coverage): unknown {
  const selected = referenceRows(reference, spec, windowContaining(spec, at(time)), of)
  if (selected.status === 'not_assessed') return selected.reason
  const ranges = selected.ranges.map(({ start, end }) =>
    [start, end].map(time => new Date(time).toISOString().slice(0, 10)).join(' '),
  )
  return { ...selected, ranges }
}

const training = (...ranges: string[]): unknown => ({
  status: 'selected',
  from: 'training',
  version: null,
  ranges,
})

describe('references', () => {
  it('select all training rows, of the live or of a pinned version', () => {
    expect(rows({ kind: 'training' }, month, '2012-01-15')).toEqual(training('2011-01-01 2011-11-01'))
    expect(rows({ kind: 'version', version: 3 }, month, '2012-01-15')).toMatchObject({
      from: 'training',
      version: 3,
    })
  })

  it('never compare a window with its own rows', () => {
    expect(rows({ kind: 'training' }, month, '2011-03-15')).toEqual(
      training('2011-01-01 2011-03-01', '2011-04-01 2011-11-01'),
    )
    expect(rows({ kind: 'sameSeason' }, month, '2011-03-15')).toContain('no period like 2011-03')
  })

  it('select the same months of the training data, and none where it has none', () => {
    expect(rows({ kind: 'sameSeason' }, month, '2012-01-15')).toEqual(training('2011-01-01 2011-02-01'))
    expect(rows({ kind: 'sameSeason' }, month, '2012-02-15')).toEqual(training('2011-02-01 2011-03-01'))
    expect(rows({ kind: 'sameSeason' }, month, '2012-11-15')).toBe(
      'the training data has no period like 2012-11',
    )
    const years = { ...coverage, training: [range('2009-06-01', '2012-01-01')] }
    expect(rows({ kind: 'sameSeason' }, month, '2012-03-01', years)).toEqual(
      training('2010-03-01 2010-04-01', '2011-03-01 2011-04-01'),
    )
  })

  it('take a season of which at least half is there, as far as it is', () => {
    const until = (day: string): Coverage => ({ ...coverage, training: [range('2011-01-01', day)] })
    expect(rows({ kind: 'sameSeason' }, month, '2012-06-15', until('2011-06-16'))).toEqual(
      training('2011-06-01 2011-06-16'),
    )
    expect(rows({ kind: 'sameSeason' }, month, '2012-06-15', until('2011-06-15'))).toContain('no period')
  })

  it('know the season of days, weeks and fixed lengths', () => {
    const long = { ...coverage, training: [range('2003-01-01', '2012-01-01')] }
    const leap = rows({ kind: 'sameSeason' }, { every: 'day' }, '2012-02-29', long)
    expect(leap).toEqual(training('2004-02-29 2004-03-01', '2008-02-29 2008-03-01'))
    const week53 = rows({ kind: 'sameSeason' }, { every: 'week' }, '2015-12-30', long)
    expect(week53).toEqual(training('2004-12-27 2005-01-03', '2009-12-28 2010-01-04'))
    const fixed: WindowSpec = { every: 'fixed', lengthMs: 10 * 86_400_000, originMs: at('2012-01-05') }
    expect(rows({ kind: 'sameSeason' }, fixed, '2012-01-20')).toEqual(training('2011-01-15 2011-01-25'))
  })

  it('select the predictions of the windows before', () => {
    expect(rows({ kind: 'trailing', windows: 2 }, month, '2012-03-05')).toEqual({
      status: 'selected',
      from: 'predictions',
      version: null,
      ranges: ['2012-01-01 2012-03-01'],
    })
    expect(rows({ kind: 'trailing', windows: 6 }, month, '2012-01-05')).toMatchObject({
      ranges: ['2011-11-01 2012-01-01'],
    })
    expect(rows({ kind: 'trailing', windows: 2 }, month, '2011-11-05')).toContain('no predictions in the 2')
  })

  it('of no training data select nothing', () => {
    for (const kind of ['training', 'sameSeason'] as const) {
      const none = { training: [], predictions: [] }
      expect(rows({ kind }, month, '2012-01-15', none)).toMatch(/training data/)
    }
  })

  it.each([0, -1, 1.5, NaN])('refuse trailing(%d)', windows => {
    expect(() => rows({ kind: 'trailing', windows }, month, '2012-01-15')).toThrow(
      expect.objectContaining({ code: 'invalid_request' }),
    )
  })

  it('lie within what is covered, outside the window, in order and apart', () => {
    const specs: WindowSpec[] = [month, { every: 'week' }, { every: 'day' }]
    const references: Reference[] = [
      { kind: 'training' },
      { kind: 'sameSeason' },
      { kind: 'trailing', windows: 3 },
    ]
    const time = fc.integer({ min: at('2009-06-01'), max: at('2014-06-01') })
    const holed: Coverage = {
      training: [range('2010-01-01', '2011-04-20'), range('2011-06-01', '2012-11-01')],
      predictions: [range('2011-02-01', '2011-04-20'), range('2011-06-01', '2012-11-01')],
    }
    fc.assert(
      fc.property(
        time,
        fc.constantFrom(...specs),
        fc.constantFrom(...references),
        (moment, spec, reference) => {
          const window = windowContaining(spec, moment)
          const selected = referenceRows(reference, spec, window, holed)
          if (selected.status === 'not_assessed') return
          selected.ranges.forEach((each, index) => {
            expect(each.start).toBeLessThan(each.end)
            expect(each.end <= window.start || each.start >= window.end).toBe(true)
            expect(
              holed[selected.from].some(({ start, end }) => start <= each.start && each.end <= end),
            ).toBe(true)
            if (index > 0) expect(each.start).toBeGreaterThanOrEqual(selected.ranges[index - 1]!.end)
          })
        },
      ),
    )
  })
})
