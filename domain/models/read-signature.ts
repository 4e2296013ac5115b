import type { Json } from '../canonical-json.js'
import { bounds, type FieldCheck, type IsOpen, list, object, oneOf, text } from '../pipelines/fields.js'
import type { PipelineProblem } from '../pipelines/problems.js'
import type { ModelSignature, SignatureFeature } from './signature.js'

/** The column that predictions stand in beside the features of their rows. */
export const PREDICTION = 'prediction'

const feature: FieldCheck = (value, path, isOpen) =>
  object(value, path, { name: text, type: oneOf(['number', 'integer', 'boolean']) }, [], isOpen)
const output: FieldCheck = (value, path, isOpen) =>
  object(value, path, { name: text, clip: bounds }, ['clip'], isOpen)
const FIELDS = { features: list(feature), target: text, output }

/**
 * Everything that is wrong with `{ features: [{ name, type }], target, output?: { name, clip? } }` as
 * somebody has written it; paths begin at the signature.
 * @param isOpen says which values are not known yet
 */
export function signatureProblems(value: Json, isOpen: IsOpen = () => false): PipelineProblem[] {
  if (isOpen(value)) return []
  const problems = object(value, [], FIELDS, ['output'], isOpen)
  const { features } = (value ?? {}) as { features?: Json }
  if (!Array.isArray(features)) return problems
  const names = (features as readonly Json[]).map(each => (each as { name?: Json } | null)?.name)
  const { target } = value as { target?: Json }
  const wrongNames = names.flatMap((name, i): PipelineProblem[] => {
    const path = ['features', i, 'name']
    if (typeof name !== 'string' || isOpen(name)) return []
    if (names.indexOf(name) < i) return [{ path, message: `Feature "${name}" is there twice.` }]
    if (name === PREDICTION) return [{ path, message: `"${name}" is the column of what a model predicts.` }]
    return name === target ? [{ path, message: `"${name}" is the target, and no feature of it.` }] : []
  })
  return [...problems, ...wrongNames]
}

/** A signature without problems, complete: what is predicted is called as the target where nothing else is said. */
export function readSignature(value: Json): ModelSignature {
  const {
    features,
    target,
    output: given,
  } = value as unknown as {
    features: readonly SignatureFeature[]
    target: string
    output?: ModelSignature['output']
  }
  return { features, target, output: given ?? { name: target } }
}
