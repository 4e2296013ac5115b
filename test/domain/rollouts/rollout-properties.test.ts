import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { decide, type Decision } from '../../../domain/rollouts/decide.js'
import type { Observation } from '../../../domain/rollouts/observation.js'
import { isClosed, ROLLOUT_TRANSITIONS } from '../../../domain/rollouts/rollout-status.js'
import { compensation, type RolloutState } from '../../../domain/rollouts/state.js'
import type { Strategy } from '../../../domain/rollouts/strategy.js'
import { applyVerb, type Verb, type VerbAnswer } from '../../../domain/rollouts/verbs.js'
import { chooseArm } from '../../../domain/routing/choose-arm.js'
import { candidateArm, type RoutingPlan, stableArm } from '../../../domain/routing/plan.js'
import { validatePlan } from '../../../domain/routing/validate-plan.js'
import { HOUR, mirrored, rollout, seen, split } from './support.js'

/** What the world does at one look, before it is told which revisions and issues there are. */
interface Look {
  readonly wait: number
  readonly ready: boolean
  readonly frozen: boolean
  readonly evidence: 'none' | 'better' | 'same' | 'worse'
  readonly rows: number
  readonly answer: 'yes' | 'no' | 'none' | 'stale'
  readonly preflight: 'none' | 'pass' | 'fail'
  readonly promoted: boolean
}
type Ask = Pick<Verb, 'kind'> & {
  readonly full: boolean
  readonly role: 'admin' | 'operator'
  readonly id: string
}
type Event = { readonly look: Look } | { readonly ask: Ask }

const often = <T>(usual: T, ...others: T[]) =>
  fc.oneof(
    { weight: 4, arbitrary: fc.constant(usual) },
    { weight: 1, arbitrary: fc.constantFrom(usual, ...others) },
  )

const look: fc.Arbitrary<Look> = fc.record({
  wait: fc.constantFrom(0, 1_000, HOUR, 30 * HOUR),
  ready: often(true, false),
  frozen: often(false, true),
  evidence: fc.constantFrom('none', 'better', 'better', 'same', 'worse'),
  rows: fc.constantFrom(0, 19, 40, 200),
  answer: often<Look['answer']>('yes', 'no', 'none', 'stale'),
  preflight: often<Look['preflight']>('pass', 'none', 'fail'),
  promoted: fc.boolean(),
})
const ask: fc.Arbitrary<Ask> = fc.record({
  kind: fc.constantFrom('promote', 'pause', 'resume', 'abort', 'rollback', 'approve'),
  full: fc.boolean(),
  role: fc.constantFrom('admin', 'operator'),
  id: often('r1', 'r0'),
})
/** Most lives are wild; in some nearly everything goes well, so that they get to the end. */
const calm: fc.Arbitrary<Look> = fc.record({
  wait: fc.constantFrom(1_000, HOUR),
  ready: fc.constant(true),
  frozen: fc.constant(false),
  evidence: often<Look['evidence']>('better', 'none', 'worse'),
  rows: fc.constant(200),
  answer: fc.constant('yes'),
  preflight: fc.constant('pass'),
  promoted: fc.boolean(),
})
const looking = (arbitrary: fc.Arbitrary<Look>) => arbitrary.map((each): Event => ({ look: each }))
const asking = ask.map((each): Event => ({ ask: each }))
const events = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.array(fc.oneof({ weight: 4, arbitrary: looking(look) }, { weight: 1, arbitrary: asking }), {
      maxLength: 40,
    }),
  },
  { weight: 1, arbitrary: fc.array(looking(calm), { minLength: 8, maxLength: 20 }) },
)
const STRATEGIES: readonly Strategy[] = [
  { kind: 'canary' },
  { kind: 'canary', mirror: 0, approve: ['admin'], stops: [{ percent: 3, minRows: 20 }] },
  { kind: 'blueGreen', mirror: { percent: 100, minRows: 30 }, observeSeconds: 60 },
  { kind: 'blueGreen', approve: ['operator'], observeSeconds: null },
  { kind: 'shadow', percent: 100, minRows: 40 },
  { kind: 'instant', cause: 'rollback' },
  { kind: 'instant', cause: 'force' },
]
const start = fc
  .tuple(fc.constantFrom(...STRATEGIES), fc.boolean())
  .filter(([{ kind }, first]) => !first || kind === 'canary' || kind === 'blueGreen')
  .map(([strategy, first]) => rollout(strategy, first ? null : 1))

interface Moment {
  readonly before: RolloutState
  readonly after: RolloutState
  readonly seen?: Observation
  readonly decision?: Decision
  readonly verb?: Verb
  readonly answer?: VerbAnswer
}

function observe(state: RolloutState, now: number, revision: number, it: Look): Observation {
  const { issuing, armsFrom, mirrorFrom } = state
  const rows = it.evidence === 'none' ? null : it.evidence
  const id = (issuing?.id ?? 0) - (it.answer === 'stale' ? 1 : 0)
  return seen({
    now,
    freezeUntil: it.frozen ? now + HOUR : null,
    replicas: { live: 2, ready: it.ready ? 2 : 1 },
    promoted: it.promoted,
    ...(rows ? { split: split(armsFrom ?? 0, rows, it.rows) } : {}),
    ...(rows ? { mirrored: mirrored(mirrorFrom ?? 0, rows, it.rows) } : {}),
    ...(it.preflight === 'none' ? {} : { preflight: { passed: it.preflight === 'pass', problems: ['p'] } }),
    ...(it.answer === 'none'
      ? {}
      : it.answer === 'no'
        ? { issue: { id, acknowledged: false, reason: 'late' } }
        : { issue: { id, acknowledged: true, revision } }),
  })
}

/** Lets a rollout live through events: all moments, in order. */
function live(first: RolloutState, list: readonly Event[]): Moment[] {
  let [state, now] = [first, 0]
  return list.map((event, index) => {
    const before = state
    if ('look' in event) {
      now += event.look.wait
      const observed = observe(state, now, index + 1, event.look)
      const decision = decide(state, observed)
      state = decision.state
      return { before, after: state, seen: observed, decision }
    }
    const { id, ...rest } = event.ask
    const verb = { ...rest, rolloutId: id, by: 'ada' } as Verb
    const answer = applyVerb(state, verb, { now, freezeUntil: null })
    if (answer.accepted) state = answer.state
    return { before, after: state, verb, answer }
  })
}

const lives = fc.tuple(start, events).map(([first, list]) => live(first, list))
const expectAlways = (holds: (moments: readonly Moment[]) => void, numRuns = 1_500) =>
  fc.assert(fc.property(lives, holds), { numRuns })

const plansOf = (moments: readonly Moment[]) =>
  moments.flatMap(({ decision }) => (decision?.action.kind === 'setPlan' ? [decision.action] : []))

describe('any life of a rollout', () => {
  it('issues only plans without problems, whose weights sum to 100', () => {
    expectAlways(moments => {
      for (const { plan } of plansOf(moments)) {
        expect(validatePlan(plan)).toEqual([])
        const traffic = plan.arms.filter(arm => arm.role !== 'shadow')
        expect(traffic.reduce((sum, arm) => sum + arm.weight, 0)).toBe(100)
      }
    })
  })

  it('keeps the stable version in every plan until the promotion', () => {
    expectAlways(moments => {
      for (const { before, decision } of moments) {
        if (decision?.action.kind !== 'setPlan') continue
        const { purpose, plan } = decision.action
        const { stable, candidate } = before.plan
        const expected = purpose === 'promote' || stable === null ? candidate : stable
        expect(stableArm(plan)?.version).toBe(expected)
        if (purpose === 'back') expect(plan.arms).toEqual([{ version: stable, role: 'stable', weight: 100 }])
      }
    })
  })

  it('moves forward only outside a freeze, and gives weight only with every replica ready', () => {
    expectAlways(moments => {
      for (const { before, decision, seen: observed } of moments) {
        const action = decision?.action
        if (action?.kind !== 'setPlan' || action.issue <= before.issues) continue
        if (action.purpose === 'back' || action.purpose === 'restore') continue
        const endsMirroring =
          action.purpose === 'step' && action.plan.arms.length === 1 && before.plan.stable === 1
        expect(observed!.freezeUntil === null || before.plan.ignoresFreeze || endsMirroring).toBe(true)
        const weight = candidateArm(action.plan)?.weight ?? 0
        if (before.plan.stable === null || (weight === 0 && action.purpose !== 'promote')) continue
        expect(observed!.replicas).toEqual({ live: 2, ready: 2 })
      }
    })
  })

  it('answers every verb, and changes nothing by a refused one', () => {
    expectAlways(moments => {
      for (const { before, after, verb, answer } of moments) {
        if (!verb || !answer) continue
        if (answer.accepted) {
          expect(verb.rolloutId).toBe('r1')
          expect(after).not.toEqual(before)
          expect(answer.entry.message).toContain('ada')
        } else {
          expect(after).toBe(before)
          expect(answer.reason.length).toBeGreaterThan(10)
          expect(answer.code).toBe(
            verb.rolloutId === 'r1' && isClosed(before.status) ? 'rollout_closed' : answer.code,
          )
        }
      }
    })
  })

  it('changes nothing after its end', () => {
    expectAlways(moments => {
      for (const { before, after, decision } of moments) {
        if (!isClosed(before.status)) continue
        expect(after).toBe(before)
        if (decision) expect(decision).toMatchObject({ action: { kind: 'finish' }, entries: [] })
      }
    })
  })

  it('keeps a key with the candidate from one forward plan to the next', () => {
    const keys = Array.from({ length: 40 }, (_, index) => `k${index}`)
    const candidates = (plan: RoutingPlan) => keys.filter(key => chooseArm(plan, key).version === 2)
    expectAlways(moments => {
      let before: readonly string[] = []
      for (const { purpose, plan } of plansOf(moments)) {
        const after = candidates(plan)
        if (purpose !== 'back' && purpose !== 'restore')
          expect(after).toEqual(expect.arrayContaining([...before]))
        before = after
      }
    }, 200)
  })

  it('counts rows of the present weights alone', () => {
    expectAlways(moments => {
      for (const { before, after, seen: observed } of moments) {
        if (!observed?.issue?.acknowledged || before.issuing?.id !== observed.issue.id) continue
        const { routing } = after
        if (routing === null || after.issuing || candidateArm(before.routing ?? routing) === undefined)
          continue
        const weight = candidateArm(routing)?.weight ?? 0
        if (weight === 0 || weight === 100) expect(after.armsFrom).toBeNull()
        else expect(after.armsFrom).not.toBeNull()
      }
    })
  })

  it('promotes only with the evidence of its plan or by a verb', () => {
    expectAlways(moments => {
      const last = moments.at(-1)?.after
      if (last?.status !== 'promoted' || last.plan.stable === null) return
      const passes = moments.flatMap(({ decision }) =>
        (decision?.entries ?? []).filter(entry => entry.verdict === 'pass'),
      )
      const skips = moments.filter(({ verb, answer }) => verb?.kind === 'promote' && answer?.accepted)
      const analyses = last.plan.steps.filter(step => step.kind === 'analyse').length
      if (skips.length === 0) expect(new Set(passes.map(entry => entry.step)).size).toBe(analyses)
    })
  })

  it('is small, plain JSON, and goes on from it as if nothing had happened', () => {
    expectAlways(moments => {
      for (const { before, seen: observed, decision } of moments) {
        if (!observed || !decision) continue
        const text = JSON.stringify(before)
        expect(text.length).toBeLessThan(8_000)
        expect(decide(JSON.parse(text) as RolloutState, observed)).toEqual(decision)
      }
    }, 200)
  })

  it('can be ended from wherever it is, with the stable version or the promoted one serving all', () => {
    expectAlways(moments => {
      let state = moments.at(-1)?.after
      if (!state) return
      const plan = compensation(state)
      if (plan) expect(validatePlan(plan)).toEqual([])
      const abort = applyVerb(
        state,
        { kind: 'abort', rolloutId: 'r1', by: 'ada' },
        { now: 0, freezeUntil: null },
      )
      if (abort.accepted) state = abort.state
      const quiet: Look = {
        wait: 0,
        ready: true,
        frozen: true,
        evidence: 'none',
        rows: 0,
        answer: 'yes',
        preflight: 'none',
        promoted: true,
      }
      for (let again = 0; again < 3; again++) {
        state = decide(state, observe(state, 100_000 * HOUR, 1_000 + again, quiet)).state
      }
      expect(isClosed(state.status)).toBe(true)
      if (state.plan.stable === null) return
      const stable = stableArm(state.routing!)
      expect(stable).toMatchObject({ version: state.status === 'promoted' ? 2 : 1, weight: 100 })
    })
  })
})

describe('the lives that are tried', () => {
  it('meet every status, and a canary that evidence alone has promoted or rolled back', () => {
    const met = new Set<string>()
    for (const moments of fc.sample(lives, { numRuns: 5_000, seed: 7 })) {
      moments.forEach(moment => met.add(moment.after.status))
      const last = moments.at(-1)?.after
      const isCanary = last?.plan.strategy === 'canary'
      if (isCanary && !moments.some(moment => moment.answer?.accepted)) met.add(`canary ${last.status}`)
    }
    const expected = [
      ...Object.keys(ROLLOUT_TRANSITIONS),
      'canary promoted',
      'canary rolled_back',
      'canary held',
    ]
    expect(expected.filter(each => !met.has(each))).toEqual([])
  })
})
