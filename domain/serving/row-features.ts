import type { FeatureType, ModelSignature } from '../models/signature.js'
import { didYouMean } from '../suggest.js'
import type { ProblemList } from './problem-list.js'

/** Values of one row, by the names of a signature and in its order. */
export type RowFeatures = Record<string, number | boolean>

/** Largest float32: beyond it a model would be given infinity. */
const LARGEST = 3.4028234663852886e38

const WANTED = { number: 'a number', integer: 'a whole number', boolean: 'true or false' } as const

/**
 * The features of row `row`, in the order of the signature, which is also the order in which the model
 * sees them. All that is wrong goes to `problems`: a feature that is missing or unknown, a value of
 * another type, a number that is not finite as a float32. Undefined when something is.
 */
export function readFeatures(
  signature: ModelSignature,
  given: unknown,
  row: number,
  problems: ProblemList,
): RowFeatures | undefined {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    problems.add(`rows[${row}].features`, `must be an object of values by name, not ${described(given)}.`)
    return undefined
  }
  const values = given as Readonly<Record<string, unknown>>
  const features: RowFeatures = {}
  let sound = true
  for (const { name, type } of signature.features) {
    const value = values[name]
    if (fits(type, value)) features[name] = value
    else sound = false
  }
  if (sound && Object.keys(values).length === signature.features.length) return features
  explain(signature, values, `rows[${row}].features`, problems)
  return undefined
}

/** The float32 numbers that a model is given for a row; booleans are 0 and 1. */
export function fillValues(
  signature: ModelSignature,
  features: Readonly<RowFeatures>,
  values: Float32Array,
  at: number,
): void {
  for (let i = 0; i < signature.features.length; i++) {
    values[at + i] = Number(features[signature.features[i]!.name])
  }
}

/**
 * A text that two sets of features share only when they have the same names and values, in whatever order:
 * by it a prediction id that comes again is told from one that was used for something else.
 */
export function fingerprint(
  features: Readonly<RowFeatures>,
  names: readonly string[] = Object.keys(features).toSorted(),
): string {
  // Joined, not added up: a text that is kept for long must not be a chain of its pieces.
  return names.map(name => `${name}:${features[name]}`).join()
}

function fits(type: FeatureType, value: unknown): value is number | boolean {
  if (type === 'boolean') return typeof value === 'boolean'
  if (typeof value !== 'number' || !(value <= LARGEST && value >= -LARGEST)) return false
  return type === 'number' || Number.isInteger(value)
}

/** The slow way through a row that is known to be wrong. */
function explain(
  { features }: ModelSignature,
  values: Readonly<Record<string, unknown>>,
  at: string,
  problems: ProblemList,
): void {
  for (const { name, type } of features) {
    if (!Object.hasOwn(values, name)) {
      problems.add(`${at}.${name}`, `is missing; the model needs ${WANTED[type]}.`)
    } else if (!fits(type, values[name])) {
      problems.add(`${at}.${name}`, whyNot(type, values[name]))
    }
  }
  const known = features.map(({ name }) => name)
  const names = new Set(known)
  for (const name of Object.keys(values)) {
    if (names.has(name)) continue
    problems.add(
      `${at}.${name}`,
      () => `is no feature of this model.${didYouMean(name.slice(0, 100), known)}`,
    )
  }
}

function whyNot(type: FeatureType, value: unknown): string {
  if (type !== 'boolean' && typeof value === 'number') {
    if (!Number.isFinite(value)) return 'is not a finite number.'
    if (Math.abs(value) > LARGEST) return `${value} is beyond what the model can take (float32).`
    return `${value} is not a whole number.`
  }
  return `must be ${WANTED[type]}, not ${described(value)}.`
}

function described(value: unknown): string {
  if (value === undefined) return 'missing'
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'an object'
  const text = JSON.stringify(value)
  return text.length > 60 ? `a ${typeof value} of ${text.length} characters` : text
}
