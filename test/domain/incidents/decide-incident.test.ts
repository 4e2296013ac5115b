import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { parseEventTime as at } from '../../../domain/drift/event-time.js'
import { applyDecision } from '../../../domain/incidents/apply-decision.js'
import { decideIncident } from '../../../domain/incidents/decide-incident.js'
import {
  DEFAULT_INCIDENT_POLICY,
  type IncidentObservation,
  type IncidentState,
  openIncident,
} from '../../../domain/incidents/incident.js'
import { type IncidentStatus, isIncidentOpen } from '../../../domain/incidents/incident-status.js'
import { answerVerb, type IncidentVerb } from '../../../domain/incidents/incident-verbs.js'
import type { Say } from '../drift/months.js'
import { observe, OPENED, Story, year2012 } from './support.js'

const HOUR = 3_600_000
const breached = (count: number): Say[] => Array<Say>(count).fill('breached')
const otherRollout = { rolloutId: 'r-7' }

describe('an incident that needs no retraining', () => {
  it.each<[string, Say[], object]>([
    [
      'its labels were corrected',
      ['breached', 'healthy'],
      {
        do: 'close',
        reason: 'withdrawn',
        settledUntil: at('2012-01-01'),
        evidence: { windows: ['2012-01', '2012-02'] },
      },
    ],
    ['others are breached in a row by now', ['healthy', 'breached', 'breached'], { do: 'wait', for: 'data' }],
    [
      'a corrected window waits for labels again',
      ['breached', 'waiting_for_labels'],
      { do: 'wait', for: 'data' },
    ],
    ['one month is healthy', ['breached', 'breached', 'healthy'], { do: 'wait', for: 'data' }],
    [
      'two months in a row are healthy',
      ['breached', 'breached', 'healthy', 'waiting_for_labels', 'healthy'],
      { do: 'close', reason: 'recovered', evidence: { windows: ['2012-03', '2012-05'] } },
    ],
    [
      'it had the data before it got well',
      ['breached', 'breached', 'breached', 'breached', 'healthy', 'healthy'],
      { do: 'retrain', dataUntil: at('2012-05-01') },
    ],
    [
      'it got well with the window that completes the data',
      ['breached', 'breached', 'healthy', 'healthy'],
      { do: 'close', reason: 'recovered', settledUntil: at('2012-05-01') },
    ],
  ])('%s', (_what, said, expected) => {
    expect(decideIncident(OPENED, observe(year2012(said)))).toMatchObject(expected)
  })

  it('counts only what began after the window that was breached again', () => {
    const story = new Story()
    story.sees(breached(4))
    story.rollsOut(breached(4), 2, '2012-06-20')
    const said: Say[] = [...breached(4), 'healthy', 'healthy', 'breached']
    const served = [[1], [1], [1], [1], [1, 2], [1, 2], [2]]
    expect(story.sees(said, served)).toMatchObject({ do: 'try_again', breached: { id: '2012-07' } })
    expect(story.sees(said, served)).toMatchObject({ do: 'retrain', dataUntil: at('2012-08-01') })
  })
})

describe("somebody else's rollout", () => {
  it.each<[string, () => Story, IncidentStatus]>([
    ['before a retraining', () => new Story(), 'waiting_for_data'],
    [
      'before a retraining that a human asks for',
      () => {
        const story = new Story()
        story.isTold({ verb: 'retrain', by: 'ana', reason: 'now' })
        return story
      },
      'waiting_for_data',
    ],
    [
      'before the rollout of its own',
      () => {
        const story = new Story()
        story.sees(breached(4))
        return story
      },
      'retraining',
    ],
  ])('is waited for %s, for a day, and never replaced', (_what, begin, status) => {
    const story = begin()
    const number = 1
    const retraining = { number, status: 'registered', version: 2 } as const
    const sees = (now: number) => story.sees(breached(4), [], { now, otherRollout, retraining })
    const waiting = { do: 'wait', for: 'other_rollout', to: status, since: HOUR, deadline: 25 * HOUR }
    expect(sees(HOUR)).toMatchObject({ ...waiting, message: 'waiting for rollout r-7 to end' })
    expect(sees(25 * HOUR - 1)).toMatchObject(waiting)
    expect(sees(25 * HOUR)).toEqual({
      do: 'escalate',
      to: 'escalated',
      reason: 'rollout_in_progress',
      evidence: { rolloutId: 'r-7', since: HOUR, deadline: 25 * HOUR },
      message: 'rollout r-7 is still in progress after 24 h',
    })
    expect(sees(30 * HOUR)).toMatchObject({ do: 'wait', for: 'human' })
  })

  it('that ends lets it go on, and the next one is waited for anew', () => {
    const story = new Story()
    story.sees(breached(4), [], { now: HOUR, otherRollout })
    expect(story.sees(breached(4), [], { now: 9 * HOUR })).toMatchObject({
      do: 'retrain',
      dataUntil: at('2012-05-01'),
    })
    const retraining = { number: 1, status: 'registered', version: 2 } as const
    const again = story.sees(breached(4), [], { now: 30 * HOUR, otherRollout, retraining })
    expect(again).toMatchObject({ do: 'wait', since: 30 * HOUR })
    expect(story.sees(breached(4), [], { now: 31 * HOUR, retraining })).toMatchObject({
      do: 'roll_out',
      version: 2,
    })
  })

  it('that was quicker than its own is waited for too', () => {
    const story = new Story()
    story.sees(breached(4))
    story.sees(breached(4), [], { retraining: { number: 1, status: 'registered', version: 2 } })
    const sees = (now: number, more = {}) => story.sees(breached(4), [], { now, otherRollout, ...more })
    expect(sees(HOUR)).toMatchObject({ do: 'wait', for: 'other_rollout', to: 'rolling_out', since: HOUR })
    // Once its own has begun, whatever else is seen does not matter.
    const own = { rollout: { version: 2, status: 'running' as const } }
    expect(sees(2 * HOUR, own)).toMatchObject({ do: 'wait', for: 'rollout' })
    expect(sees(3 * HOUR)).toMatchObject({ for: 'other_rollout', since: 3 * HOUR })
    expect(sees(27 * HOUR)).toMatchObject({ do: 'escalate', reason: 'rollout_in_progress' })
  })

  it('does not hurry or stop what needs no traffic', () => {
    const story = new Story()
    expect(story.sees(breached(3), [], { otherRollout })).toMatchObject({ for: 'data' })
    expect(story.sees(['healthy', 'healthy'], [], { otherRollout })).toMatchObject({ do: 'close' })
  })
})

describe('what goes wrong is escalated with its evidence', () => {
  const evidence = { why: 'as measured' }

  it.each([
    ['gate_refused', 'gate_refused'],
    ['failed', 'retraining_failed'],
  ] as const)('a retraining that is %s', (status, reason) => {
    const story = new Story()
    story.sees(breached(4))
    const seen = story.sees(breached(4), [], { retraining: { number: 1, status, evidence } })
    expect(seen).toMatchObject({ do: 'escalate', reason, evidence })
  })

  it.each([
    ['rolled_back', 'rolled_back'],
    ['aborted', 'rollout_aborted'],
    ['failed', 'rollout_failed'],
  ] as const)('a rollout that is %s', (status, reason) => {
    const story = new Story()
    story.sees(breached(4))
    story.sees(breached(4), [], { retraining: { number: 1, status: 'registered', version: 2 } })
    const seen = story.sees(breached(5), [], { rollout: { version: 2, status, evidence } })
    expect(seen).toMatchObject({ do: 'escalate', reason, evidence })
  })

  it('a version that somebody replaced before it was observed', () => {
    const story = new Story()
    story.sees(breached(4))
    story.rollsOut(breached(4), 2, '2012-06-20')
    const served = [[1], [1], [1], [1], [1], [1, 2], [2, 9], [9]]
    // July, which both served, says nothing of either.
    expect(story.sees([...breached(6), 'healthy'], served)).toMatchObject({ for: 'windows', healthy: 0 })
    expect(story.sees([...breached(6), 'healthy', 'healthy'], served)).toMatchObject({
      do: 'escalate',
      reason: 'replaced',
      evidence: { window: '2012-08', version: 2, replacedBy: 9 },
    })
  })
})

describe('what belongs to another step', () => {
  it('is not taken for its own', () => {
    const story = new Story()
    story.sees(breached(4))
    const old = { number: 7, status: 'registered', version: 9 } as const
    expect(story.sees(breached(4), [], { retraining: old })).toMatchObject({ do: 'wait', for: 'retraining' })
    story.sees(breached(4), [], { retraining: { number: 1, status: 'registered', version: 2 } })
    const other = { version: 9, status: 'completed', completedAt: 0 } as const
    expect(story.sees(breached(4), [], { rollout: other })).toMatchObject({ do: 'wait', for: 'rollout' })
  })

  it('cannot be applied', () => {
    const observing = { do: 'observe', to: 'observing', version: 2, from: 0, message: '' } as const
    expect(() => applyDecision(OPENED, observing)).toThrow('cannot go from open to observing')
    expect(() => openIncident([])).toThrow(RangeError)
  })
})

describe('any sequence of observations and verbs', () => {
  const word = fc.constantFrom<Say>(
    ...(['breached', 'breached', 'healthy', 'healthy', 'too_few'] as const),
    ...(['waiting_for_labels', 'not_judged', 'open'] as const),
  )
  const words = fc.array(word, { minLength: 2, maxLength: 10 })
  const said = fc.oneof(
    { weight: 1, arbitrary: words },
    { weight: 9, arbitrary: words.map(list => ['breached' as const, 'breached' as const, ...list]) },
  )
  const served = fc.constantFrom([1], [2], [3], [1, 2])
  const versions = fc.oneof(
    fc.array(served, { minLength: 12, maxLength: 12 }),
    fc.constantFrom([2], [3]).map(one => Array<readonly number[]>(12).fill(one)),
  )
  const evidence = {}
  // What is seen belongs to the step under way, mostly: 0 stands for its own number.
  const number = fc.constantFrom(0, 0, 0, 7)
  const version = fc.constantFrom(2, 2, 2, 3)
  const retraining = fc.oneof(
    fc.record({ number, status: fc.constant('running' as const) }),
    { weight: 4, arbitrary: fc.record({ number, status: fc.constant('registered' as const), version }) },
    fc.record({
      number,
      status: fc.constantFrom('gate_refused' as const, 'failed' as const),
      evidence: fc.constant(evidence),
    }),
  )
  const rollout = fc.oneof(
    fc.record({ version, status: fc.constant('running' as const) }),
    {
      weight: 4,
      arbitrary: fc.record({
        version,
        status: fc.constant('completed' as const),
        completedAt: fc.constantFrom(at('2012-03-05'), at('2012-06-05')),
      }),
    },
    fc.record({
      version,
      status: fc.constantFrom('rolled_back' as const, 'aborted' as const),
      evidence: fc.constant(evidence),
    }),
  )
  const observation: fc.Arbitrary<IncidentObservation> = fc
    .record(
      {
        now: fc.nat(40).map(hours => hours * HOUR),
        said,
        versions,
        retraining,
        rollout,
        otherRollout: fc.constant(otherRollout),
      },
      { requiredKeys: ['now', 'said', 'versions'] },
    )
    .map(({ said: list, versions: by, ...rest }) => ({ ...rest, windows: year2012(list, by) }))
  const verb = fc.constantFrom<IncidentVerb>(
    { verb: 'acknowledge', by: 'ana', reason: 'seen' },
    { verb: 'retrain', by: 'ana', reason: 'now' },
    { verb: 'close', by: 'ana', reason: 'known', settledUntil: 1 },
    { verb: 'suppress', by: 'ana', reason: 'known', settledUntil: 1 },
  )
  const events = fc.array(fc.oneof({ weight: 19, arbitrary: observation }, { weight: 1, arbitrary: verb }), {
    minLength: 10,
    maxLength: 25,
  })

  it('keeps its promises', () => {
    const reached = new Set<string>()
    const apart = DEFAULT_INCIDENT_POLICY.retrainingsApartMs
    fc.assert(
      fc.property(events, list => {
        let state: IncidentState = OPENED
        for (const event of list) {
          const before = state
          if ('verb' in event) {
            const answer = answerVerb(state, event)
            if (answer.accepted) state = answer.state
            expect(answer.accepted || answer.reason.length > 0).toBe(true)
          } else {
            const own = { ...event.retraining!, number: event.retraining?.number || state.retrainings.length }
            const decision = decideIncident(state, event.retraining ? { ...event, retraining: own } : event)
            state = applyDecision(state, decision)
            reached.add(
              `${decision.do} ${'for' in decision ? decision.for : 'reason' in decision ? decision.reason : ''}`,
            )
            expect(decision.message).not.toBe('')
            // A rollout of somebody else is never run into.
            if (event.otherRollout) expect(['retrain', 'roll_out']).not.toContain(decision.do)
            if (decision.do === 'close' && decision.reason !== 'withdrawn') {
              const healthy = event.windows.filter(
                window => window.state === 'assessable' && window.breached === false,
              )
              expect(healthy.length).toBeGreaterThanOrEqual(2)
            }
          }
          if (!isIncidentOpen(before.status)) expect(state).toBe(before)
          expect(JSON.parse(JSON.stringify(state))).toEqual(state)
          const automatic = state.retrainings.filter(({ trigger }) => trigger === 'automatic')
          expect(automatic.length).toBeLessThanOrEqual(2)
          state.retrainings.slice(1).forEach((each, index) => {
            if (each.trigger !== 'automatic') return
            expect(each.dataUntil - state.retrainings[index]!.dataUntil).toBeGreaterThanOrEqual(apart)
          })
          expect(state.settledUntil === null).toBe(isIncidentOpen(state.status))
        }
      }),
      { numRuns: 400, seed: 4 },
    )
    // A property over sequences that never come far would prove nothing.
    expect([...reached].sort()).toEqual(
      expect.arrayContaining([
        'close fixed',
        'close recovered',
        'close withdrawn',
        'escalate rolled_back',
        'roll_out ',
        'try_again ',
        'wait human',
      ]),
    )
  })
})
