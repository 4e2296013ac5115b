import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { parseEventTime } from '../../../domain/drift/event-time.js'
import { DEFAULT_WINDOW_POLICY, windowState } from '../../../domain/drift/window-state.js'
import {
  mondayOf,
  nextWindow,
  previousWindow,
  windowContaining,
  type WindowSpec,
  windowsOverlapping,
} from '../../../domain/drift/windows.js'

const at = parseEventTime
const text = (time: number): string => new Date(time).toISOString()
const HOUR = 3_600_000
const specs: readonly WindowSpec[] = [
  { every: 'month' },
  { every: 'week' },
  { every: 'day' },
  { every: 'fixed', lengthMs: 6 * HOUR },
  { every: 'fixed', lengthMs: 1_234_567, originMs: at('2011-01-01') },
]
const moment = fc.integer({ min: at('1850-01-01'), max: at('2150-01-01') })

describe('event times', () => {
  it.each([
    ['2012-01-31', '2012-01-31T00:00:00.000Z'],
    ['2012-01-31T13:05', '2012-01-31T13:05:00.000Z'],
    ['2012-02-29 23:59:59.1239', '2012-02-29T23:59:59.123Z'],
    ['2012-01-31T13:05:00Z', '2012-01-31T13:05:00.000Z'],
    ['2012-01-01T00:30:00+05:30', '2011-12-31T19:00:00.000Z'],
    ['2011-12-31T23:00:00.5-01:00', '2012-01-01T00:00:00.500Z'],
    [1_328_014_800_000, '2012-01-31T13:00:00.000Z'],
    ['0050-03-01', '0050-03-01T00:00:00.000Z'],
  ])('reads %s', (value, expected) => {
    expect(text(parseEventTime(value))).toBe(expected)
  })

  it.each([
    ...['', 'now', '2012', '2012-02-30', '2011-02-29', '2012-13-01', '2012-00-10', '2012-01-00'],
    ...['2012-01-01T24:00', '2012-01-01T10:60', '2012-01-01T10:00+25:00', '1/31/2012', '2012-01-31T13'],
    ...[NaN, Infinity, 1.5, 8.7e15],
  ])('refuses %p', value => {
    expect(() => parseEventTime(value)).toThrow(expect.objectContaining({ code: 'invalid_request' }))
  })

  it('reads back what toISOString writes', () => {
    fc.assert(fc.property(moment, time => expect(parseEventTime(text(time))).toBe(time)))
  })
})

describe('windows', () => {
  it.each<[WindowSpec, string, string, string, string]>([
    [{ every: 'month' }, '2012-02-29T23:00', '2012-02', '2012-02-01', '2012-03-01'],
    [{ every: 'month' }, '2011-12-31T23:59:59.999', '2011-12', '2011-12-01', '2012-01-01'],
    [{ every: 'day' }, '2012-02-29T23:00', '2012-02-29', '2012-02-29', '2012-03-01'],
    // Examples of ISO 8601: weeks belong to the year of their Thursday.
    [{ every: 'week' }, '2012-01-01T12:00', '2011-W52', '2011-12-26', '2012-01-02'],
    [{ every: 'week' }, '2010-01-03', '2009-W53', '2009-12-28', '2010-01-04'],
    [{ every: 'week' }, '2008-12-29', '2009-W01', '2008-12-29', '2009-01-05'],
    [{ every: 'week' }, '1969-12-29', '1970-W01', '1969-12-29', '1970-01-05'],
    [specs[3]!, '2012-01-31T13:00', '2012-01-31T12:00:00.000Z', '2012-01-31T12:00', '2012-01-31T18:00'],
  ])('of %j at %s is %s', (spec, time, id, start, end) => {
    expect(windowContaining(spec, at(time))).toEqual({ id, start: at(start), end: at(end) })
  })

  it('tile event time: a moment is in one window, whose neighbours meet it', () => {
    fc.assert(
      fc.property(moment, fc.constantFrom(...specs), (time, spec) => {
        const window = windowContaining(spec, time)
        expect(window.start).toBeLessThanOrEqual(time)
        expect(window.end).toBeGreaterThan(time)
        expect(windowContaining(spec, window.start)).toEqual(window)
        expect(windowContaining(spec, window.end - 1)).toEqual(window)
        const next = nextWindow(spec, window)
        expect(next.start).toBe(window.end)
        expect(next.id).not.toBe(window.id)
        expect(previousWindow(spec, next)).toEqual(window)
      }),
    )
  })

  it('of a range cover it without gaps, and none beyond', () => {
    const length = fc.integer({ min: 1, max: 40 * 24 * HOUR })
    fc.assert(
      fc.property(moment, length, fc.constantFrom(...specs.slice(0, 4)), (start, duration, spec) => {
        const end = start + duration
        const windows = windowsOverlapping(spec, { start, end })
        expect(windows[0]!.start).toBeLessThanOrEqual(start)
        expect(windows[0]!.end).toBeGreaterThan(start)
        expect(windows.at(-1)!.start).toBeLessThan(end)
        expect(windows.at(-1)!.end).toBeGreaterThanOrEqual(end)
        windows.slice(1).forEach((window, index) => expect(window.start).toBe(windows[index]!.end))
      }),
    )
    const year = { start: at('2012-01-01'), end: at('2013-01-01') }
    expect(windowsOverlapping({ every: 'month' }, year)).toHaveLength(12)
    expect(windowsOverlapping({ every: 'day' }, year)).toHaveLength(366)
    expect(windowsOverlapping({ every: 'day' }, { start: 5, end: 5 })).toEqual([])
  })

  it('know the Monday of a week, and which years have 53', () => {
    expect(text(mondayOf(2012, 1)!)).toBe('2012-01-02T00:00:00.000Z')
    const long = Array.from({ length: 30 }, (_, index) => 1995 + index).filter(
      year => mondayOf(year, 53) !== null,
    )
    expect(long).toEqual([1998, 2004, 2009, 2015, 2020])
  })

  it.each([0, -1, 1.5, NaN])('refuse a length of %d', lengthMs => {
    expect(() => windowContaining({ every: 'fixed', lengthMs }, 0)).toThrow(
      expect.objectContaining({ code: 'invalid_request' }),
    )
  })
})

describe('the state of a window', () => {
  const window = windowContaining({ every: 'month' }, at('2012-01-15'))

  it.each([
    [741, 741, window.end - 1, 'open', 'ends 2012-02-01T00:00:00.000Z'],
    [741, 741, window.end, 'assessable', '741 of 741'],
    [741, 704, window.end, 'assessable', '704 of 741'],
    [741, 703, window.end, 'waiting_for_labels', 'less than 95 %'],
    [741, 0, window.end, 'waiting_for_labels', 'fewer than 500'],
    [500, 500, window.end, 'assessable', '500 of 500'],
    [510, 499, window.end, 'waiting_for_labels', 'fewer than 500'],
    [499, 499, window.end, 'too_few', '499 rows, fewer than 500'],
    [0, 0, window.end, 'too_few', '0 rows'],
    [0, 0, window.start, 'open', 'ends'],
  ])('%d rows, %d labelled, at %d: %s', (rows, labelled, watermark, state, reason) => {
    expect(windowState(window, { rows, labelled }, watermark)).toEqual({
      state,
      reason: expect.stringContaining(reason),
    })
  })

  it('goes only forward as labels arrive', () => {
    const order = ['waiting_for_labels', 'assessable']
    fc.assert(
      fc.property(fc.integer({ min: 500, max: 3000 }), rows => {
        const states = [0, 0.2, 0.5, 0.9, 0.95, 1].map(share => {
          const labelled = Math.ceil(share * rows)
          return order.indexOf(
            windowState(window, { rows, labelled }, window.end, DEFAULT_WINDOW_POLICY).state,
          )
        })
        expect(states).toEqual([...states].sort())
        expect(states.at(-1)).toBe(1)
      }),
    )
  })

  it('of nothing that needs nothing is assessable', () => {
    const policy = { minLabelled: 0, minLabelledShare: 0.95 }
    expect(windowState(window, { rows: 0, labelled: 0 }, window.end, policy).state).toBe('assessable')
  })
})
