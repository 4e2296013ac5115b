import { describe, expect, it } from '@jest/globals'
import { decide, type Decision } from '../../../domain/rollouts/decide.js'
import type { Observation } from '../../../domain/rollouts/observation.js'
import { compensation, type RolloutState } from '../../../domain/rollouts/state.js'
import type { Action } from '../../../domain/rollouts/turn.js'
import { applyVerb } from '../../../domain/rollouts/verbs.js'
import type { RoutingPlan } from '../../../domain/routing/plan.js'
import { HOUR, mirrored, rollout, seen, split } from './support.js'

const passed = { preflight: { passed: true, problems: [] } }
const DAY = 24 * HOUR

/** Weights of stable and candidate, and the shadow's sample, as one word. */
const brief = ({ arms }: RoutingPlan) =>
  arms.map(arm => `${arm.role[0]}${arm.version}:${arm.role === 'shadow' ? arm.sample : arm.weight}`).join(' ')

/** A shell that acknowledges every plan with a growing revision, until something else is asked for. */
function drive(
  state: RolloutState,
  more: Partial<Observation> = {},
  first = 10,
): Decision & { plans: string[] } {
  const plans: string[] = []
  let decision = decide(state, seen({ ...passed, ...more }))
  let revision = first
  while (decision.action.kind === 'setPlan') {
    plans.push(brief(decision.action.plan))
    const issue = { id: decision.action.issue, acknowledged: true as const, revision: revision++ }
    decision = decide(decision.state, seen({ ...passed, ...more, issue }))
  }
  return { ...decision, plans }
}

const issueOf = (action: Action) => {
  if (action.kind !== 'setPlan') throw new Error(`asked for ${action.kind}`)
  return action.issue
}

/** A canary at 10 %, its arms fresh since revision 12 and mirrored since 10. */
const atTen = () => drive(rollout()).state

describe('a canary', () => {
  it('goes from preflight to champion on evidence', () => {
    let decision: ReturnType<typeof drive> = { ...decide(rollout(), seen()), plans: [] }
    expect(decision.action).toEqual({ kind: 'preflight' })

    decision = drive(decision.state)
    expect(decision.plans).toEqual(['s1:100 s2:20', 's1:100 c2:0 s2:20', 's1:90 c2:10 s2:20'])
    expect(decision.action).toMatchObject({ kind: 'wait', until: DAY })
    expect(decision.state).toMatchObject({ status: 'running', step: 3, armsFrom: 12, mirrorFrom: 10 })

    decision = drive(
      decision.state,
      { now: 1, split: split(12, 'better'), mirrored: mirrored(10, 'better') },
      13,
    )
    expect(decision.plans).toEqual(['s1:50 c2:50 s2:20'])
    expect(decision.state).toMatchObject({ step: 5, armsFrom: 13, mirrorFrom: 10, stepStartedAt: 1 })

    decision = drive(
      decision.state,
      { now: 2, split: split(13, 'better'), mirrored: mirrored(10, 'better') },
      14,
    )
    expect(decision.plans).toEqual(['s2:100'])
    expect(decision.action).toEqual({ kind: 'promote', version: 2 })
    expect(decision.state.status).toBe('promoting')

    decision = drive(decision.state, { now: 3, promoted: true })
    expect(decision.action).toEqual({ kind: 'finish', status: 'promoted', reason: null })
    expect(decide(decision.state, seen()).state).toEqual(decision.state)
  })

  it('writes the evidence of each verdict', () => {
    const { entries } = drive(atTen(), { now: 7, split: split(12, 'better'), mirrored: mirrored(10, 'same') })
    const { entries: again } = decide(
      atTen(),
      seen({ now: 7, split: split(12, 'better'), mirrored: mirrored(10, 'same') }),
    )
    expect(entries.length).toBeGreaterThan(0)
    expect(again[0]).toMatchObject({
      at: 7,
      step: 3,
      verdict: 'pass',
      rows: { split: 'split-better', mirrored: 'mirrored-same' },
      assessments: [
        { sampleSizes: { stable: 500, candidate: 200 }, statistic: -40, threshold: 10 },
        { sampleSizes: { pairs: 100 }, statistic: 0.95, threshold: 0.5 },
      ],
    })
    expect(again[0]!.message).toContain('200 of 40 rows')
  })

  it.each<[string, Partial<Observation>]>([
    ['no rows', {}],
    ['rows of other weights', { split: split(11, 'better'), mirrored: mirrored(10, 'better') }],
    ['mirrored rows of another time', { split: split(12, 'better'), mirrored: mirrored(9, 'better') }],
    ['too few candidate rows', { split: split(12, 'better', 39), mirrored: mirrored(10, 'better') }],
    ['no difference that is clear', { split: split(12, 'same'), mirrored: mirrored(10, 'better') }],
    ['too few pairs', { split: split(12, 'better'), mirrored: mirrored(10, 'better', 29) }],
  ])('waits with %s, and is held at the deadline', (_what, evidence) => {
    const waiting = decide(atTen(), seen({ now: DAY - 1, ...evidence }))
    expect(waiting.action).toMatchObject({ kind: 'wait', until: DAY })
    expect(waiting.entries).toEqual([])
    const held = decide(atTen(), seen({ now: DAY, ...evidence }))
    expect(held.state.status).toBe('held')
    expect(held.entries[0]).toMatchObject({ verdict: 'inconclusive' })
    expect(held.action).toMatchObject({ kind: 'wait', until: null })
    // Later proof of no harm does not move it by itself.
    const late = { split: split(12, 'better'), mirrored: mirrored(10, 'better') }
    expect(decide(held.state, seen({ now: 2 * DAY, ...late })).state.status).toBe('held')
  })

  it.each<[string, Partial<Observation>]>([
    ['error', { split: split(12, 'worse', 20) }],
    ['rank', { mirrored: mirrored(10, 'worse', 30) }],
  ])('rolls back at the first proof of harm by %s', (_what, evidence) => {
    const decision = decide(atTen(), seen({ now: 5, ...evidence }))
    expect(decision.action).toMatchObject({ kind: 'setPlan', purpose: 'back' })
    expect(decision.state.status).toBe('rolling_back')
    expect(decision.entries[0]).toMatchObject({ verdict: 'fail' })
    const done = drive(decision.state, { now: 6, ...evidence })
    expect(done.plans).toEqual(['s1:100'])
    expect(done.action).toMatchObject({
      kind: 'finish',
      status: 'rolled_back',
      reason: decision.state.reason,
    })
  })

  it.each(['held', 'paused', 'waiting_approval'] as const)('rolls back while %s too', status => {
    const state = { ...atTen(), status }
    const decision = decide(state, seen({ split: split(12, 'worse') }))
    expect(decision.state.status).toBe('rolling_back')
  })

  it('fails by its preflight before any plan', () => {
    const preflight = { passed: false, problems: ['signature: column "hum" is missing', 'p99 80 ms'] }
    const decision = decide(rollout(), seen({ preflight }))
    expect(decision.action).toMatchObject({
      kind: 'finish',
      status: 'failed',
      reason: 'preflight failed: signature: column "hum" is missing; p99 80 ms',
    })
    expect(decision.state.issues).toBe(0)
  })
})

describe('the ready gate', () => {
  it('keeps weight from a candidate that a replica has not loaded, and holds in the end', () => {
    const notReady = { replicas: { live: 2, ready: 1 } }
    const waiting = drive(rollout(), { now: 100, ...notReady })
    expect(waiting.plans).toEqual(['s1:100 s2:20', 's1:100 c2:0 s2:20'])
    expect(waiting.action).toEqual({
      kind: 'wait',
      until: 600_100,
      for: '1 of 2 replicas have version 2 ready',
    })
    expect(drive(waiting.state, { now: 600_100, ...notReady }).state.status).toBe('held')
    expect(drive(waiting.state, { now: 600_099 }).plans).toEqual(['s1:90 c2:10 s2:20'])
  })

  it('is not passed by having no replica at all', () => {
    expect(drive(rollout(), { replicas: { live: 0, ready: 0 } }).plans).not.toContain('s1:90 c2:10 s2:20')
  })
})

describe('a plan that is not acknowledged', () => {
  const refused = (state: RolloutState, action: Action, now = 50) =>
    decide(
      state,
      seen({ now, issue: { id: issueOf(action), acknowledged: false, reason: 'replica b is late' } }),
    )

  it('is undone by the plan before, and held', () => {
    const evidence = { split: split(12, 'better'), mirrored: mirrored(10, 'better') }
    const forward = decide(atTen(), seen({ now: 40, ...evidence }))
    const held = refused(forward.state, forward.action)
    expect(held.state).toMatchObject({ status: 'held' })
    expect(held.state.reason).toContain('replica b is late')
    expect(held.action).toMatchObject({ kind: 'setPlan', purpose: 'restore', plan: atTen().routing })
    const restored = drive(held.state, { now: 60 }, 20)
    // Rows in between may have gone either way: the arms are fresh again, mirrored rows were not touched.
    expect(restored.state).toMatchObject({ status: 'held', armsFrom: 20, mirrorFrom: 10 })
  })

  it('is tried again for as long as it takes when it leads back', () => {
    const back = decide(atTen(), seen({ split: split(12, 'worse') }))
    const again = refused(back.state, back.action, 1_000)
    expect(again.action).toMatchObject({ kind: 'wait', until: 6_000 })
    const retried = decide(again.state, seen({ now: 6_000 }))
    expect(retried.action).toMatchObject({ kind: 'setPlan', purpose: 'back' })
    expect(issueOf(retried.action)).not.toBe(issueOf(back.action))
    // The answer to the first try is no answer to the second.
    const stale = { id: issueOf(back.action), acknowledged: true as const, revision: 9 }
    expect(decide(again.state, seen({ now: 7_000, issue: stale })).action).toEqual(retried.action)
  })

  it('of the promotion leaves the stable version where it was', () => {
    const promoting = drive({ ...atTen(), step: 6 }, {}).state
    expect(promoting.status).toBe('promoting')
    const asked = decide({ ...atTen(), step: 6 }, seen())
    const held = refused(asked.state, asked.action)
    expect(held.state).toMatchObject({ status: 'held', step: 6 })
    expect(held.action).toMatchObject({ purpose: 'restore', plan: atTen().routing })
  })
})

describe('a freeze window', () => {
  const frozen = { freezeUntil: 5 * DAY }

  it('stops steps forward but neither preflight, verdicts nor the way back', () => {
    expect(decide(rollout(), seen(frozen)).action).toEqual({ kind: 'preflight' })
    const { plans, action } = drive(rollout(), frozen)
    expect(plans).toEqual([])
    expect(action).toEqual({ kind: 'wait', until: 5 * DAY, for: 'the end of the freeze window' })
    const evidence = { split: split(12, 'better'), mirrored: mirrored(10, 'better') }
    const ten = decide(atTen(), seen({ now: 1, ...frozen, ...evidence }))
    expect(ten.action).toMatchObject({ kind: 'wait', until: 5 * DAY })
    expect(drive(ten.state, { now: 2, ...frozen, split: split(12, 'worse') }).state.status).toBe(
      'rolled_back',
    )
    expect(drive(ten.state, { now: 5 * DAY, ...evidence }).plans[0]).toBe('s1:50 c2:50 s2:20')
  })

  it('does not stop a rollback, but a forced switch', () => {
    expect(drive(rollout({ kind: 'instant', cause: 'rollback' }), frozen).plans).toContain('s2:100')
    expect(drive(rollout({ kind: 'instant', cause: 'force' }), frozen).plans).toEqual([])
  })
})

describe('other strategies', () => {
  it('initial: all traffic after the preflight', () => {
    const { plans, action } = drive(rollout({ kind: 'canary' }, null), { replicas: { live: 0, ready: 0 } })
    expect(plans).toEqual(['s2:100'])
    expect(action).toEqual({ kind: 'promote', version: 2 })
  })

  it('instant: at once, but not before replicas are ready', () => {
    const rollback = rollout({ kind: 'instant', cause: 'rollback' })
    expect(drive(rollback).plans).toEqual(['s1:100 c2:0', 's1:0 c2:100', 's2:100'])
    expect(drive(rollback, { replicas: { live: 2, ready: 0 } }).plans).toEqual(['s1:100 c2:0'])
  })

  it('blueGreen: switches after its analysis and keeps the version before', () => {
    const strategy = { kind: 'blueGreen', mirror: { percent: 50, minRows: 80 }, observeSeconds: 60 } as const
    const start = drive(rollout(strategy))
    expect(start.plans).toEqual(['s1:100 s2:50'])
    const switched = drive(start.state, { mirrored: mirrored(10, 'better') }, 11)
    expect(switched.plans).toEqual(['s1:100 c2:0 s2:50', 's1:0 c2:100'])
    expect(switched.action).toEqual({ kind: 'wait', until: 60_000, for: 'the end of the pause' })
    expect(switched.state.status).toBe('paused')
    expect(drive(switched.state, { now: 60_000 }).plans).toEqual(['s2:100 c1:0'])
    const refused = drive(start.state, { mirrored: mirrored(10, 'worse') }, 11)
    expect(refused).toMatchObject({ plans: ['s1:100'], action: { kind: 'finish', status: 'rolled_back' } })
  })

  it.each(['better', 'worse'] as const)('shadow: reports a %s version and takes nothing', kind => {
    const start = drive(rollout({ kind: 'shadow', percent: 100, minRows: 80 }))
    expect(drive(start.state, { mirrored: mirrored(10, kind, 79) }).state.status).toBe('running')
    const end = drive(start.state, { mirrored: mirrored(10, kind, 80) }, 11)
    expect(end.plans).toEqual(['s1:100'])
    expect(end.action).toMatchObject({ kind: 'finish', status: 'reported' })
    expect(end.state.reason).toContain('80 of 80 rows')
  })

  it('shadow: reports at its deadline what it has', () => {
    const start = drive(rollout({ kind: 'shadow', percent: 100, minRows: 80 }))
    const end = drive(start.state, { now: DAY }, 11)
    expect(end.state).toMatchObject({ status: 'reported', routing: { arms: [{ version: 1, weight: 100 }] } })
    expect(end.state.reason).toContain('no verdict')
  })
})

describe('compensation', () => {
  const brief1 = (state: RolloutState) => {
    const plan = compensation(state)
    return plan && brief(plan)
  }

  it('is the stable version wherever traffic may have left it', () => {
    expect(brief1(rollout())).toBeNull()
    expect(brief1(atTen())).toBe('s1:100')
    const issuing = decide(rollout(), seen(passed)).state
    expect(issuing.issuing).not.toBeNull()
    expect(brief1(issuing)).toBe('s1:100')
    const asked = decide({ ...atTen(), step: 6 }, seen())
    expect(asked.state.status).toBe('promoting')
    expect(brief1(asked.state)).toBe('s1:100')
  })

  it('is the new version once every replica has acknowledged the promotion, and nothing after the end', () => {
    const promoting = drive({ ...atTen(), step: 6 }).state
    expect(brief1(promoting)).toBe('s2:100')
    expect(brief1(drive(promoting, { promoted: true }).state)).toBeNull()
  })

  it('has nothing to offer for the first version of a deployment', () => {
    expect(brief1(decide(rollout({ kind: 'canary' }, null), seen(passed)).state)).toBeNull()
  })
})

describe('time', () => {
  it('stands still while a person has paused', () => {
    const verb = (state: RolloutState, kind: 'pause' | 'resume', now: number) => {
      const answer = applyVerb(state, { kind, rolloutId: 'r1', by: 'ada' }, { now, freezeUntil: null })
      if (!answer.accepted) throw new Error(answer.reason)
      return answer.state
    }
    const paused = verb(atTen(), 'pause', HOUR)
    expect(decide(paused, seen({ now: 3 * DAY })).action).toEqual({
      kind: 'wait',
      until: null,
      for: 'resume',
    })
    const resumed = verb(paused, 'resume', 3 * DAY)
    expect(decide(resumed, seen({ now: 3 * DAY })).action).toMatchObject({ until: 4 * DAY - HOUR })
  })
})
