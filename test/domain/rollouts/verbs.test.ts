import { describe, expect, it } from '@jest/globals'
import { decide } from '../../../domain/rollouts/decide.js'
import { isClosed, ROLLOUT_TRANSITIONS, type RolloutStatus } from '../../../domain/rollouts/rollout-status.js'
import { move, type RolloutState } from '../../../domain/rollouts/state.js'
import type { Strategy } from '../../../domain/rollouts/strategy.js'
import { ACCEPTING, applyVerb, type Verb, type VerbKind } from '../../../domain/rollouts/verbs.js'
import { rollout, seen } from './support.js'

const STATUSES = Object.keys(ROLLOUT_TRANSITIONS) as RolloutStatus[]
const KINDS = Object.keys(ACCEPTING) as VerbKind[]
const open = { now: 1_000, freezeUntil: null }

const verb = (kind: VerbKind, more: object = {}): Verb =>
  ({ kind, rolloutId: 'r1', by: 'ada', role: 'admin', ...more }) as Verb

const at = (status: RolloutStatus, step: number, more: Partial<RolloutState> = {}, strategy?: Strategy) => ({
  ...rollout(strategy),
  status,
  step,
  stepStartedAt: 0,
  ...more,
})

const WITH_APPROVAL: Strategy = { kind: 'canary', mirror: 0, approve: ['operator'] }
const refusal = (reason: RegExp, code = 'wrong_state') => ({
  accepted: false,
  code,
  reason: expect.stringMatching(reason),
})

describe('ROLLOUT_TRANSITIONS', () => {
  it('reaches every status from pending', () => {
    const reached = new Set<RolloutStatus>()
    const visit = (status: RolloutStatus): void => {
      if (reached.has(status)) return
      reached.add(status)
      ROLLOUT_TRANSITIONS[status].forEach(visit)
    }
    visit('pending')
    expect([...reached].sort()).toEqual([...STATUSES].sort())
  })

  it('has no exit from what has ended, and an end for everything else', () => {
    expect(STATUSES.filter(isClosed)).toEqual(['promoted', 'reported', 'rolled_back', 'aborted', 'failed'])
    const ends = (status: RolloutStatus, path: readonly RolloutStatus[] = []): boolean =>
      isClosed(status) ||
      ROLLOUT_TRANSITIONS[status].some(next => !path.includes(next) && ends(next, [...path, status]))
    expect(STATUSES.filter(status => !ends(status))).toEqual([])
  })

  it('is kept to', () => {
    expect(() => move(at('promoted', 0), 'running')).toThrow(RangeError)
    expect(() => move(at('rolling_back', 0), 'promoted')).toThrow(RangeError)
  })
})

describe('applyVerb', () => {
  it('accepts no verb outside of its states, and answers each with a reason', () => {
    for (const status of STATUSES) {
      for (const kind of KINDS) {
        const answer = applyVerb(at(status, 3), verb(kind), open)
        const may = (ACCEPTING[kind] as readonly RolloutStatus[]).includes(status)
        if (answer.accepted) expect(may).toBe(true)
        else expect(answer.reason).toMatch(/^[A-Z].{10,}\.$/)
        if (isClosed(status)) expect(answer).toMatchObject({ accepted: false, code: 'rollout_closed' })
      }
    }
  })

  it('accepts the way back from every open state until the promotion is acknowledged', () => {
    for (const kind of ['abort', 'rollback'] as const) {
      const going = kind === 'abort' ? 'aborting' : 'rolling_back'
      for (const status of ACCEPTING[kind].filter(each => each !== 'promoting')) {
        const answer = applyVerb(at(status, 3), verb(kind), { now: 1, freezeUntil: 99 })
        expect(answer).toMatchObject({ accepted: true, state: { status: going, reason: `${kind} by ada` } })
      }
      const issuing = {
        id: 1,
        plan: { salt: 'r1', arms: [] },
        purpose: 'promote',
        step: 6,
        retryAt: null,
      } as const
      expect(applyVerb(at('promoting', 6, { issuing }), verb(kind), open)).toMatchObject({
        accepted: true,
        state: { status: going, issuing: { purpose: 'back', plan: { arms: [{ version: 1, weight: 100 }] } } },
      })
      expect(applyVerb(at('promoting', 6), verb(kind), open)).toEqual(refusal(/being promoted/))
    }
  })

  it('refuses a verb for another rollout', () => {
    expect(applyVerb(at('running', 3), verb('abort', { rolloutId: 'r0' }), open)).toEqual(
      refusal(/rollout here is r1, not r0/),
    )
  })

  it('has no version to roll the first one back to', () => {
    const first = rollout({ kind: 'canary' }, null)
    expect(applyVerb(first, verb('rollback'), open)).toEqual(refusal(/no version to return to/))
    const answer = applyVerb(first, verb('abort'), open)
    expect(answer).toMatchObject({ accepted: true, state: { status: 'aborting', issuing: null } })
  })

  it('ends an abort before any plan without issuing one', () => {
    const answer = applyVerb(at('pending', 0), verb('abort'), open)
    if (!answer.accepted) throw new Error(answer.reason)
    expect(decide(answer.state, seen()).action).toMatchObject({ kind: 'finish', status: 'aborted' })
  })
})

describe('promote', () => {
  it.each<[string, RolloutState, object]>([
    ['an analysis', at('running', 3), { accepted: true, state: { status: 'running', step: 4 } }],
    [
      'a hold of an analysis',
      at('held', 3),
      { accepted: true, state: { status: 'running', step: 4, reason: null } },
    ],
    [
      'a pause of the plan',
      at('paused', 2, {}, { kind: 'blueGreen', observeSeconds: null }),
      { accepted: true, state: { status: 'running', step: 3 } },
    ],
    ['nothing in a preflight', at('running', 0), refusal(/step preflight cannot be skipped/)],
    ['nothing while weight is set', at('running', 2), refusal(/step setWeight cannot be skipped/)],
    ['nothing held for replicas', at('held', 2), refusal(/resume tries it again/)],
    ['nothing a person paused', at('paused', 3, { pausedAt: 5 }), refusal(/resume it first/)],
  ])('ends %s', (_what, state, expected) => {
    expect(applyVerb(state, verb('promote'), open)).toMatchObject(expected)
  })

  it.each<[string, RolloutState, object]>([
    ['goes to the promotion', at('running', 3), { accepted: true, state: { status: 'running', step: 6 } }],
    ['leaves a hold', at('held', 3), { accepted: true, state: { status: 'running', step: 6 } }],
    [
      'tries a held promotion again',
      at('held', 6),
      { accepted: true, state: { status: 'running', step: 6 } },
    ],
    ['does not pass by a preflight', at('running', 0), refusal(/preflight has not passed/)],
    ['does not pass by an approval', at('running', 2, {}, WITH_APPROVAL), refusal(/approval is still ahead/)],
    [
      'is not for a shadow',
      at('running', 2, {}, { kind: 'shadow', percent: 5, minRows: 5 }),
      refusal(/no promotion/),
    ],
    ['is under way already', at('running', 6), refusal(/under way/)],
  ])('in full %s', (_what, state, expected) => {
    expect(applyVerb(state, verb('promote', { full: true }), open)).toMatchObject(expected)
  })

  it('is refused in a freeze window until its end, except for a rollback', () => {
    const frozen = { now: 1_000, freezeUntil: 2_000 }
    expect(applyVerb(at('running', 3), verb('promote'), frozen)).toEqual(
      refusal(/^Frozen until 1970-01-01T00:00:02.000Z/),
    )
    expect(applyVerb(at('running', 3), verb('promote'), { ...frozen, now: 2_000 }).accepted).toBe(true)
  })
})

describe('pause and resume', () => {
  it('pause once, in a pause of the plan too', () => {
    expect(applyVerb(at('running', 3), verb('pause'), open)).toMatchObject({
      accepted: true,
      state: { status: 'paused', pausedAt: 1_000 },
    })
    const planned = at('paused', 2, {}, { kind: 'blueGreen', observeSeconds: 60 })
    expect(applyVerb(planned, verb('pause'), open)).toMatchObject({ state: { pausedAt: 1_000 } })
    expect(applyVerb({ ...planned, pausedAt: 1 }, verb('pause'), open)).toEqual(refusal(/paused it already/))
    expect(applyVerb(planned, verb('resume'), open)).toEqual(refusal(/promote ends the pause/))
  })

  it('resume with the time that was left, and a hold with a new deadline', () => {
    expect(applyVerb(at('paused', 3, { pausedAt: 400 }), verb('resume'), open)).toMatchObject({
      state: { status: 'running', pausedAt: null, stepStartedAt: 600 },
    })
    expect(applyVerb(at('held', 3, { reason: 'x' }), verb('resume'), open)).toMatchObject({
      state: { status: 'running', step: 3, stepStartedAt: 1_000, reason: null },
    })
  })
})

describe('approve', () => {
  const waiting = at('waiting_approval', 5, {}, WITH_APPROVAL)

  it.each(['operator', 'admin'])('by an %s goes on', role => {
    expect(applyVerb(waiting, verb('approve', { role }), open)).toMatchObject({
      accepted: true,
      state: { status: 'running', step: 6 },
      entry: { message: `approved by ada (${role})`, at: 1_000 },
    })
  })

  it('by another role is refused', () => {
    const strict = at('waiting_approval', 5, {}, { ...WITH_APPROVAL, approve: ['admin'] })
    expect(applyVerb(strict, verb('approve', { role: 'operator' }), open)).toEqual(
      refusal(/needs admin, not operator/, 'forbidden'),
    )
  })
})
