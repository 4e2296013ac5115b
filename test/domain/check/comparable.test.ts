import { describe, expect, it } from '@jest/globals'
import type { StackFacts } from '../../../domain/check/facts.js'
import { buildReport } from '../../../domain/check/report.js'
import {
  checksOf,
  driftWindow,
  incident,
  labels,
  plan,
  predictionFile,
  segment,
  served,
  stable,
} from './support.js'

const comparable = (facts: StackFacts) => buildReport(facts).comparable
const january = driftWindow('2012-01', { breached: true })
const base = served()
const logged = {
  deploymentId: 'bike',
  repeated: 0,
  mismatched: 0,
  ids: [
    { version: 1, role: 'candidate', count: 4 },
    { version: 1, role: 'pinned', count: 1 },
    { version: 1, role: 'shadow', count: 7 },
    { version: 1, role: 'stable', count: 16 },
  ],
}
const checks = checksOf([january])
const calm: StackFacts = {
  ...base,
  runs: [...base.runs, ...checks.runs],
  ledger: [...base.ledger, ...checks.ledger],
  labels: [labels()],
  logged: [logged],
  driftWindows: [january],
  incidents: [incident()],
}

describe('what stacks that served alike have in common', () => {
  it('is what was served, how it was rolled out, and how that turned out', () => {
    expect(comparable(calm).deployments).toEqual([
      {
        project: 'default',
        name: 'bike',
        model: 'demand',
        plans: [[stable(1)]],
        rollouts: [{ version: 1, ended: 'promoted' }],
        answered: 20,
        pinned: 1,
        labels: 20,
        corrections: 1,
        windows: [{ window: '2012-01', rows: 700, labelled: 690, breached: true }],
        incidents: [{ signal: 'errors', status: 'observing', retrainings: 1 }],
      },
    ])
    expect(JSON.stringify(comparable(calm))).not.toContain('0199d2a0')
  })

  it('is the same however the log was cut, whichever replica answered, and how often was looked', () => {
    const looks = [january, driftWindow('2012-01', { revision: 2, breached: true })]
    const more = checksOf(looks)
    const killed: StackFacts = {
      ...calm,
      segments: [segment(1, { replica: 'x' }), segment(2, { replica: 'y' }), segment(3, { replica: 'x' })],
      predictionFiles: [predictionFile([1, 2], 20), predictionFile([3], 2)],
      plans: [base.plans[0]!, plan(2, [stable(1)])],
      replicas: [
        {
          replica: 'y',
          deploymentId: 'bike',
          revision: 2,
          problem: null,
          address: 'http://y',
          seenAt: base.now,
        },
      ],
      decisionLogs: [{ ...base.decisionLogs[0]!, entries: 9, last: 9 }],
      logged: [
        { ...logged, ids: logged.ids.map(each => (each.role === 'shadow' ? { ...each, count: 5 } : each)) },
      ],
      driftWindows: looks,
      runs: [...base.runs, ...more.runs],
      ledger: [...base.ledger, ...more.ledger],
      incidents: [incident({ id: 'other', events: 5 })],
    }
    const { deployments, effects, runs } = comparable(killed)
    expect({ deployments, effects, runs }).toEqual({
      deployments: comparable(calm).deployments,
      effects: comparable(calm).effects,
      runs: comparable(calm).runs,
    })
  })

  it.each<[string, Partial<StackFacts>]>([
    ['other weights', { plans: [plan(1, [stable(2)])] }],
    ['other answers', { logged: [{ ...logged, ids: logged.ids.slice(1) }] }],
    ['other labels', { labels: [labels({ labels: 19 })] }],
    ['other corrections', { labels: [labels({ corrections: 2 })] }],
    ['another verdict', { driftWindows: [{ ...january, breached: false }] }],
    ['another end', { incidents: [incident({ status: 'escalated' })] }],
    ['another retraining', { incidents: [incident({ retrainings: 2 })] }],
  ])('differs by %s', (_, change) => {
    expect(comparable({ ...calm, ...change }).deployments).not.toEqual(comparable(calm).deployments)
  })
})
