import type { WindowState } from '../../domain/drift/window-state.js'
import type { ContentRef, RunEnd, RunLimits, TickInput } from './messages.js'

/** The window that is to be assessed, as the run's row has it. Times are epoch milliseconds. */
export interface DriftRequest {
  readonly windowId: string
  readonly start: number
  readonly end: number
}

export type DriftStage = 'collect' | 'assess' | 'report' | 'record' | 'done'

export interface DriftLive {
  readonly stage: DriftStage
  readonly window?: string
  readonly state?: WindowState
  readonly breached?: boolean | null
}

// Outcomes of steps, as the step ledger keeps them.

export interface CollectOutcome {
  readonly window: string
  readonly state: WindowState
  readonly rows: number
  readonly labelled: number
  /** Which files and labels the window is made of, so that every later step sees the same. */
  readonly snapshot: ContentRef
  /** The labels that the snapshot names: an object that only another object names would be in no backup. */
  readonly labels: ContentRef
}

export interface AssessOutcome {
  readonly breached: boolean | null
  /** What speaks, in words: the checks of an assessable window, the reason of another. */
  readonly findings: readonly string[]
  /** The whole report as canonical JSON. */
  readonly report: ContentRef
}

export interface ReportOutcome {
  readonly html: ContentRef
}

export interface RecordOutcome {
  readonly revision: number
  /** `unchanged`: the latest revision saw the same; `stale`: it was made from newer data. */
  readonly outcome: 'recorded' | 'unchanged' | 'stale'
}

export interface CheckDriftResult extends RunEnd {
  readonly window?: string
  readonly revision?: number
  readonly breached?: boolean | null
}

/** What a tick of the system's schedule did. */
export interface DueWindows {
  /** Deployments with a policy. */
  readonly watched: number
  /** Checks that were taken on, `<deployment> <window>`. */
  readonly accepted: readonly string[]
}

/** One tick of a schedule that checks a deployment's windows. */
export interface CheckTickInput extends TickInput {
  /** What a tick takes along when its history is cut. */
  readonly carried?: CheckedWindows
}

export interface CheckedWindows {
  readonly checked: number
  readonly failed: number
  /** Why the first of them failed. */
  readonly failure?: { readonly code: string; readonly message: string }
  /** Start of the newest window that was taken on, epoch milliseconds; null for none yet. */
  readonly after: number | null
}

export interface TakeOnChecksInput extends TickInput {
  /** Only windows that begin later; null for all. */
  readonly after: number | null
}

/** The next few checks, oldest window first; none when no window is due any more. */
export interface TakenChecks {
  readonly deployment: string
  readonly windows: readonly string[]
  readonly runIds: readonly string[]
  readonly after: number | null
  readonly limits: RunLimits
}

export interface CheckTickResult {
  readonly deployment: string
  readonly checked: number
}
