import { describe, expect, it } from '@jest/globals'
import { incidentPage } from '../../../domain/incidents/page/page.js'
import { DEMO_FACTS } from './page-facts.js'

describe('the page of an incident', () => {
  const page = incidentPage(DEMO_FACTS)

  it('is one file that runs and fetches nothing, the same each time', () => {
    expect(page).not.toMatch(/<script|<link|<img|src=|@import|url\(/)
    expect(incidentPage(structuredClone(DEMO_FACTS))).toBe(page)
  })

  it('tells the whole story', () => {
    for (const part of [
      'Errors of bike went up in 2012-01 and 2012-02',
      '2012-07 and 2012-08 without breach, with version 3',
      '/v1/deployments/bike/windows/2012-01/report?revision=1',
      'bike version 2',
      '11,539 rows, 4,354 of them labelled predictions',
      'against the champion',
      'version 3 10 %',
      'waiting for data 2176/2800',
      'http://web.example/workflow',
    ]) {
      expect([part, page.toLowerCase().includes(part.toLowerCase())]).toEqual([part, true])
    }
  })

  it('escapes what comes from outside', () => {
    const evil = '<b onclick="x">&'
    const events = [{ ...DEMO_FACTS.events[0]!, message: evil, evidence: { evil } }]
    const text = incidentPage({ ...DEMO_FACTS, events, message: evil })
    expect(text).not.toContain('<b onclick')
    expect(text).toContain('&lt;b onclick=&quot;x&quot;&gt;&amp;')
  })

  it('shows an incident at its beginning, and one that waits for a person', () => {
    const { state } = DEMO_FACTS
    const opened = incidentPage({
      ...DEMO_FACTS,
      state: { ...state, status: 'open', retrainings: [], settledUntil: null },
      closedAt: null,
      windows: [],
      retrainings: [],
      plans: [],
      workflow: null,
    })
    expect(opened).not.toContain('<h2>Retraining</h2>')
    expect(opened).not.toContain('Temporal Web')
    const acknowledged = { by: 'key:ann', note: 'on it' }
    const escalated = incidentPage({ ...DEMO_FACTS, state: { ...state, status: 'escalated', acknowledged } })
    expect(escalated).toContain('Waiting for a person: retrain, close or suppress.')
    expect(escalated).toContain('Acknowledged by key:ann: on it.')
    const waiting = { ...DEMO_FACTS.windows[0]!, metrics: null, breached: null, reason: '3 rows' }
    expect(incidentPage({ ...DEMO_FACTS, windows: [waiting] })).toContain('not judged: 3 rows')
  })
})
