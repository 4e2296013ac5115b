/** Records of one deployment that were not logged. */
export interface Gap {
  readonly deployment: string
  readonly firstSequence: number
  readonly lastSequence: number
  /** Epoch milliseconds. */
  readonly fromEventTime: number
  readonly toEventTime: number
}

/** A record that was dropped: as much of it as a gap needs. */
export interface DroppedRecord {
  readonly deployment: string
  readonly sequence: number
  readonly eventTime: number
}

/** So many gaps of one deployment are kept apart; more are widened over what lies between them. */
const KEPT_APART = 100

/**
 * Gaps with a dropped record added: to the last gap of its deployment while nothing of the deployment was
 * logged since then, else as a gap of its own.
 * @param logged sequence of the last record of this deployment that was logged, 0 for none
 */
export function addToGaps(gaps: readonly Gap[], dropped: DroppedRecord, logged: number): Gap[] {
  const { deployment, sequence, eventTime } = dropped
  const at = gaps.findLastIndex(gap => gap.deployment === deployment)
  const last = gaps[at]
  const crowded = gaps.length >= KEPT_APART
  if (last === undefined || (last.lastSequence < logged && !crowded)) {
    const gap = { deployment, firstSequence: sequence, lastSequence: sequence }
    return [...gaps, { ...gap, fromEventTime: eventTime, toEventTime: eventTime }]
  }
  const widened = {
    ...last,
    lastSequence: sequence,
    fromEventTime: Math.min(last.fromEventTime, eventTime),
    toEventTime: Math.max(last.toEventTime, eventTime),
  }
  return gaps.with(at, widened)
}
