import type { Problem } from '../errors.js'

interface Field {
  readonly name: string
  readonly from: number
  readonly to: number
  /** Names of the values, in their order, where there are any. */
  readonly words?: readonly string[]
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']
const LONGEST_MONTHS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

const FIELDS: readonly Field[] = [
  { name: 'minute', from: 0, to: 59 },
  { name: 'hour', from: 0, to: 23 },
  { name: 'day of month', from: 1, to: 31 },
  { name: 'month', from: 1, to: 12, words: MONTHS },
  { name: 'day of week', from: 0, to: 7, words: DAYS },
]

/**
 * What is wrong with a five-field cron expression; empty for one that can be used. Lists, ranges,
 * steps and English names are understood. Refused are times that never come, and expressions that
 * restrict both days: classic cron runs where either matches, Temporal where both do.
 * @param at where the expression stands in the request
 */
export function cronProblems(expression: string, at: string): Problem[] {
  const parts = expression.trim().split(/\s+/)
  if (parts.length !== FIELDS.length) {
    const names = FIELDS.map(field => field.name).join(', ')
    const message = `"${expression}" has ${expression.trim() === '' ? 0 : parts.length} fields; a cron expression has 5: ${names}.`
    return [{ at, message }]
  }
  const problems = FIELDS.flatMap((field, i) =>
    fieldProblems(field, parts[i]!).map(message => ({ at, message })),
  )
  if (problems.length > 0) return problems
  const [, , dayOfMonth, month, dayOfWeek] = parts as [string, string, string, string, string]
  if (!isAny(dayOfMonth) && !isAny(dayOfWeek)) {
    const message = `day of month "${dayOfMonth}" and day of week "${dayOfWeek}" are both restricted: cron would run on either, Temporal only where both match. Make one of them *.`
    return [{ at, message }]
  }
  return comes(dayOfMonth, month) ? [] : [{ at, message: `day ${dayOfMonth} never comes in month ${month}.` }]
}

function fieldProblems(field: Field, text: string): string[] {
  return text.split(',').flatMap(item => {
    const wrong = itemProblem(field, item)
    return wrong === undefined ? [] : [`${field.name} "${text}": ${wrong}`]
  })
}

function itemProblem(field: Field, item: string): string | undefined {
  const { from, to } = field
  const parts = /^([^/]+)(?:\/(.+))?$/.exec(item)
  if (!parts) return `"${item}" is not a value, a range or a step.`
  const [, range = '', step] = parts
  if (step !== undefined && !(/^\d+$/.test(step) && Number(step) >= 1 && Number(step) <= to)) {
    return `a step is a number from 1 to ${to}, not "${step}".`
  }
  if (range === '*') return undefined
  const ends = range.split('-')
  if (ends.length > 2) return `"${range}" is not a range such as ${from}-${to}.`
  const values = ends.map(end => valueOf(field, end))
  const bad = values.findIndex(value => value === undefined)
  if (bad >= 0) return `"${ends[bad]}" is not from ${from} to ${to}${words(field)}.`
  const [first, last] = values
  if (last !== undefined && first! > last) return `the range ${range} ends before it begins.`
  if (step !== undefined && last === undefined)
    return `a step needs a range or *: write ${range}-${to}/${step}.`
  return undefined
}

function valueOf({ from, to, words: names }: Field, text: string): number | undefined {
  const word = names?.indexOf(text.toLowerCase()) ?? -1
  if (word >= 0) return word + from
  const value = /^\d{1,2}$/.test(text) ? Number(text) : Number.NaN
  return value >= from && value <= to ? value : undefined
}

function words({ words: names }: Field): string {
  return names ? `, or ${names[0]} to ${names.at(-1)}` : ''
}

function isAny(text: string): boolean {
  return text === '*' || text === '*/1'
}

/** False for days that no month named has, such as 31 February. */
function comes(dayOfMonth: string, month: string): boolean {
  const earliest = Math.min(...dayOfMonth.split(',').map(item => firstValue(item, FIELDS[2]!)))
  const longest = LONGEST_MONTHS.filter((_, i) => matches(month, i + 1, FIELDS[3]!))
  return longest.some(days => earliest <= days)
}

function firstValue(item: string, field: Field): number {
  const [range] = item.split('/') as [string]
  return range === '*' ? field.from : valueOf(field, range.split('-')[0]!)!
}

function matches(text: string, value: number, field: Field): boolean {
  return text.split(',').some(item => {
    const [range, step = '1'] = item.split('/') as [string, string?]
    const [from, to] = range === '*' ? [field.from, field.to] : bounds(range, field)
    return value >= from && value <= to && (value - from) % Number(step) === 0
  })
}

function bounds(range: string, field: Field): [number, number] {
  const [first, last] = range.split('-').map(end => valueOf(field, end)!) as [number, number?]
  return [first, last ?? first]
}
