import type { Transitions } from '../runs/run-status.js'

/** What went wrong: one incident of each is open at a time. */
export type IncidentSignal = 'errors'

/** Where an incident is. `escalated` waits for a human: what could be done by itself was done. */
export type IncidentStatus =
  | 'open'
  | 'waiting_for_data'
  | 'retraining'
  | 'rolling_out'
  | 'observing'
  | 'escalated'
  | 'closed'
  | 'suppressed'

/**
 * Which status may follow which. An observed window that is still breached leads back to waiting: the
 * incident stays the same one. Escalated is no end, so that the deployment's next breach joins it
 * instead of starting the same retrainings again.
 */
export const INCIDENT_TRANSITIONS = {
  open: ['waiting_for_data', 'retraining', 'escalated', 'closed', 'suppressed'],
  waiting_for_data: ['retraining', 'escalated', 'closed', 'suppressed'],
  retraining: ['rolling_out', 'escalated'],
  rolling_out: ['observing', 'escalated'],
  observing: ['waiting_for_data', 'retraining', 'escalated', 'closed', 'suppressed'],
  escalated: ['retraining', 'closed', 'suppressed'],
  closed: [],
  suppressed: [],
} as const satisfies Transitions<IncidentStatus>

/** Whether an incident may go from one status to the other. */
export function incidentMayFollow(from: IncidentStatus, to: IncidentStatus): boolean {
  return (INCIDENT_TRANSITIONS[from] as readonly IncidentStatus[]).includes(to)
}

/** True until the incident has ended; a deployment has one open incident a signal. */
export function isIncidentOpen(status: IncidentStatus): boolean {
  return INCIDENT_TRANSITIONS[status].length > 0
}
