import type { PartitionUnit, TimePartitions } from './definition.js'
import { dayAt, formatDay, formatHour, parseDay, startOfDay } from './zones.js'

const HOUR_MS = 3_600_000
/** 1970-01-01 was a Thursday. */
const MONDAY = 4

/** A partition of time: epoch milliseconds, the end is not in it. */
export interface Window {
  readonly key: string
  readonly start: number
  readonly end: number
}

/** The first day of the period that a day is in. */
function periodOf(unit: Exclude<PartitionUnit, 'hour'>, day: number): number {
  if (unit === 'day') return day
  if (unit === 'week') return day - ((((day - MONDAY) % 7) + 7) % 7)
  return parseDay(`${formatDay(day).slice(0, 7)}-01`)!
}

function nextPeriod(unit: Exclude<PartitionUnit, 'hour'>, first: number): number {
  if (unit === 'day') return first + 1
  return unit === 'week' ? first + 7 : periodOf('month', first + 31)
}

/** `2026-01-31`, `2026-W05` (ISO 8601, section 5.2.3), `2026-01`. */
function keyOf(unit: Exclude<PartitionUnit, 'hour'>, first: number): string {
  if (unit === 'day') return formatDay(first)
  if (unit === 'month') return formatDay(first).slice(0, 7)
  // A week is of the year that its Thursday is in.
  const thursday = first + 3
  const year = formatDay(thursday).slice(0, 4)
  const week = Math.floor((thursday - parseDay(`${year}-01-01`)!) / 7) + 1
  return `${year}-W${String(week).padStart(2, '0')}`
}

/**
 * Windows that a time overlaps, in their order, none of which begins before the first one or ends after the
 * last. Days may have 23 or 25 hours; a date that a zone has left out has no window.
 * @param from epoch milliseconds
 * @param to epoch milliseconds, not in it
 */
export function* windowsBetween(partitions: TimePartitions, from: number, to: number): Generator<Window> {
  const { unit, timeZone, start, end } = partitions
  const first = parseDay(start)!
  const last = end === undefined ? Infinity : parseDay(end)!
  const days = unit === 'hour' ? 'day' : unit
  let period = periodOf(days, Math.max(first, dayAt(timeZone, from) - 1))
  if (period < first) period = nextPeriod(days, period)
  let begins = startOfDay(timeZone, period)
  while (begins < to) {
    const next = nextPeriod(days, period)
    if (next > last) return
    const ends = startOfDay(timeZone, next)
    if (unit !== 'hour') {
      if (ends > from && ends > begins) yield { key: keyOf(days, period), start: begins, end: ends }
    } else {
      for (let hour = begins; hour < ends && hour < to; hour += HOUR_MS) {
        const over = Math.min(hour + HOUR_MS, ends)
        if (over > from) yield { key: formatHour(timeZone, hour), start: hour, end: over }
      }
    }
    period = next
    begins = ends
  }
}

/** All windows that have ended. @param now epoch milliseconds */
export function* endedWindows(partitions: TimePartitions, now: number): Generator<Window> {
  const { timeZone, start } = partitions
  for (const window of windowsBetween(partitions, startOfDay(timeZone, parseDay(start)!), now)) {
    if (window.end > now) return
    yield window
  }
}

/** The window of a key; null for a key of none. */
export function windowOf(partitions: TimePartitions, key: string): Window | null {
  const around = dateIn(partitions.unit, key)
  if (around === null) return null
  const begins = startOfDay(partitions.timeZone, around)
  const span = partitions.unit === 'month' ? 32 : partitions.unit === 'week' ? 8 : 2
  for (const window of windowsBetween(partitions, begins, begins + span * 24 * HOUR_MS)) {
    if (window.key === key) return window
  }
  return null
}

/** A day on which the window of a key begins; null for what cannot be a key. */
function dateIn(unit: PartitionUnit, key: string): number | null {
  if (unit === 'day') return parseDay(key)
  if (unit === 'month') return parseDay(`${key}-01`)
  if (unit === 'hour') return parseDay(key.slice(0, 10))
  const parts = /^(\d{4})-W(\d\d)$/.exec(key)
  if (!parts) return null
  const fourth = parseDay(`${parts[1]}-01-04`)
  return fourth === null ? null : periodOf('week', fourth) + (Number(parts[2]) - 1) * 7
}

/**
 * The time of a window whose start and end are moved by so many windows.
 * @returns null where it would be empty
 */
export function shifted(
  partitions: TimePartitions,
  window: Window,
  startOffset: number,
  endOffset: number,
): { readonly start: number; readonly end: number } | null {
  const start = boundary(partitions, window.start, startOffset)
  const end = boundary(partitions, window.end, endOffset)
  return end > start ? { start, end } : null
}

/** A boundary between windows, so many of them later or earlier. */
function boundary({ unit, timeZone }: TimePartitions, at: number, offset: number): number {
  if (offset === 0) return at
  if (unit === 'hour') return at + offset * HOUR_MS
  let day = dayAt(timeZone, at)
  if (unit === 'month') {
    for (let i = 0; i < Math.abs(offset); i++) day = periodOf('month', offset < 0 ? day - 1 : day + 31)
  } else {
    day += offset * (unit === 'week' ? 7 : 1)
  }
  return startOfDay(timeZone, day)
}
