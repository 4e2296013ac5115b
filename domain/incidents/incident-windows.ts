import { isJudged, openingRow, type WindowAssessment } from '../drift/assessments.js'
import type { IncidentPolicy, IncidentState } from './incident.js'

/** A window that will hardly change: its labels are there, or it has too few rows to ever be assessed. */
function isSettled({ state }: WindowAssessment): boolean {
  return state === 'assessable' || state === 'too_few'
}

export interface GatheredData {
  /** Labelled rows of all settled windows since the first breached one. */
  readonly rows: number
  /** First window an automatic retraining's data may end with, and the rows up to it; null before there is one. */
  readonly ready: { readonly last: WindowAssessment; readonly rows: number } | null
  /** No data of an automatic retraining ends before this event time. */
  readonly notBefore: number
}

/**
 * Whether there is enough to retrain by itself. The window that answers yes is the first in event time,
 * not the newest: an incident that is looked at late decides like one that was looked at in time.
 */
export function gatherData(
  state: IncidentState,
  windows: readonly WindowAssessment[],
  policy: IncidentPolicy,
): GatheredData {
  const last = state.retrainings.at(-1)
  const apart = last === undefined ? -Infinity : last.dataUntil + policy.retrainingsApartMs
  const notBefore = Math.max(state.countFrom, apart)
  let rows = 0
  let ready: GatheredData['ready'] = null
  for (const assessment of windows) {
    if (assessment.window.start < state.openedBy[0]!.start || !isSettled(assessment)) continue
    rows += assessment.labelled
    if (ready === null && rows >= policy.requiredRows && assessment.window.end >= notBefore) {
      ready = { last: assessment, rows }
    }
  }
  return { rows, ready, notBefore }
}

/** The data a human's request uses: up to the named time, else to the newest settled window's end. */
export function requestedData(
  state: IncidentState,
  windows: readonly WindowAssessment[],
  dataUntil: number | null,
): { rows: number; dataUntil: number } {
  const from = state.openedBy[0]!.start
  const since = windows.filter(({ window }) => window.start >= from)
  const until = dataUntil ?? since.findLast(isSettled)?.window.end ?? state.openedBy.at(-1)!.end
  const used = since.filter(({ window }) => window.end <= until)
  const rows = used.reduce((sum, { labelled }) => sum + labelled, 0)
  return { rows, dataUntil: until }
}

/** The windows without breach in a row with which the deployment got well by itself; null before. */
export function recovery(
  state: IncidentState,
  windows: readonly WindowAssessment[],
  policy: IncidentPolicy,
): readonly WindowAssessment[] | null {
  let row: WindowAssessment[] = []
  for (const assessment of windows) {
    if (assessment.window.start < state.countFrom || !isJudged(assessment)) continue
    row = assessment.breached ? [] : [...row, assessment]
    if (row.length >= policy.healthyToClose) return row
  }
  return null
}

/**
 * True when corrected labels took the ground away: every window that opened the incident is judged
 * anew, and no breached windows in a row are left.
 */
export function isWithdrawn(
  state: IncidentState,
  windows: readonly WindowAssessment[],
  policy: IncidentPolicy,
): boolean {
  const opened = state.openedBy.map(({ id }) => windows.find(({ window }) => window.id === id))
  if (!opened.every(each => each !== undefined && isJudged(each))) return false
  return openingRow(windows, { breachesInARow: policy.breachesInARow }) === null
}

/** What the windows after a rollout say, in order until one decides. */
export type ObservedWindows =
  | { readonly verdict: 'undecided'; readonly healthy: readonly WindowAssessment[] }
  | { readonly verdict: 'fixed'; readonly healthy: readonly WindowAssessment[] }
  | { readonly verdict: 'breached' | 'replaced'; readonly by: WindowAssessment }

/**
 * Follows the judged windows that began after a version had all traffic. Those it served wholly count;
 * one wholly served by another version means that somebody replaced it; mixed ones are passed over.
 */
export function observeWindows(
  version: number,
  from: number,
  windows: readonly WindowAssessment[],
  policy: IncidentPolicy,
): ObservedWindows {
  const healthy: WindowAssessment[] = []
  for (const assessment of windows) {
    if (assessment.window.start < from || !isJudged(assessment) || assessment.versions.length !== 1) continue
    if (assessment.versions[0] !== version) return { verdict: 'replaced', by: assessment }
    if (assessment.breached) return { verdict: 'breached', by: assessment }
    healthy.push(assessment)
    if (healthy.length >= policy.healthyToClose) return { verdict: 'fixed', healthy }
  }
  return { verdict: 'undecided', healthy }
}
