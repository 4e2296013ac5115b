import { MlforgeError, type Problem } from '../errors.js'
import type { ModelSignature } from '../models/signature.js'
import { didYouMean } from '../suggest.js'
import { DEFAULT_ALARM_POLICY } from './assessments.js'
import { type BreachPolicy, DEFAULT_BREACH_POLICY } from './breach.js'
import type { DriftColumn } from './columns.js'
import type { Reference } from './references.js'
import type { SampleType } from './samples.js'
import { DEFAULT_WINDOW_POLICY, type WindowPolicy } from './window-state.js'
import { type TimeWindow, windowContaining, type WindowSpec } from './windows.js'

/** How a deployment is watched, complete: what is stored has no defaults left to fill in. */
export interface MonitoringPolicy extends WindowPolicy {
  readonly window: WindowSpec
  readonly breach: BreachPolicy
  readonly breachesInARow: number
  readonly reference: Reference
  /** Label and prediction first, then the features in the order of the signature. */
  readonly columns: readonly DriftColumn[]
  /** A numeric feature by whose quartiles errors are shown as well. */
  readonly quartilesOf?: string
}

/** What is said of a feature; the rest follows from the signature. */
export interface ColumnDeclaration {
  readonly name: string
  readonly role?: 'feature' | 'time'
  readonly type?: SampleType
}

export interface PolicyRequest {
  readonly window?: WindowSpec
  readonly minLabelled?: number
  readonly minLabelledShare?: number
  readonly breach?: Partial<BreachPolicy>
  readonly breachesInARow?: number
  readonly reference?: Reference
  readonly columns?: readonly ColumnDeclaration[]
  readonly quartilesOf?: string
}

/** Name that the predictions go by among the columns of a window. */
const PREDICTION = 'prediction'

/** Shorter windows are no windows: a day of them would be more than anybody looks at. */
const SHORTEST_MS = 60_000

/**
 * Fills in what was not said. Features are compared as numbers, booleans as categories; that a column
 * only says when cannot be known from its type and has to be declared.
 *
 * @param signature of the version that serves
 * @throws MlforgeError invalid_request with everything that is wrong
 */
export function completePolicy(request: PolicyRequest, signature: ModelSignature): MonitoringPolicy {
  const { window = { every: 'month' }, reference = { kind: 'sameSeason' }, quartilesOf } = request
  const features = featureColumns(request.columns ?? [], signature)
  const problems = [
    ...windowProblems(window),
    ...referenceProblems(reference),
    ...columnProblems(request.columns ?? [], signature),
    ...(quartilesOf === undefined ? [] : quartileProblems(quartilesOf, features)),
  ]
  if (problems.length > 0) {
    const [{ at, message }] = problems as [Problem]
    throw new MlforgeError('invalid_request', `${at}: ${message}`, { problems })
  }
  return {
    window,
    minLabelled: request.minLabelled ?? DEFAULT_WINDOW_POLICY.minLabelled,
    minLabelledShare: request.minLabelledShare ?? DEFAULT_WINDOW_POLICY.minLabelledShare,
    breach: { ...DEFAULT_BREACH_POLICY, ...request.breach },
    breachesInARow: request.breachesInARow ?? DEFAULT_ALARM_POLICY.breachesInARow,
    reference,
    columns: [
      { name: signature.target, role: 'label', type: 'numeric' },
      { name: PREDICTION, role: 'prediction', type: 'numeric' },
      ...features,
    ],
    ...(quartilesOf === undefined ? {} : { quartilesOf }),
  }
}

/** Whether a window is one that the policy cuts event time into: after a change of it, others are of the past. */
export function isWindowOf({ window: spec }: Pick<MonitoringPolicy, 'window'>, window: TimeWindow): boolean {
  const { id, start, end } = windowContaining(spec, window.start)
  return id === window.id && start === window.start && end === window.end
}

function featureColumns(
  declared: readonly ColumnDeclaration[],
  { features }: ModelSignature,
): readonly DriftColumn[] {
  return features.map(({ name, type }) => {
    const said = declared.find(column => column.name === name)
    const usual = type === 'boolean' ? 'categorical' : 'numeric'
    return { name, role: said?.role ?? 'feature', type: said?.type ?? usual }
  })
}

function windowProblems(window: WindowSpec): Problem[] {
  if (window.every !== 'fixed') return []
  const { lengthMs } = window
  if (Number.isInteger(lengthMs) && lengthMs >= SHORTEST_MS) return []
  return [{ at: 'window.lengthMs', message: `must be whole milliseconds, at least ${SHORTEST_MS}.` }]
}

function referenceProblems(reference: Reference): Problem[] {
  const wrong = (at: string): Problem[] => [
    { at: `reference.${at}`, message: 'must be a whole number from 1.' },
  ]
  const good = (value: number): boolean => Number.isInteger(value) && value >= 1
  if (reference.kind === 'trailing' && !good(reference.windows)) return wrong('windows')
  if (reference.kind === 'version' && !good(reference.version)) return wrong('version')
  return []
}

function columnProblems(declared: readonly ColumnDeclaration[], { features }: ModelSignature): Problem[] {
  const known = features.map(({ name }) => name)
  return declared.flatMap(({ name }, index) => {
    const at = `columns[${index}].name`
    if (!known.includes(name)) return [{ at, message: noFeature(name, known) }]
    const first = declared.findIndex(column => column.name === name)
    return first === index ? [] : [{ at, message: `"${name}" is named by columns[${first}] already.` }]
  })
}

function quartileProblems(name: string, features: readonly DriftColumn[]): Problem[] {
  const at = 'quartilesOf'
  const column = features.find(feature => feature.name === name)
  if (column === undefined) {
    return [{ at, message: noFeature(name, features.map(feature => feature.name)) }] // prettier-ignore
  }
  if (column.type === 'numeric') return []
  return [{ at, message: `"${name}" is ${column.type}; only numbers have quartiles.` }]
}

function noFeature(name: string, known: readonly string[]): string {
  return `"${name}" is no feature of the model.${didYouMean(name, known)}`
}
