import { describe, expect, it } from '@jest/globals'
import type { CheckCode, StackFacts } from '../../../domain/check/facts.js'
import type { IncidentFacts } from '../../../domain/check/serving-facts.js'
import type { RunStatus } from '../../../domain/runs/run-status.js'
import { checksOf, codes, driftWindow, incident, NOW, served } from './support.js'

const well = served()
const windows = (driftWindows: StackFacts['driftWindows']): StackFacts => {
  const { runs, ledger } = checksOf(driftWindows)
  return { ...well, driftWindows, runs: [...well.runs, ...runs], ledger: [...well.ledger, ...ledger] }
}
const january = driftWindow('2012-01')
const again = driftWindow('2012-01', { revision: 2 })

describe('windows', () => {
  it.each<[string, CheckCode[], StackFacts]>([
    ['each assessed', [], windows([january, again, driftWindow('2012-02')])],
    ['without their first assessment', ['window_gap'], windows([again])],
    [
      'with a missing assessment',
      ['window_gap'],
      windows([january, driftWindow('2012-01', { revision: 3 })]),
    ],
    ['assessed twice as they were', ['window_repeated'], windows([january, { ...again, fingerprint: january.fingerprint }])], // prettier-ignore
    ['whose row is gone', ['effect_missing'], { ...windows([january]), driftWindows: [] }],
    ['whose row says otherwise', ['effect_differs', 'window_gap'], { ...windows([january]), driftWindows: [{ ...january, revision: 2 }] }], // prettier-ignore
    ['that no run has assessed', ['effect_without_step'], { ...well, driftWindows: [january] }],
    ['assessed by a run without its last step', ['effect_missing'], { ...windows([january]), driftWindows: [], ledger: well.ledger }], // prettier-ignore
  ])('%s: %j', (_, expected, facts) => {
    expect(codes(facts)).toEqual(expected)
  })

  it.each(['unchanged', 'stale'])('that a check has found %s have no row of it', outcome => {
    const facts = windows([january])
    const [record] = checksOf([{ ...january, effectKey: 'late/record/g1' }]).ledger
    const late = { ...record!, outcome: { revision: 1, outcome } }
    const run = { ...facts.runs.at(-1)!, id: 'late' }
    expect(codes({ ...facts, runs: [...facts.runs, run], ledger: [...facts.ledger, late] })).toEqual([])
  })
})

describe('incidents', () => {
  const followed = (
    status: RunStatus,
    more: Partial<IncidentFacts> = {},
    nextAttemptAt: Date | null = null,
  ) => {
    const run = {
      ...well.runs[0]!,
      id: 'incident',
      kind: 'incident' as const,
      status,
      nextAttemptAt,
      result: null,
    }
    return { ...well, incidents: [incident(more)], runs: [...well.runs, run] }
  }

  it.each<[string, CheckCode[], StackFacts]>([
    ['followed', [], followed('running')],
    ['closed', [], followed('succeeded', { status: 'closed' })],
    ['that nobody follows', ['incident_not_followed'], followed('failed')],
    ['open after their run', ['incident_not_followed'], followed('succeeded')],
    ['without a run', ['incident_not_followed'], { ...well, incidents: [incident()] }],
    ['that are followed again soon', [], followed('failed', {}, NOW)],
    ['that somebody has let go', [], followed('cancelled')],
    ['with a missing event', ['incident_event_gap'], followed('running', { logged: 2 })],
    ['with an event too many', ['incident_event_gap'], followed('running', { logged: 4, lastEvent: 4 })],
    ['without events', ['incident_event_gap'], followed('running', { logged: 0, firstEvent: null, lastEvent: null })], // prettier-ignore
    ['open twice', ['incident_not_followed', 'incident_twice'], { ...followed('running'), incidents: [incident(), incident({ id: 'other' })] }], // prettier-ignore
    ['open after one that is closed', [], { ...followed('running'), incidents: [incident({ id: 'other', status: 'closed' }), incident()] }], // prettier-ignore
  ])('%s: %j', (_, expected, facts) => {
    expect(codes(facts)).toEqual(expected)
  })

  it('commit a version for each retraining, once', () => {
    const facts = followed('running')
    const set = { runId: 'incident', step: 'set-1', generation: 1, outcome: { version: 2, created: true } }
    expect(codes({ ...facts, ledger: [...facts.ledger, set] })).toEqual(['effect_missing'])
    const same = { ...set, outcome: { version: 1, created: false } }
    expect(codes({ ...facts, ledger: [...facts.ledger, same] })).toEqual([])
  })
})
