import type { ColumnType } from '../datasets/schema.js'

export type FeatureType = 'number' | 'integer' | 'boolean'

export interface SignatureFeature {
  readonly name: string
  readonly type: FeatureType
}

/** What rows go through on their way to a model: callers give its input, and it makes the features. */
export interface SignatureTransformation {
  readonly name: string
  readonly version: number
  readonly input: readonly { readonly name: string; readonly type: ColumnType }[]
}

/** What a model takes and gives: the columns in the order in which the model sees them, and its output. */
export interface ModelSignature {
  readonly features: readonly SignatureFeature[]
  /** Left out: callers give the features themselves. */
  readonly transformation?: SignatureTransformation
  readonly target: string
  readonly output: {
    readonly name: string
    /** Bounds that every prediction is cut to, for a target that cannot lie outside, such as a count. */
    readonly clip?: { readonly min?: number; readonly max?: number }
  }
}

/** Columns of a table as features; a training has checked that they are there, and of a type that features have. */
export function featuresIn(
  schema: readonly { readonly name: string; readonly type: string }[],
  names: readonly string[],
): SignatureFeature[] {
  const types = new Map(schema.map(column => [column.name, column.type]))
  return names.map(name => ({ name, type: types.get(name) as FeatureType }))
}

/** What callers give for a row. */
export function inputsOf({
  features,
  transformation,
}: ModelSignature): readonly { readonly name: string; readonly type: ColumnType }[] {
  return transformation?.input ?? features
}

/** Cuts predictions to the bounds of the signature, in place, and returns them. */
export function clipToSignature(signature: ModelSignature, predictions: Float32Array): Float32Array {
  const { min = -Infinity, max = Infinity } = signature.output.clip ?? {}
  if (min === -Infinity && max === Infinity) return predictions
  for (let row = 0; row < predictions.length; row++) {
    const value = predictions[row]!
    if (value < min) predictions[row] = min
    else if (value > max) predictions[row] = max
  }
  return predictions
}
