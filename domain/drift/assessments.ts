import type { WindowState } from './window-state.js'
import type { TimeWindow } from './windows.js'

/** What is known of a window. Each new look at it has a larger revision and replaces the older one. */
export interface WindowAssessment {
  readonly window: TimeWindow
  readonly revision: number
  readonly state: WindowState
  /** Null unless the window is assessable and its metrics could be judged. */
  readonly breached: boolean | null
  readonly labelled: number
  /** The model versions that answered its rows, mirrored and pinned rows excluded. */
  readonly versions: readonly number[]
}

export interface AlarmPolicy {
  /** How many breached windows in a row open an incident. */
  readonly breachesInARow: number
  /** Event time, epoch milliseconds; windows that begin before it are settled and open nothing. */
  readonly settledUntil?: number
}

export const DEFAULT_ALARM_POLICY: AlarmPolicy = { breachesInARow: 2 }

/** The revision of the next look at a window, from 1. */
export function nextRevision(assessments: readonly WindowAssessment[], windowId: string): number {
  return (assessments.find(({ window }) => window.id === windowId)?.revision ?? 0) + 1
}

/** Whether a window says anything about errors: it is assessable, and its metrics could be judged. */
export function isJudged({ state, breached }: WindowAssessment): boolean {
  return state === 'assessable' && breached !== null
}

/**
 * The first breached windows in a row that are enough to open an incident, in order; null where there
 * are none. Windows that are not judged are passed over: they neither end a row nor add to it.
 *
 * @param assessments one a window, in order of event time
 */
export function openingRow(
  assessments: readonly WindowAssessment[],
  policy: AlarmPolicy = DEFAULT_ALARM_POLICY,
): readonly WindowAssessment[] | null {
  const { breachesInARow, settledUntil = -Infinity } = policy
  let row: WindowAssessment[] = []
  for (const assessment of assessments) {
    if (assessment.window.start < settledUntil || !isJudged(assessment)) continue
    row = assessment.breached ? [...row, assessment] : []
    if (row.length >= breachesInARow) return row
  }
  return null
}

export interface Reassessment {
  /** One a window, in order of event time. */
  readonly assessments: readonly WindowAssessment[]
  /** `stale` is a look that is not newer than what is known, such as a late retry: it changes nothing. */
  readonly outcome: 'first' | 'replaced' | 'stale'
  /** What the look changes: an incident is to be opened, or the ground of one is gone. */
  readonly follows: 'opens' | 'withdraws' | 'nothing'
}

/**
 * Takes in a new look at a window, for example after labels were corrected.
 * @param assessments one a window, in order of event time
 */
export function reassess(
  assessments: readonly WindowAssessment[],
  next: WindowAssessment,
  policy: AlarmPolicy = DEFAULT_ALARM_POLICY,
): Reassessment {
  const known = assessments.find(({ window }) => window.id === next.window.id)
  if (known !== undefined && known.revision >= next.revision) {
    return { assessments, outcome: 'stale', follows: 'nothing' }
  }
  const replaced = [...assessments.filter(each => each !== known), next].sort(
    (a, b) => a.window.start - b.window.start,
  )
  const [before, after] = [openingRow(assessments, policy), openingRow(replaced, policy)]
  const opened = (before === null ? 0 : 1) - (after === null ? 0 : 1)
  return {
    assessments: replaced,
    outcome: known === undefined ? 'first' : 'replaced',
    follows: opened < 0 ? 'opens' : opened > 0 ? 'withdraws' : 'nothing',
  }
}
