import type { DatePart, StepOf } from './steps.js'

interface Period {
  readonly first: number
  readonly length: number
}

/** Parts that come round: the least of the values, and how many there are at most. */
const PERIODS: Readonly<Partial<Record<DatePart, Period>>> = {
  quarter: { first: 1, length: 4 },
  month: { first: 1, length: 12 },
  day: { first: 1, length: 31 },
  day_of_week: { first: 1, length: 7 },
  day_of_year: { first: 1, length: 366 },
  week: { first: 1, length: 53 },
  hour: { first: 0, length: 24 },
  minute: { first: 0, length: 60 },
}

const DAY = 86_400_000

export interface DateColumn {
  readonly name: string
  readonly type: string
  readonly part: DatePart
  /** What stands for a value of the part, by its position from the first: null for the part itself. */
  readonly circle: { readonly first: number; readonly values: readonly number[] } | null
}

/**
 * The columns that a step makes of one. Sines and cosines are taken from a table of 2 pi k / period, the same for SQL
 * and for TypeScript.
 */
export function datePartNames(
  column: string,
  { parts, cyclical = false }: Pick<StepOf<'date_parts'>, 'parts' | 'cyclical'>,
): DateColumn[] {
  return parts.flatMap(part => {
    const name = `${column}_${part}`
    const plain: DateColumn = { name, type: 'BIGINT', part, circle: null }
    const period = PERIODS[part]
    if (!cyclical || period === undefined) return [plain]
    const { first, length } = period
    const around = (of: (angle: number) => number): DateColumn['circle'] => ({
      first,
      values: Array.from({ length }, (_, i) => of((2 * Math.PI * i) / length)),
    })
    return [
      plain,
      { name: `${name}_sin`, type: 'DOUBLE', part, circle: around(Math.sin) },
      { name: `${name}_cos`, type: 'DOUBLE', part, circle: around(Math.cos) },
    ]
  })
}

const ISO = /^(\d{4,6})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::[0-5]\d(?:\.\d+)?)?(Z|[+-]\d\d(?::?\d\d)?)?)?$/

/** Milliseconds since 1970, in UTC and to the minute, of ISO 8601 text; NaN for what is no such date. */
export function instantOf(text: string): number {
  const [, year, month, day, hour = '0', minute = '0', zone = 'Z'] = ISO.exec(text) ?? []
  if (year === undefined) return NaN
  const date = new Date(0)
  date.setUTCFullYear(Number(year), Number(month) - 1, Number(day))
  const isDay = date.getUTCMonth() === Number(month) - 1 && date.getUTCDate() === Number(day)
  if (!isDay || Number(hour) > (minute === '00' ? 24 : 23) || Number(minute) > 59) return NaN
  return date.getTime() + (Number(hour) * 60 + Number(minute) - offsetOf(zone)) * 60_000
}

/** Minutes that a zone is ahead of UTC. */
function offsetOf(zone: string): number {
  const [, sign, hours = '0', minutes = '0'] = /^([+-])(\d\d):?(\d\d)?$/.exec(zone) ?? []
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes))
}

/** A part of an instant in UTC; weeks are those of ISO 8601. */
export function partOf(instant: number, part: DatePart): number {
  const date = new Date(instant)
  const weekday = ((date.getUTCDay() + 6) % 7) + 1
  switch (part) {
    case 'year':
      return date.getUTCFullYear()
    case 'quarter':
      return Math.floor(date.getUTCMonth() / 3) + 1
    case 'month':
      return date.getUTCMonth() + 1
    case 'day':
      return date.getUTCDate()
    case 'day_of_week':
      return weekday
    case 'day_of_year':
      return dayOfYear(instant)
    case 'week':
      // A week belongs to the year of its Thursday.
      return Math.ceil(dayOfYear(instant + (4 - weekday) * DAY) / 7)
    case 'hour':
      return date.getUTCHours()
    case 'minute':
      return date.getUTCMinutes()
    case 'is_weekend':
      return weekday >= 6 ? 1 : 0
  }
}

function dayOfYear(instant: number): number {
  const start = new Date(instant)
  start.setUTCMonth(0, 1)
  start.setUTCHours(0, 0, 0, 0)
  return Math.floor((instant - start.getTime()) / DAY) + 1
}
