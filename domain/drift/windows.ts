import { MlforgeError } from '../errors.js'
import { parseEventTime, utcDay } from './event-time.js'

/** How event time is cut into windows. Days, ISO weeks (from Monday) and months are those of UTC. */
export type WindowSpec =
  | { readonly every: 'month' | 'week' | 'day' }
  | { readonly every: 'fixed'; readonly lengthMs: number; readonly originMs?: number }

/** Half-open range of event time in epoch milliseconds: start is in it, end is not. */
export interface TimeRange {
  readonly start: number
  readonly end: number
}

/** A window. Its id is unique within its spec: `2012-01`, `2012-W05`, `2012-01-31`, or its start. */
export interface TimeWindow extends TimeRange {
  readonly id: string
}

export const DAY_MS = 86_400_000

/**
 * The window that holds a moment. Windows tile event time: each moment is in exactly one.
 * @param time epoch milliseconds
 * @throws MlforgeError invalid_request for a fixed length that is no whole number above 0
 */
export function windowContaining(spec: WindowSpec, time: number): TimeWindow {
  switch (spec.every) {
    case 'month': {
      const date = new Date(time)
      const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()]
      const start = utcDay(year, month, 1)
      return { id: iso(start, 7), start, end: utcDay(year, month + 1, 1) }
    }
    case 'week': {
      const day = Math.floor(time / DAY_MS)
      // 1970-01-01 was a Thursday.
      const start = (day - ((((day + 3) % 7) + 7) % 7)) * DAY_MS
      const { year, week } = isoWeek(start)
      return { id: weekId(year, week), start, end: start + 7 * DAY_MS }
    }
    case 'day': {
      const start = Math.floor(time / DAY_MS) * DAY_MS
      return { id: iso(start, 10), start, end: start + DAY_MS }
    }
    case 'fixed': {
      const { lengthMs, originMs = 0 } = spec
      if (!Number.isInteger(lengthMs) || lengthMs <= 0 || !Number.isInteger(originMs)) {
        const message = `A window of ${lengthMs} ms from ${originMs} cannot be: use whole numbers, the length above 0.`
        throw new MlforgeError('invalid_request', message)
      }
      const start = originMs + Math.floor((time - originMs) / lengthMs) * lengthMs
      return { id: new Date(start).toISOString(), start, end: start + lengthMs }
    }
  }
}

/** The window that begins where this one ends. */
export function nextWindow(spec: WindowSpec, window: TimeRange): TimeWindow {
  return windowContaining(spec, window.end)
}

/** The window that ends where this one begins. */
export function previousWindow(spec: WindowSpec, window: TimeRange): TimeWindow {
  return windowContaining(spec, window.start - 1)
}

/** All windows that share a moment with the range, in order; none for an empty range. */
export function windowsOverlapping(spec: WindowSpec, range: TimeRange): TimeWindow[] {
  const windows: TimeWindow[] = []
  if (range.start >= range.end) return windows
  for (
    let window = windowContaining(spec, range.start);
    window.start < range.end;
    window = nextWindow(spec, window)
  )
    windows.push(window)
  return windows
}

/** The year and number of the ISO 8601 week that begins on this Monday: those of its Thursday. */
export function isoWeek(monday: number): { year: number; week: number } {
  const thursday = monday + 3 * DAY_MS
  const year = new Date(thursday).getUTCFullYear()
  return { year, week: Math.floor((thursday - utcDay(year, 0, 1)) / (7 * DAY_MS)) + 1 }
}

/** The Monday of an ISO week; null where the year has no such week (53 exists in long years only). */
export function mondayOf(year: number, week: number): number | null {
  const first = windowContaining({ every: 'week' }, utcDay(year, 0, 4)).start
  const monday = first + (week - 1) * 7 * DAY_MS
  return isoWeek(monday).year === year ? monday : null
}

function weekId(year: number, week: number): string {
  return `${String(year).padStart(4, '0')}-W${String(week).padStart(2, '0')}`
}

function iso(time: number, length: number): string {
  const text = new Date(time).toISOString()
  return text.slice(0, text.indexOf('T') - 10 + length)
}

/** The window of an id; null where the spec has no such window. */
export function windowOfId(spec: WindowSpec, id: string): TimeWindow | null {
  const start = startOf(spec, id)
  if (start === null) return null
  const window = windowContaining(spec, start)
  return window.id === id ? window : null
}

function startOf(spec: WindowSpec, id: string): number | null {
  if (spec.every === 'week') {
    const match = /^(\d{4})-W(\d{2})$/.exec(id)
    return match === null ? null : mondayOf(Number(match[1]), Number(match[2]))
  }
  try {
    return parseEventTime(spec.every === 'month' ? `${id}-01` : id)
  } catch {
    return null
  }
}
