import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { PARTITION_UNITS, type TimePartitions } from '../../../domain/assets/definition.js'
import { endedWindows, shifted, windowOf, windowsBetween } from '../../../domain/assets/windows.js'
import { dayAt, formatDay, offsetAt, startOfDay } from '../../../domain/assets/zones.js'

const HOUR = 3_600_000
const ZONES = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'America/Havana', // goes back at 01:00 to midnight: its day begins twice
  'America/Sao_Paulo', // until 2019 midnight was skipped in spring
  'America/St_Johns', // once changed a minute after midnight
  'Asia/Kathmandu', // 5:45 ahead
  'Australia/Lord_Howe', // changes by half an hour
  'Pacific/Apia', // had no 30 December 2011
]
const day = (zone: string, unit: TimePartitions['unit'] = 'day'): TimePartitions => ({
  ...{ type: 'time', unit, start: '2000-01-01', timeZone: zone },
})
const iso = (instant: number) => new Date(instant).toISOString()
const hoursOf = (zone: string, key: string) => {
  const { start, end } = windowOf(day(zone), key)!
  return (end - start) / HOUR
}
const instants = fc.integer({ min: Date.UTC(2000, 1, 1), max: Date.UTC(2035, 0, 1) })
const zones = fc.constantFrom(...ZONES)
const units = fc.constantFrom(...PARTITION_UNITS)

describe('windows of time', () => {
  it.each([
    ['Europe/Berlin', '2026-03-29', 23],
    ['Europe/Berlin', '2026-03-30', 24],
    ['Europe/Berlin', '2026-10-25', 25],
    ['America/Sao_Paulo', '2018-11-04', 23],
    ['America/Havana', '2025-11-02', 25],
    ['Australia/Lord_Howe', '2026-04-05', 24.5],
    ['UTC', '2026-03-29', 24],
  ])('in %s have on %s %d hours', (zone, key, hours) => {
    expect(hoursOf(zone, key)).toBe(hours)
  })

  it('begin where a skipped midnight would have been, and are none for a date that was left out', () => {
    expect(iso(windowOf(day('America/Sao_Paulo'), '2018-11-04')!.start)).toBe('2018-11-04T03:00:00.000Z')
    expect(windowOf(day('Pacific/Apia'), '2011-12-29')).not.toBeNull()
    expect(windowOf(day('Pacific/Apia'), '2011-12-30')).toBeNull()
  })

  it('tell the same hour of a long day apart by its offset', () => {
    const berlin = day('Europe/Berlin', 'hour')
    const { start, end } = windowOf(day('Europe/Berlin'), '2026-10-25')!
    const keys = Array.from(windowsBetween(berlin, start, end), ({ key }) => key)
    expect(keys).toHaveLength(25)
    expect(keys.slice(1, 5)).toEqual([
      '2026-10-25T01:00+02:00',
      '2026-10-25T02:00+02:00',
      '2026-10-25T02:00+01:00',
      '2026-10-25T03:00+01:00',
    ])
  })

  it.each([
    ['2020-12-31', '2020-W53'],
    ['2021-01-03', '2020-W53'],
    ['2021-01-04', '2021-W01'],
    ['2024-12-30', '2025-W01'],
  ])('put %s into week %s', (date, key) => {
    const [week] = windowsBetween(day('UTC', 'week'), Date.parse(date), Date.parse(date) + 1)
    expect(week?.key).toBe(key)
  })

  it('begin on the start or later, end by the end, and are there once they have ended', () => {
    const weeks: TimePartitions = { ...day('UTC', 'week'), start: '2026-01-01', end: '2026-01-26' }
    const keys = (now: string) => Array.from(endedWindows(weeks, Date.parse(now)), ({ key }) => key)
    expect(keys('2027-01-01')).toEqual(['2026-W02', '2026-W03', '2026-W04'])
    expect(keys('2026-01-18T23:59:59Z')).toEqual(['2026-W02'])
    expect(keys('2026-01-19T00:00:00Z')).toEqual(['2026-W02', '2026-W03'])
  })

  it('follow each other without a gap or an overlap, and are found by their keys', () => {
    fc.assert(
      fc.property(zones, units, instants, fc.integer({ min: 1, max: 90 }), (zone, unit, from, count) => {
        const partitions = day(zone, unit)
        const span = { hour: HOUR, day: 24 * HOUR, week: 168 * HOUR, month: 720 * HOUR }[unit]
        const windows = Array.from(windowsBetween(partitions, from, from + count * span))
        expect(windows.length).toBeGreaterThan(0)
        expect(windows[0]!.start).toBeLessThanOrEqual(from)
        expect(windows.at(-1)!.end).toBeGreaterThanOrEqual(from + count * span)
        for (const [i, window] of windows.entries()) {
          expect(window.end).toBeGreaterThan(window.start)
          if (i > 0) expect(window.start).toBe(windows[i - 1]!.end)
          expect(windowOf(partitions, window.key)).toEqual(window)
        }
        expect(new Set(windows.map(({ key }) => key)).size).toBe(windows.length)
      }),
      { numRuns: 60 },
    )
  })

  it('hold each instant of the date that clocks show then', () => {
    fc.assert(
      fc.property(zones, instants, (zone, instant) => {
        const date = dayAt(zone, instant)
        expect(formatDay(date)).toBe(iso(instant + offsetAt(zone, instant)).slice(0, 10))
        const [window] = windowsBetween(day(zone), instant, instant + 1)
        expect(window!.start).toBeLessThanOrEqual(instant)
        expect(window!.end).toBeGreaterThan(instant)
        // Only where clocks are set back over midnight an instant of the date before is in its window.
        expect(dayAt(zone, startOfDay(zone, date))).toBe(date)
      }),
    )
  })

  it('are moved by whole windows, and an empty one is none', () => {
    const partitions = day('Europe/Berlin')
    const window = windowOf(partitions, '2026-03-30')!
    const { start, end } = shifted(partitions, window, -2, 0)!
    expect([iso(start), iso(end)]).toEqual(['2026-03-27T23:00:00.000Z', '2026-03-30T22:00:00.000Z'])
    expect(shifted(partitions, window, 1, 0)).toBeNull()
    fc.assert(
      fc.property(
        zones,
        fc.constantFrom('day', 'week', 'month'),
        instants,
        fc.integer({ min: -30, max: 30 }),
        (zone, unit, instant, offset) => {
          const each = day(zone, unit as TimePartitions['unit'])
          const [first] = windowsBetween(each, instant, instant + 1)
          const there = shifted(each, first!, offset, offset)!
          const back = shifted(each, { key: '', ...there }, -offset, -offset)
          // A date that a zone has left out is passed on one way, and may be met on the other.
          if (zone !== 'Pacific/Apia') expect(back).toEqual({ start: first!.start, end: first!.end })
        },
      ),
    )
  })
})
