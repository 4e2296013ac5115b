import { parseEventTime } from '../drift/event-time.js'
import { didYouMean } from '../suggest.js'
import type { ProblemList } from './problem-list.js'

/** Most rows of one request. */
export const MAX_ROWS = 1_000

const DAY_MS = 86_400_000
const MEMBERS = ['id', 'eventTime', 'key', 'features']

/** Letters, digits and signs of any script; no spaces, controls or halves of characters. */
const VISIBLE = /^[^\p{C}\p{Z}]{1,200}$/u
const PRINTABLE = /^[^\p{C}\p{Zl}\p{Zp}]{1,200}$/u
const PLAIN = /^[\x21-\x7e]{1,200}$/
const OFFSET = /[Tt ].*(?:Z|[+-]\d{2}:\d{2})$/

/** A row as it was asked for, with what was left out filled in; its features are not looked at yet. */
export interface RequestedRow {
  readonly id: string
  readonly key: string
  /** Epoch milliseconds. */
  readonly eventTime: number
  readonly features: unknown
}

/**
 * The rows of a predict request; what is wrong with them, apart from their features, goes to `problems`.
 * A row that is wrong still comes out, so that its features can be looked at too.
 * @param now epoch milliseconds of the arrival: the event time of rows that name none
 * @param newId makes the ids of rows that have none
 */
export function readRows(
  body: unknown,
  now: number,
  newId: () => string,
  problems: ProblemList,
): RequestedRow[] {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    problems.add('body', 'must be an object with "rows": [{"features": {...}}].')
    return []
  }
  for (const name of Object.keys(body)) {
    if (name !== 'rows') problems.add(name, unknownMember(name, ['rows']))
  }
  const { rows } = body as { rows?: unknown }
  if (!Array.isArray(rows) || rows.length === 0 || rows.length > MAX_ROWS) {
    const found = Array.isArray(rows) ? `, not ${rows.length}` : ''
    problems.add('rows', `must be a list of 1 to ${MAX_ROWS} rows${found}.`)
    return []
  }
  return rows.map((row: unknown, index) => readRow(row, index, now, newId, problems))
}

function readRow(
  row: unknown,
  index: number,
  now: number,
  newId: () => string,
  problems: ProblemList,
): RequestedRow {
  if (typeof row !== 'object' || row === null || Array.isArray(row)) {
    problems.add(`rows[${index}]`, 'must be an object with "features".')
    return { id: '', key: '', eventTime: now, features: {} }
  }
  for (const name in row) {
    if (!MEMBERS.includes(name)) problems.add(`rows[${index}].${name}`, unknownMember(name, MEMBERS))
  }
  const { id: givenId, key: givenKey, eventTime, features } = row as Record<string, unknown>
  const id = givenId === undefined ? newId() : readId(givenId, index, problems)
  return {
    id,
    key: givenKey === undefined ? id : readKey(givenKey, index, problems),
    eventTime: eventTime === undefined ? now : readTime(eventTime, index, now, problems),
    features,
  }
}

function readId(id: unknown, index: number, problems: ProblemList): string {
  if (typeof id === 'string' && (PLAIN.test(id) || VISIBLE.test(id))) return id
  problems.add(`rows[${index}].id`, 'must be a text of 1 to 200 visible characters, without spaces.')
  return ''
}

function readKey(key: unknown, index: number, problems: ProblemList): string {
  if (typeof key === 'string' && (PLAIN.test(key) || PRINTABLE.test(key))) return key
  problems.add(`rows[${index}].key`, 'must be a text of 1 to 200 characters.')
  return ''
}

function readTime(eventTime: unknown, index: number, now: number, problems: ProblemList): number {
  const time = parsed(eventTime)
  if (time === undefined) {
    problems.add(
      `rows[${index}].eventTime`,
      'must be an ISO 8601 date and time with an offset, such as 2012-01-31T13:00:00Z.',
    )
    return now
  }
  if (time > now + DAY_MS) {
    problems.add(
      `rows[${index}].eventTime`,
      `lies more than 24 hours in the future: it is ${new Date(now).toISOString()} here.`,
    )
    return now
  }
  return time
}

function parsed(eventTime: unknown): number | undefined {
  if (typeof eventTime !== 'string' || !OFFSET.test(eventTime)) return undefined
  try {
    return parseEventTime(eventTime)
  } catch {
    return undefined
  }
}

const unknownMember = (name: string, known: readonly string[]) => (): string =>
  `is not known here.${didYouMean(name.slice(0, 100), known)}`
