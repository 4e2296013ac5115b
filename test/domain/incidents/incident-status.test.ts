import { describe, expect, it } from '@jest/globals'
import {
  INCIDENT_TRANSITIONS,
  incidentMayFollow,
  type IncidentStatus,
  isIncidentOpen,
} from '../../../domain/incidents/incident-status.js'

const STATUSES = Object.keys(INCIDENT_TRANSITIONS) as IncidentStatus[]

/** Every status that can be reached from one, itself included. */
function reachedFrom(first: IncidentStatus): IncidentStatus[] {
  const reached = new Set<IncidentStatus>()
  const visit = (status: IncidentStatus): void => {
    if (reached.has(status)) return
    reached.add(status)
    INCIDENT_TRANSITIONS[status].forEach(visit)
  }
  visit(first)
  return [...reached].sort()
}

describe('INCIDENT_TRANSITIONS', () => {
  it('reach every status from open', () => {
    expect(reachedFrom('open')).toEqual([...STATUSES].sort())
  })

  it('have no way out of an end, and from everywhere else a way to each end', () => {
    const ended = STATUSES.filter(status => !isIncidentOpen(status))
    expect(ended).toEqual(['closed', 'suppressed'])
    ended.forEach(status => expect(reachedFrom(status)).toEqual([status]))
    for (const status of STATUSES.filter(isIncidentOpen)) {
      expect(reachedFrom(status)).toEqual(expect.arrayContaining(['closed', 'suppressed']))
    }
  })

  it('roll out nothing that was not trained, and observe nothing that was not rolled out', () => {
    const before = (to: IncidentStatus): IncidentStatus[] =>
      STATUSES.filter(from => incidentMayFollow(from, to))
    expect(before('rolling_out')).toEqual(['retraining'])
    expect(before('observing')).toEqual(['rolling_out'])
    expect(before('open')).toEqual([])
  })
})
