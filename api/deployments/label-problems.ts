import type { NewLabel } from '../../contracts/rest/deployments.js'
import { parseEventTime } from '../../domain/drift/event-time.js'
import type { Problem } from '../../domain/errors.js'
import { ProblemList } from '../../domain/serving/problem-list.js'
import { didYouMean } from '../../domain/suggest.js'

export const MAX_LABELS = 10_000
export const MAX_ID_LENGTH = 200

const DAY_MS = 86_400_000
const NAMES = ['predictionId', 'value', 'at'] as const satisfies readonly (keyof NewLabel)[]
/** What serving takes for an id: a label of anything else would wait for its prediction for ever. */
const ID = new RegExp(`^[^\\p{C}\\p{Z}]{1,${MAX_ID_LENGTH}}$`, 'u')
const OFFSET = /T.*(Z|[+-]\d{2}:\d{2})$/

/**
 * What is wrong with the labels of a request, each problem under its index. Two values of one prediction
 * are refused: which of them corrects the other nobody can tell.
 * @param now epoch milliseconds
 */
export function labelProblems(labels: unknown, now: number): Problem[] {
  if (!Array.isArray(labels)) return [{ at: '', message: 'Must be a list of labels.' }]
  if (labels.length === 0 || labels.length > MAX_LABELS) {
    return [{ at: '', message: `Has ${labels.length} labels. Send 1 to ${MAX_LABELS} in a request.` }]
  }
  const problems = new ProblemList()
  for (const [index, label] of labels.entries()) checkLabel(label, `[${index}]`, now, problems)
  checkContradictions(labels, problems)
  const { named, remainder } = problems
  return remainder === '' ? named : [...named, { at: '', message: remainder.trim() }]
}

function checkLabel(label: unknown, at: string, now: number, problems: ProblemList): void {
  if (!isObject(label)) return problems.add(at, `Must be an object with ${NAMES.join(', ')}.`)
  for (const name in label) {
    if (!NAMES.includes(name as keyof NewLabel)) problems.add(`${at}.${name}`, () => unknownField(name))
  }
  for (const name of NAMES) {
    const message = label[name] === undefined ? 'This field is needed.' : CHECKS[name](label[name], now)
    if (message !== null) problems.add(`${at}.${name}`, message)
  }
}

/** What is wrong with a field, or null. */
const CHECKS: Readonly<Record<keyof NewLabel, (value: unknown, now: number) => string | null>> = {
  predictionId: value =>
    typeof value === 'string' && ID.test(value)
      ? null
      : `Must be a text of 1 to ${MAX_ID_LENGTH} visible characters, without spaces.`,
  value: value => (Number.isFinite(value) ? null : 'Must be a finite number.'),
  at: (value, now) => {
    const time = timeOf(value)
    if (time === null) return 'Must be a date and time with an offset, such as 2012-01-31T13:00:00Z.'
    if (time <= now + DAY_MS) return null
    return `Lies more than 24 hours in the future: it is ${new Date(now).toISOString()} here.`
  },
}

function checkContradictions(labels: readonly unknown[], problems: ProblemList): void {
  const seen = new Map<string, { value: unknown; index: number }>()
  for (const [index, label] of labels.entries()) {
    const { predictionId, value } = (isObject(label) ? label : {}) as Partial<NewLabel>
    if (typeof predictionId !== 'string') continue
    const first = seen.get(predictionId)
    if (!first) seen.set(predictionId, { value, index })
    else if (first.value !== value) {
      problems.add(
        `[${index}].value`,
        `Is not the value that labels[${first.index}] has, of the same prediction. Send the one that holds.`,
      )
    }
  }
}

function timeOf(value: unknown): number | null {
  if (typeof value !== 'string' || !OFFSET.test(value)) return null
  try {
    return parseEventTime(value)
  } catch {
    return null
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function unknownField(name: string): string {
  const shown = name.slice(0, 100)
  return `There is no field "${shown}" here.${didYouMean(shown, NAMES)} Known fields: ${NAMES.join(', ')}.`
}
