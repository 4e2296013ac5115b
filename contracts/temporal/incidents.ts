import { defineUpdate } from '@temporalio/workflow'
import type {
  Evidence,
  IncidentObservation,
  IncidentPolicy,
  IncidentState,
} from '../../domain/incidents/incident.js'
import type { IncidentStatus } from '../../domain/incidents/incident-status.js'
import type { RunEnd, RunFailure, RunInput } from './messages.js'

/** All that an incident takes along when its history is cut. */
export interface CarriedIncident {
  readonly state: IncidentState
  /** Events that are written already. */
  readonly events: number
  /** What was last said to be waited for: it is said once. */
  readonly said: string
  /** A retraining that could not be started, and why. */
  readonly failed?: FailedRetraining
  /** Answers to the latest verbs by the id of their update: the same verb again is not a second one. */
  readonly handled: readonly (readonly [id: string, answer: IncidentVerbAnswered])[]
}

export interface FailedRetraining {
  readonly number: number
  readonly error: RunFailure
}

export interface IncidentInput extends RunInput {
  readonly carried?: CarriedIncident
}

/** Where an attempt takes the incident up. */
export type ResumedIncident = Pick<CarriedIncident, 'state' | 'events' | 'said'>

export interface LookAtIncidentInput extends RunInput {
  /** Start of the first breached window. */
  readonly from: number
  /** Which of its own runs it waits for. */
  readonly following: 'training' | 'rollout' | null
  /** Number of the newest retraining, 0 before there is one, and the version it has registered. */
  readonly retraining: number
  readonly version: number | null
  /** What the last look came to: when it is the same, it is not sent again. */
  readonly seen: string | null
}

/** What is seen from outside; the workflow adds its clock. */
export type IncidentLook = Omit<IncidentObservation, 'now'> & { readonly policy: IncidentPolicy }

export interface IncidentLookAnswer {
  readonly hash: string
  readonly look?: IncidentLook
}

export interface RetrainingInput extends RunInput {
  /** Which one of the incident's; null for a retraining that is a run of its own. */
  readonly number: number | null
  readonly dataUntil: number
}

/** Outcome of the step that builds a set, in the step ledger. */
export interface RetrainingSetOutcome {
  readonly dataset: string
  readonly version: number
  readonly root: string
  readonly rows: number
  /** Labelled predictions among them. */
  readonly added: number
  /** False when the content equals the latest version: no new version was made. */
  readonly created: boolean
}

export interface IncidentRolloutInput extends RunInput {
  readonly number: number
  readonly version: number
}

export interface RecordIncidentInput extends RunInput {
  readonly state: IncidentState
  readonly message: string
  /** Number of the first event. */
  readonly first: number
  readonly entries: readonly IncidentEntry[]
}

/** One line of the incident's story. */
export interface IncidentEntry {
  /** Epoch milliseconds of the clock. */
  readonly at: number
  readonly status: IncidentStatus
  readonly message: string
  readonly evidence: Evidence
}

export interface IncidentLive {
  readonly stage: IncidentStatus
  /** What it waits for, or does. */
  readonly message?: string
}

export interface IncidentResult extends RunEnd {
  readonly incident: IncidentStatus
  readonly message: string
  /** Answers to its latest verbs: whoever did not hear one asks again when the workflow is over. */
  readonly verbs?: CarriedIncident['handled']
}

/** What a person tells an incident. Times are event times in epoch milliseconds. */
export type IncidentOrder = {
  readonly by: string
  readonly reason: string
  /** Of the request that brought it, where that has an Idempotency-Key. */
  readonly bodySha256?: string
} & (
  | { readonly verb: 'acknowledge' }
  | { readonly verb: 'retrain'; readonly dataUntil?: number }
  /** Without `settledUntil`: the end of the newest window that is judged. */
  | { readonly verb: 'close' | 'suppress'; readonly settledUntil?: number }
)

export interface IncidentVerbAnswered {
  readonly status: IncidentStatus
  readonly message: string
  /** Of the request that was answered: another one with its key gets no answer. */
  readonly bodySha256?: string
}

/** Steers an open incident. The id of the update is the request's Idempotency-Key. */
export const incidentVerb = defineUpdate<IncidentVerbAnswered, [IncidentOrder]>('verb')
