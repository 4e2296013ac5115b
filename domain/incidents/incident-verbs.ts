import type { ErrorCode } from '../errors.js'
import type { IncidentState } from './incident.js'
import { type IncidentStatus, isIncidentOpen } from './incident-status.js'

/** What a human may tell an incident. Times are event times in epoch milliseconds. */
export type IncidentVerb = { readonly by: string; readonly reason: string } & (
  | { readonly verb: 'acknowledge' }
  /** Retrain now, with the labelled rows until `dataUntil`, or all there are in whole windows. */
  | { readonly verb: 'retrain'; readonly dataUntil?: number }
  /** End it. Windows that begin before `settledUntil` open no other incident. */
  | { readonly verb: 'close' | 'suppress'; readonly settledUntil: number }
)

export type VerbAnswer =
  | { readonly accepted: true; readonly state: IncidentState }
  | { readonly accepted: false; readonly code: ErrorCode; readonly reason: string }

/** What must be ended first where work is in progress: a verb never leaves a training or rollout behind. */
const IN_PROGRESS: Readonly<Partial<Record<IncidentStatus, string>>> = {
  retraining: 'a retraining is in progress: wait for it or cancel it first',
  rolling_out: 'a rollout is in progress: wait for it or abort it first',
}

/**
 * Answers a verb: the state after it, or the refusal with an error code and what to do instead.
 * Never throws; an ended incident refuses all verbs. A second acknowledgement keeps the first.
 */
export function answerVerb(state: IncidentState, verb: IncidentVerb): VerbAnswer {
  const { status } = state
  if (!isIncidentOpen(status)) return refuse('wrong_state', `The incident is ${status}; it takes no verbs.`)
  if (verb.by.trim() === '' || verb.reason.trim() === '') {
    return refuse('invalid_request', `${verb.verb} needs who says it and why.`)
  }
  switch (verb.verb) {
    case 'acknowledge': {
      const acknowledged = state.acknowledged ?? { by: verb.by, note: verb.reason }
      return { accepted: true, state: { ...state, acknowledged } }
    }
    case 'retrain':
      return requestRetraining(state, verb.by, verb.reason, verb.dataUntil)
    case 'close':
    case 'suppress': {
      const busy = IN_PROGRESS[status]
      if (busy !== undefined) return refuse('wrong_state', `Cannot ${verb.verb}: ${busy}.`)
      if (!Number.isFinite(verb.settledUntil)) {
        return refuse('invalid_request', `${verb.verb} needs the event time until which windows are settled.`)
      }
      const ended = verb.verb === 'close' ? ('closed' as const) : ('suppressed' as const)
      const { settledUntil } = verb
      return {
        accepted: true,
        state: { ...state, status: ended, settledUntil, requested: null, waitingSince: null },
      }
    }
  }
}

function requestRetraining(
  state: IncidentState,
  by: string,
  reason: string,
  dataUntil: number | undefined,
): VerbAnswer {
  const busy = IN_PROGRESS[state.status]
  if (busy !== undefined) return refuse('wrong_state', `Cannot retrain: ${busy}.`)
  if (state.requested !== null) {
    return refuse('wrong_state', `Cannot retrain: ${state.requested.by} has asked for it already.`)
  }
  const first = state.openedBy[0]!
  if (dataUntil !== undefined && !(dataUntil > first.start)) {
    const message = `Cannot retrain: the data would end before ${first.id}, the first breached window, begins.`
    return refuse('invalid_request', message)
  }
  return { accepted: true, state: { ...state, requested: { by, reason, dataUntil: dataUntil ?? null } } }
}

function refuse(code: ErrorCode, reason: string): VerbAnswer {
  return { accepted: false, code, reason }
}
