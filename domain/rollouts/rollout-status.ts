import type { Transitions } from '../runs/run-status.js'

/** Where a rollout is in its life. `held` waits for a person because evidence or replicas were missing. */
export type RolloutStatus =
  | 'pending'
  | 'running'
  | 'paused'
  | 'waiting_approval'
  | 'held'
  | 'promoting'
  | 'rolling_back'
  | 'aborting'
  | 'promoted'
  | 'reported'
  | 'rolled_back'
  | 'aborted'
  | 'failed'

const back = ['rolling_back', 'aborting'] as const

/** Which status may follow which. From every open one the way back to stable is open until the promotion. */
export const ROLLOUT_TRANSITIONS = {
  pending: ['running', 'paused', ...back],
  running: ['paused', 'waiting_approval', 'held', 'promoting', 'reported', 'failed', ...back],
  paused: ['running', 'held', ...back],
  waiting_approval: ['running', ...back],
  held: ['running', ...back],
  promoting: ['promoted', 'held', ...back],
  rolling_back: ['rolled_back'],
  aborting: ['aborted'],
  promoted: [],
  reported: [],
  rolled_back: [],
  aborted: [],
  failed: [],
} as const satisfies Transitions<RolloutStatus>

/** True once nothing will change any more. */
export function isClosed(status: RolloutStatus): boolean {
  return ROLLOUT_TRANSITIONS[status].length === 0
}
