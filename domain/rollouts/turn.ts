import type { RoutingPlan } from '../routing/plan.js'
import { type Assessment, assess, type Evidence, type Verdict } from './assess.js'
import type { Gate } from './gates.js'
import type { Observation } from './observation.js'
import type { RolloutStatus } from './rollout-status.js'
import type { Purpose, RolloutState } from './state.js'

/** The one thing to do before looking again. */
export type Action =
  | { readonly kind: 'preflight' }
  /** Append the plan and wait for every replica's acknowledgement; the same issue may be asked for again. */
  | {
      readonly kind: 'setPlan'
      readonly issue: number
      readonly purpose: Purpose
      readonly plan: RoutingPlan
    }
  /** Look again at `until` (epoch milliseconds; null: never by itself), after a verb, or when more is known. */
  | { readonly kind: 'wait'; readonly until: number | null; readonly for: string }
  /** Make the candidate the registry's champion; then observe `promoted`. */
  | { readonly kind: 'promote'; readonly version: number }
  | { readonly kind: 'finish'; readonly status: RolloutStatus; readonly reason: string | null }

/** One line of the decision log: what happened, why, and the evidence for it. */
export interface DecisionEntry {
  /** Epoch milliseconds. */
  readonly at: number
  /** Index of the step it is about. */
  readonly step: number
  /** The status that follows. */
  readonly status: RolloutStatus
  readonly verdict: Verdict | null
  readonly message: string
  readonly assessments: readonly Assessment[]
  /** Hashes of the rows the assessments are of, as they were observed. */
  readonly rows: { readonly split?: string; readonly mirrored?: string }
}

/** One move of the machine: without an action it is followed by the next. */
export interface Turn {
  readonly state: RolloutState
  readonly action?: Action
  readonly entries: readonly DecisionEntry[]
}

/** The observed rows that belong to the plan in force; those of other weights are not compared. */
export function evidenceOf(state: RolloutState, { split, mirrored }: Observation): Evidence {
  return {
    ...(split && split.fromRevision === state.armsFrom ? { split } : {}),
    ...(mirrored && mirrored.fromRevision === state.mirrorFrom ? { mirrored } : {}),
  }
}

/** What each gate says now. */
export function assessAll(gates: readonly Gate[], evidence: Evidence): Assessment[] {
  return gates.map(gate => assess(gate, evidence))
}

/** A turn that only asks for something. */
export function ask(state: RolloutState, action: Action): Turn {
  return { state, action, entries: [] }
}

/** A turn that changes the state and says so in the log. */
export function note(
  state: RolloutState,
  now: number,
  message: string,
  judged?: {
    readonly verdict: Verdict
    readonly assessments: readonly Assessment[]
    readonly evidence: Evidence
  },
): Turn {
  const { split, mirrored } = judged?.evidence ?? {}
  const entry: DecisionEntry = {
    at: now,
    step: state.step,
    status: state.status,
    verdict: judged?.verdict ?? null,
    message,
    assessments: judged?.assessments ?? [],
    rows: {
      ...(split ? { split: split.rowsHash } : {}),
      ...(mirrored ? { mirrored: mirrored.rowsHash } : {}),
    },
  }
  return { state, entries: [entry] }
}
