import type { WindowSummary } from './monitoring.js'
import type { Operation } from './operations.js'

export type IncidentState =
  | 'open'
  | 'waiting_for_data'
  | 'retraining'
  | 'rolling_out'
  | 'observing'
  | 'escalated'
  | 'closed'
  | 'suppressed'

/** An incident as lists show it. */
export interface IncidentSummary {
  id: string
  deployment: string
  /** What went wrong; one incident of each is open at a time. */
  signal: 'errors'
  status: IncidentState
  /** What it waits for or does, or how it ended. */
  message: string
  /** The breached windows in a row that opened it. */
  openedBy: IncidentWindow[]
  acknowledged: { by: string; note: string } | null
  openedAt: string
  closedAt: string | null
  links: { self: string; page: string; events: string; operation: string }
}

export interface IncidentWindow {
  id: string
  /** Event times: the start belongs to it, the end does not. */
  start: string
  end: string
}

export interface Incident extends IncidentSummary {
  /** What the workflow says right now; null when nobody answers within a second. */
  live: { status: string; message: string | null } | null
  /** Windows from the first breached one on, newest first. */
  windows: WindowSummary[]
  retrainings: IncidentRetraining[]
  /** Windows that begin before it open no other incident; null until it has ended. */
  settledUntil: string | null
  /** The newest, newest first; all are at `links.events`. */
  events: IncidentEvent[]
  /** The run that follows it. */
  operation: Operation
}

export interface IncidentRetraining {
  number: number
  trigger: 'automatic' | 'requested'
  /** End of its data, event time. */
  dataUntil: string
  /** Version that it has registered. */
  version: number | null
  /** The set that was built; `added` counts labelled predictions. */
  dataset: { name: string; version: number; rows: number; added: number } | null
  /** The run that gives the version: a training, or a run of the policy's pipeline. */
  training: IncidentRun | null
  rollout: IncidentRun | null
}

/** A run that the incident has started. */
export interface IncidentRun {
  id: string
  kind: 'training' | 'pipeline' | 'rollout'
  status: Operation['status']
  /** How it ended where that was not well, or the outcome of a rollout. */
  outcome: string | null
  href: string
}

/** One line of an incident's story. */
export interface IncidentEvent {
  number: number
  at: string
  status: IncidentState
  message: string
  evidence: Record<string, unknown>
}

export interface AcknowledgeIncident {
  reason: string
}

export interface RetrainIncident {
  reason: string
  /** Event time up to which labelled predictions are used; the end of the newest whole window by default. */
  dataUntil?: string
}

export interface EndIncident {
  reason: string
  /** Event time: windows that begin before it open no other incident; the end of the newest judged one by default. */
  settledUntil?: string
}

export interface IncidentVerbAccepted {
  incidentId: string
  status: IncidentState
  message: string
}
