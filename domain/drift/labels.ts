export type LabelValue = number | string | boolean

export interface Label {
  readonly predictionId: string
  readonly value: LabelValue
  /** Event time of the label, epoch milliseconds. */
  readonly at: number
  /** Order of receipt, unique; a later one wins, whatever its event time says. */
  readonly receivedSeq: number
}

export interface EffectiveLabel {
  readonly value: LabelValue
  readonly at: number
  readonly receivedSeq: number
  /** What it replaced, oldest first; empty where the first value still stands. */
  readonly replaced: readonly Omit<Label, 'predictionId'>[]
}

export interface ResolvedLabels {
  readonly effective: ReadonlyMap<string, EffectiveLabel>
  /** Predictions whose label changed its value, in order of their ids. */
  readonly corrected: readonly string[]
}

/**
 * One effective label a prediction. A later different value is kept beside the first and wins; the same
 * value again is no correction and leaves time and sequence of the first receipt. The result does not
 * depend on the order of the list, nor on labels that are in it more than once.
 */
export function resolveLabels(labels: readonly Label[]): ResolvedLabels {
  const effective = new Map<string, EffectiveLabel>()
  const inOrder = [...labels].sort((a, b) => a.receivedSeq - b.receivedSeq)
  for (const { predictionId, value, at, receivedSeq } of inOrder) {
    const known = effective.get(predictionId)
    if (known !== undefined && known.value === value) continue
    const replaced =
      known === undefined
        ? []
        : [...known.replaced, { value: known.value, at: known.at, receivedSeq: known.receivedSeq }]
    effective.set(predictionId, { value, at, receivedSeq, replaced })
  }
  const corrected = [...effective].filter(([, label]) => label.replaced.length > 0).map(([id]) => id)
  return { effective, corrected: corrected.sort() }
}
