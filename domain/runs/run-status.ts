/** Where a run is in its life. `refused` is a run that worked and whose answer is no (a gate, bad data). */
export type RunStatus =
  | 'accepted'
  | 'running'
  | 'succeeded'
  | 'refused'
  | 'failed'
  | 'timed_out'
  | 'cancelled'
  | 'terminated'
  | 'lost'
  | 'start_failed'

export type Transitions<State extends string> = { readonly [From in State]: readonly State[] }

const endings = ['failed', 'timed_out', 'cancelled', 'terminated', 'lost'] as const

/** Which status may follow which. A run that ended badly may be accepted again: that is a retry. */
export const RUN_TRANSITIONS = {
  accepted: ['running', 'start_failed', 'succeeded', 'refused', ...endings],
  running: ['succeeded', 'refused', ...endings],
  succeeded: [],
  refused: [],
  failed: ['accepted'],
  timed_out: ['accepted'],
  cancelled: ['accepted'],
  terminated: ['accepted'],
  lost: ['accepted'],
  start_failed: ['accepted'],
} as const satisfies Transitions<RunStatus>

/** Whether a write may change one status to the other; none leads back to itself, since each is entered once. */
export function mayFollow(from: RunStatus, to: RunStatus): boolean {
  return (RUN_TRANSITIONS[from] as readonly RunStatus[]).includes(to)
}

/** True while something is still going to happen by itself or under way. */
export function isOpen(status: RunStatus): boolean {
  return status === 'accepted' || status === 'running'
}

/** True before the end of a run: one that failed and is started again by itself has not come to it. */
export function isUnderWay(run: {
  readonly status: RunStatus
  readonly nextAttemptAt: Date | null
}): boolean {
  return isOpen(run.status) || run.nextAttemptAt !== null
}

/** True when the run may be started again under its own id, skipping the steps it has finished. */
export function isRetryable(status: RunStatus): boolean {
  return mayFollow(status, 'accepted')
}

/** Steps an attempt may write to its run row; the sequence of attempt n lies in [n, n + 1) x this. */
export const SEQUENCES_PER_ATTEMPT = 1000

/**
 * The order of writes to a run row: attempt first, then the write within it. A write with a
 * sequence that is not larger than the row's is stale and must change nothing.
 * @param attempt counts starts of the same run id, from 1
 * @param write counts writes within the attempt, from 0; the closing write uses the last number
 */
export function writeSequence(attempt: number, write: number | 'closing'): number {
  const within = write === 'closing' ? SEQUENCES_PER_ATTEMPT - 1 : Math.min(write, SEQUENCES_PER_ATTEMPT - 2)
  return attempt * SEQUENCES_PER_ATTEMPT + within
}
