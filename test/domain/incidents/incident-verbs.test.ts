import { describe, expect, it } from '@jest/globals'
import { decideIncident } from '../../../domain/incidents/decide-incident.js'
import type { IncidentState } from '../../../domain/incidents/incident.js'
import { INCIDENT_TRANSITIONS, type IncidentStatus } from '../../../domain/incidents/incident-status.js'
import { answerVerb, type IncidentVerb } from '../../../domain/incidents/incident-verbs.js'
import { observe, OPENED, year2012 } from './support.js'

const STATUSES = Object.keys(INCIDENT_TRANSITIONS) as IncidentStatus[]
const who = { by: 'ana', reason: 'a known sale' }
const settledUntil = OPENED.countFrom
const verbs: readonly IncidentVerb[] = [
  { ...who, verb: 'acknowledge' },
  { ...who, verb: 'retrain' },
  { ...who, verb: 'close', settledUntil },
  { ...who, verb: 'suppress', settledUntil },
]

/** An incident as it may be in each status. */
function inStatus(status: IncidentStatus): IncidentState {
  const trained = ['retraining', 'rolling_out', 'observing'].includes(status)
  const retraining = { number: 1, trigger: 'automatic', dataUntil: settledUntil, version: 2 } as const
  return {
    ...OPENED,
    status,
    retrainings: trained ? [retraining] : [],
    observedFrom: status === 'observing' ? settledUntil : null,
  }
}

describe('verbs', () => {
  // What each status answers to acknowledge, retrain, close, suppress.
  it.each<[IncidentStatus, string[]]>([
    ['open', ['open', 'open', 'closed', 'suppressed']],
    ['waiting_for_data', ['waiting_for_data', 'waiting_for_data', 'closed', 'suppressed']],
    ['retraining', ['retraining', 'wrong_state', 'wrong_state', 'wrong_state']],
    ['rolling_out', ['rolling_out', 'wrong_state', 'wrong_state', 'wrong_state']],
    ['observing', ['observing', 'observing', 'closed', 'suppressed']],
    ['escalated', ['escalated', 'escalated', 'closed', 'suppressed']],
    ['closed', ['wrong_state', 'wrong_state', 'wrong_state', 'wrong_state']],
    ['suppressed', ['wrong_state', 'wrong_state', 'wrong_state', 'wrong_state']],
  ])('of an incident that is %s', (status, expected) => {
    const answers = verbs.map(verb => answerVerb(inStatus(status), verb))
    expect(answers.map(answer => (answer.accepted ? answer.state.status : answer.code))).toEqual(expected)
  })

  it('are in the table for every status', () => {
    for (const status of STATUSES) for (const verb of verbs) answerVerb(inStatus(status), verb)
    expect(STATUSES).toHaveLength(8)
  })

  it.each([
    ['retraining', 'retrain', 'Cannot retrain: a retraining is in progress: wait for it or cancel it first.'],
    ['rolling_out', 'close', 'Cannot close: a rollout is in progress: wait for it or abort it first.'],
    ['closed', 'suppress', 'The incident is closed; it takes no verbs.'],
  ] as const)('are refused by %s to %s with what to do', (status, verb, reason) => {
    const told = verbs.find(each => each.verb === verb)!
    expect(answerVerb(inStatus(status), told)).toEqual({ accepted: false, code: 'wrong_state', reason })
  })

  it.each<[string, IncidentVerb, string]>([
    ['nobody', { ...verbs[0]!, by: ' ' }, 'who says it and why'],
    ['no reason', { ...verbs[2]!, reason: '' }, 'who says it and why'],
    ['no end', { ...who, verb: 'close', settledUntil: NaN }, 'until which windows are settled'],
    ['data from before', { ...who, verb: 'retrain', dataUntil: OPENED.openedBy[0]!.start }, 'before 2012-01'],
    ['data until no number', { ...who, verb: 'retrain', dataUntil: NaN }, 'before 2012-01'],
  ])('with %s are refused', (_what, verb, reason) => {
    expect(answerVerb(OPENED, verb)).toEqual({
      accepted: false,
      code: 'invalid_request',
      reason: expect.stringContaining(reason),
    })
  })

  it('end an incident with what is settled', () => {
    const answer = answerVerb(OPENED, verbs[3]!)
    expect(answer).toMatchObject({ accepted: true, state: { status: 'suppressed', settledUntil } })
  })

  it('keep the first acknowledgement', () => {
    const first = answerVerb(OPENED, verbs[0]!)
    const second = answerVerb(first.accepted ? first.state : OPENED, { ...verbs[0]!, by: 'ben' })
    expect(second).toMatchObject({ state: { acknowledged: { by: 'ana', note: 'a known sale' } } })
  })

  it.each(['open', 'waiting_for_data', 'observing', 'escalated'] as const)(
    'ask a %s incident to retrain once, with whatever rows there are',
    status => {
      const asked = answerVerb(inStatus(status), verbs[1]!)
      const state = asked.accepted ? asked.state : OPENED
      expect(answerVerb(state, verbs[1]!)).toMatchObject({ accepted: false, code: 'wrong_state' })
      const decision = decideIncident(state, observe(year2012(['breached', 'breached', 'open'])))
      expect(decision).toMatchObject({
        do: 'retrain',
        trigger: 'requested',
        rows: 741 + 692,
        dataUntil: settledUntil,
      })
    },
  )
})
