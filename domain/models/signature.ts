export type FeatureType = 'number' | 'integer' | 'boolean'

export interface SignatureFeature {
  readonly name: string
  readonly type: FeatureType
}

/** What a model takes and gives: the columns in the order in which the model sees them, and its output. */
export interface ModelSignature {
  readonly features: readonly SignatureFeature[]
  readonly target: string
  readonly output: {
    readonly name: string
    /** Bounds that every prediction is cut to, for a target that cannot lie outside, such as a count. */
    readonly clip?: { readonly min?: number; readonly max?: number }
  }
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
