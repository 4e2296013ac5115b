/**
 * What is known of a label's prediction. `held`: not found yet, it may still be ingested. `unknown`: held
 * for longer than the hold time, and reported. `matched`: found, however late.
 */
export type LabelState = 'held' | 'matched' | 'unknown'

export function labelState(label: {
  readonly matchedAt: Date | null
  readonly reportedAt: Date | null
}): LabelState {
  if (label.matchedAt !== null) return 'matched'
  return label.reportedAt === null ? 'held' : 'unknown'
}
