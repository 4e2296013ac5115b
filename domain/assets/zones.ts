const formats = new Map<string, Intl.DateTimeFormat>()
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

/** Milliseconds that clocks of a zone are ahead of UTC at an instant (epoch milliseconds). */
export function offsetAt(timeZone: string, instant: number): number {
  if (timeZone === 'UTC') return 0
  let format = formats.get(timeZone)
  if (!format) {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    })
    formats.set(timeZone, format)
  }
  const parts: Record<string, number> = {}
  for (const { type, value } of format.formatToParts(instant)) parts[type] = Number(value)
  const { year, month, day, hour, minute, second } = parts as Record<string, number>
  const local = Date.UTC(year!, month! - 1, day, hour, minute, second)
  return local - Math.floor(instant / 1000) * 1000
}

/** Days since 1970-01-01 of the date that clocks of a zone show at an instant. */
export function dayAt(timeZone: string, instant: number): number {
  return Math.floor((instant + offsetAt(timeZone, instant)) / DAY_MS)
}

/**
 * The first instant at which clocks of a zone show a date. Where midnight is skipped that is the moment of
 * the skip; where it comes twice, its first.
 * @param day days since 1970-01-01
 */
export function startOfDay(timeZone: string, day: number): number {
  const midnight = day * DAY_MS
  if (timeZone === 'UTC') return midnight
  const offsets = [offsetAt(timeZone, midnight - DAY_MS), offsetAt(timeZone, midnight + DAY_MS)]
  const candidates = offsets.map(offset => midnight - offset).sort((a, b) => a - b)
  const [first] = candidates.filter(instant => instant + offsetAt(timeZone, instant) === midnight)
  if (first !== undefined) return first
  let [before, after] = [candidates[0]! - DAY_MS, candidates[1]! + DAY_MS]
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2)
    if (dayAt(timeZone, middle) >= day) after = middle
    else before = middle
  }
  return after
}

/** Days since 1970-01-01 of `YYYY-MM-DD`; null for what is no date. */
export function parseDay(text: string): number | null {
  if (!/^\d{4}-\d\d-\d\d$/.test(text)) return null
  const instant = Date.parse(`${text}T00:00:00Z`)
  return Number.isNaN(instant) || new Date(instant).toISOString().slice(0, 10) !== text
    ? null
    : instant / DAY_MS
}

/** `YYYY-MM-DD` of days since 1970-01-01. */
export function formatDay(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10)
}

/** `2026-10-25T02:00+01:00`: the same hour of a day that has it twice is told apart by its offset. */
export function formatHour(timeZone: string, instant: number): string {
  const offset = offsetAt(timeZone, instant)
  const local = new Date(instant + offset).toISOString().slice(0, 16)
  if (timeZone === 'UTC') return `${local}Z`
  const minutes = Math.round(Math.abs(offset) / 60_000)
  const two = (value: number) => String(value).padStart(2, '0')
  return `${local}${offset < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`
}
