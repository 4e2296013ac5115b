import { parseEventTime } from '../../../domain/drift/event-time.js'
import { applyDecision } from '../../../domain/incidents/apply-decision.js'
import { decideIncident } from '../../../domain/incidents/decide-incident.js'
import {
  DEFAULT_INCIDENT_POLICY,
  type IncidentDecision,
  type IncidentObservation,
  type IncidentPolicy,
  type IncidentState,
  openIncident,
} from '../../../domain/incidents/incident.js'
import { answerVerb, type IncidentVerb } from '../../../domain/incidents/incident-verbs.js'
import { months, type Say } from '../drift/months.js'

/** Labelled rows of each month of 2012 in the bike-sharing data. */
const ROWS_2012 = [741, 692, 743, 718, 744, 720, 744, 744, 720, 708, 718, 742]

/** The months of 2012 so far, with the versions that served each (1 where nothing is said). */
export function year2012(said: readonly Say[], versions: readonly (readonly number[])[] = []) {
  return months('2012-01', said, ROWS_2012, versions)
}

/** An incident opened by January and February 2012. */
export const OPENED = openIncident(year2012(['breached', 'breached']))

export const observe = (
  windows: IncidentObservation['windows'],
  more: Partial<IncidentObservation> = {},
): IncidentObservation => ({ now: 0, windows, ...more })

/** An incident that is followed through a story. */
export class Story {
  state: IncidentState = OPENED

  constructor(private readonly policy: IncidentPolicy = DEFAULT_INCIDENT_POLICY) {}

  /** Decides and applies once. */
  sees(
    said: readonly Say[],
    versions: readonly (readonly number[])[] = [],
    more: Partial<IncidentObservation> = {},
  ): IncidentDecision {
    const decision = decideIncident(this.state, observe(year2012(said, versions), more), this.policy)
    this.state = applyDecision(this.state, decision)
    return decision
  }

  /** Its newest retraining registers a version, which then has all traffic from that day on. */
  rollsOut(said: readonly Say[], version: number, day: string): void {
    const number = this.state.retrainings.length
    this.sees(said, [], { retraining: { number, status: 'registered', version } })
    this.sees(said, [], { rollout: { version, status: 'completed', completedAt: parseEventTime(day) } })
  }

  /** A verb that must be accepted. */
  isTold(verb: IncidentVerb): void {
    const answer = answerVerb(this.state, verb)
    if (!answer.accepted) throw new Error(answer.reason)
    this.state = answer.state
  }
}
