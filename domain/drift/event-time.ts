import { MlforgeError } from '../errors.js'

const ISO =
  /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?(Z|[+-]\d{2}:\d{2})?)?$/

/** Past this no Date can be made (ECMA-262, 21.4.1.1). */
const LARGEST = 8.64e15

/**
 * Epoch milliseconds of an event time: an ISO 8601 date or date-time (UTC where it names no zone; finer
 * than milliseconds is cut off), or epoch milliseconds as a whole number.
 * @throws MlforgeError invalid_request for anything else, days that are not in the calendar included
 */
export function parseEventTime(value: string | number): number {
  const time = typeof value === 'number' ? value : readIso(value)
  if (time !== null && Number.isInteger(time) && Math.abs(time) <= LARGEST) return time
  throw new MlforgeError(
    'invalid_request',
    `"${value}" is no event time. Write it as 2012-01-31T13:00:00Z or as whole milliseconds since 1970.`,
  )
}

function readIso(text: string): number | null {
  const match = ISO.exec(text)
  if (match === null) return null
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(part => Number(part ?? 0)) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  const milliseconds = Number((match[7] ?? '').padEnd(3, '0').slice(0, 3))
  const offset = offsetOf(match[8] ?? 'Z')
  if (hour > 23 || minute > 59 || second > 59 || offset === null) return null
  const midnight = utcDay(year, month - 1, day)
  const date = new Date(midnight)
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return null
  return midnight + ((hour * 60 + minute) * 60 + second) * 1000 + milliseconds - offset
}

function offsetOf(zone: string): number | null {
  if (zone === 'Z') return 0
  const [hours, minutes] = [Number(zone.slice(1, 3)), Number(zone.slice(4, 6))]
  if (hours > 23 || minutes > 59) return null
  return (zone.startsWith('-') ? -1 : 1) * (hours * 60 + minutes) * 60_000
}

/**
 * Epoch milliseconds of a day's start in UTC. Months count from 0; months and days beyond their range
 * run over into the next. `Date.UTC` would take the years 0 to 99 for 1900 to 1999.
 */
export function utcDay(year: number, month: number, day: number): number {
  return new Date(0).setUTCFullYear(year, month, day)
}
