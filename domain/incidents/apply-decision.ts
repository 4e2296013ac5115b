import type { IncidentDecision, IncidentState } from './incident.js'
import { incidentMayFollow } from './incident-status.js'

/**
 * The incident after a decision was carried out. Waiting changes nothing but the status and the time
 * since which somebody else's rollout is waited for.
 * @throws RangeError for a decision that does not belong to the status: a bug, never an input
 */
export function applyDecision(state: IncidentState, decision: IncidentDecision): IncidentState {
  const { to } = decision
  if (to !== state.status && !incidentMayFollow(state.status, to)) {
    throw new RangeError(`an incident cannot go from ${state.status} to ${to}`)
  }
  const next: IncidentState = { ...state, status: to, waitingSince: null }
  switch (decision.do) {
    case 'wait':
      return decision.for === 'other_rollout' ? { ...next, waitingSince: decision.since } : next
    case 'retrain': {
      const { number, trigger, dataUntil } = decision
      const retrainings = [...state.retrainings, { number, trigger, dataUntil, version: null }]
      return { ...next, requested: null, observedFrom: null, retrainings }
    }
    case 'roll_out':
      return {
        ...next,
        retrainings: state.retrainings.with(-1, { ...state.retrainings.at(-1)!, version: decision.version }),
      }
    case 'observe':
      return { ...next, observedFrom: decision.from }
    case 'try_again':
      return { ...next, countFrom: decision.breached.end, observedFrom: null }
    case 'close':
      return { ...next, settledUntil: decision.settledUntil }
    case 'escalate':
      // A request that could not be followed is answered: it must not be tried again by itself.
      return { ...next, requested: null, observedFrom: null }
    case 'nothing':
      return state
  }
}
