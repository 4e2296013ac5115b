import type { WindowAssessment } from '../drift/assessments.js'
import { DAY_MS, type TimeWindow } from '../drift/windows.js'
import type { IncidentStatus } from './incident-status.js'

export interface IncidentPolicy {
  /** Breached windows in a row without which the incident has no ground. */
  readonly breachesInARow: number
  /** Labelled rows since the first breached window that an automatic retraining needs. */
  readonly requiredRows: number
  /** Assessable windows in a row without breach that close it. */
  readonly healthyToClose: number
  readonly maxAutomaticRetrainings: number
  /** Event time between the data of an automatic retraining and that of the one before, milliseconds. */
  readonly retrainingsApartMs: number
  /** How long a rollout of somebody else is waited for, milliseconds of the clock. */
  readonly rolloutDeadlineMs: number
}

export const DEFAULT_INCIDENT_POLICY: IncidentPolicy = {
  breachesInARow: 2,
  requiredRows: 2800,
  healthyToClose: 2,
  maxAutomaticRetrainings: 2,
  retrainingsApartMs: 7 * DAY_MS,
  rolloutDeadlineMs: DAY_MS,
}

export interface Retraining {
  /** From 1. */
  readonly number: number
  readonly trigger: 'automatic' | 'requested'
  /** End of its data, event time. */
  readonly dataUntil: number
  /** The version it registered; null until it has. */
  readonly version: number | null
}

/** A human's word that the incident retrains now, whatever rows there are. */
export interface RetrainRequest {
  readonly by: string
  readonly reason: string
  /** End of the data, event time; null for the end of the newest window that is known. */
  readonly dataUntil: number | null
}

/** All an incident remembers; JSON. Times are event times in epoch milliseconds unless said otherwise. */
export interface IncidentState {
  readonly status: IncidentStatus
  /** The breached windows in a row that opened it, at least one. */
  readonly openedBy: readonly TimeWindow[]
  /** Windows that begin before it say nothing about recovery, and no data ends before it. */
  readonly countFrom: number
  readonly retrainings: readonly Retraining[]
  /** When the newest retraining's version had all traffic; null before. */
  readonly observedFrom: number | null
  readonly requested: RetrainRequest | null
  /** Clock time since which a rollout of somebody else is waited for; null when none is. */
  readonly waitingSince: number | null
  readonly acknowledged: { readonly by: string; readonly note: string } | null
  /** Set at its end: windows that begin before it open no other incident. */
  readonly settledUntil: number | null
}

export type Evidence = Readonly<Record<string, unknown>>

/** What the incident's workflow sees. */
export interface IncidentObservation {
  /** Clock of the workflow, epoch milliseconds. */
  readonly now: number
  /** Newest assessment of every window from the first breached on, in order of event time. */
  readonly windows: readonly WindowAssessment[]
  /** The retraining under way or ended, by its number. */
  readonly retraining?: { readonly number: number } & (
    | { readonly status: 'running' }
    | { readonly status: 'registered'; readonly version: number }
    | { readonly status: 'gate_refused' | 'failed'; readonly evidence: Evidence }
  )
  /** The incident's own rollout, by the version it brings. */
  readonly rollout?: { readonly version: number } & (
    | { readonly status: 'running' }
    /** Event time from which its version has all traffic. */
    | { readonly status: 'completed'; readonly completedAt: number }
    | { readonly status: 'rolled_back' | 'aborted' | 'failed'; readonly evidence: Evidence }
  )
  /** A rollout of the deployment that somebody else has in progress. */
  readonly otherRollout?: { readonly rolloutId: string }
}

export type CloseReason = 'fixed' | 'recovered' | 'withdrawn'

export type EscalationReason =
  | 'gate_refused'
  | 'retraining_failed'
  | 'rolled_back'
  | 'rollout_aborted'
  | 'rollout_failed'
  | 'rollout_in_progress'
  | 'retrainings_used'
  | 'replaced'

/** What to do next; `to` is the status that follows, `message` what to show. */
export type IncidentDecision = { readonly to: IncidentStatus; readonly message: string } & (
  | { readonly do: 'wait'; readonly for: 'data'; readonly rows: number; readonly required: number }
  /** For a window that ends at or after this event time. */
  | { readonly do: 'wait'; readonly for: 'spacing'; readonly until: number }
  /** Both in milliseconds of the clock. */
  | { readonly do: 'wait'; readonly for: 'other_rollout'; readonly since: number; readonly deadline: number }
  | { readonly do: 'wait'; readonly for: 'retraining' | 'rollout' | 'human' }
  | { readonly do: 'wait'; readonly for: 'windows'; readonly healthy: number; readonly required: number }
  | {
      readonly do: 'retrain'
      readonly number: number
      readonly trigger: Retraining['trigger']
      /** All labelled predictions before dataUntil join the training data; `rows` counts those from dataFrom on. */
      readonly dataFrom: number
      readonly dataUntil: number
      readonly rows: number
    }
  | { readonly do: 'roll_out'; readonly version: number }
  | { readonly do: 'observe'; readonly version: number; readonly from: number }
  /** The observed version is breached too: gather data again, from this window on. */
  | { readonly do: 'try_again'; readonly breached: TimeWindow }
  | {
      readonly do: 'close'
      readonly reason: CloseReason
      readonly settledUntil: number
      readonly evidence: Evidence
    }
  | { readonly do: 'escalate'; readonly reason: EscalationReason; readonly evidence: Evidence }
  | { readonly do: 'nothing' }
)

/**
 * A new incident.
 * @param row the breached windows in a row that open it (`openingRow`), in order
 * @throws RangeError for an empty row
 */
export function openIncident(row: readonly WindowAssessment[]): IncidentState {
  const last = row.at(-1)
  if (last === undefined) throw new RangeError('an incident opens with at least one breached window')
  return {
    status: 'open',
    openedBy: row.map(({ window }) => window),
    countFrom: last.window.end,
    retrainings: [],
    observedFrom: null,
    requested: null,
    waitingSince: null,
    acknowledged: null,
    settledUntil: null,
  }
}

/** Automatic retrainings so far; those a human asked for do not count against the limit. */
export function automaticRetrainings({ retrainings }: IncidentState): number {
  return retrainings.filter(({ trigger }) => trigger === 'automatic').length
}
