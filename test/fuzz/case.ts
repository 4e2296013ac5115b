import fc from 'fast-check'
import type { Victim } from '../kill/points.js'
import { isTaken, predict, requestsIn } from './model.js'

/** What a step is made to do; how it will end follows from it. */
export type Deed =
  /** Sends a request that is answered well after so many failures. */
  | { readonly kind: 'post'; readonly failures: number }
  /** Sends one that is refused, or always fails. */
  | { readonly kind: 'refused' | 'broken' }
  | { readonly kind: 'query' }
  | { readonly kind: 'compare'; readonly holds: boolean }
  /** A command that sends a request. */
  | { readonly kind: 'script' }
  /** Sends a request for each of so many items. */
  | { readonly kind: 'map'; readonly items: number }
  | { readonly kind: 'branch'; readonly way: Way }

export type Way = 'left' | 'right'

export interface CaseStep {
  readonly name: string
  readonly deed: Deed
  /** Positions of steps before it. */
  readonly needs: readonly number[]
  /** Done only where a branch among its needs has gone this way. */
  readonly when?: { readonly step: number; readonly way: Way }
  /** A request undoes it, which is answered well after so many failures. */
  readonly undo?: { readonly uses: 'http' | 'notify'; readonly failures: number }
}

/** What somebody asks for once the run has ended. */
export type Later =
  | { readonly verb: 'retry' | 'rollback' }
  /** With the position of the step to begin with. */
  | { readonly verb: 'reset'; readonly step: number }

/** `stack` is the supervisor with everything that it looks after. */
export type FuzzVictim = Victim | 'stack'

/** A kill: of whom, after how many requests from the pipeline, and how long after that. */
export interface PlannedKill {
  readonly victim: FuzzVictim
  /** Whether it comes after what was asked for later. */
  readonly isLater: boolean
  readonly afterRequests: number
  readonly delayMs: number
}

export interface Case {
  readonly steps: readonly CaseStep[]
  readonly parallel: number
  readonly onFailure: 'finish_others' | 'stop'
  readonly rollBack?: 'on_request'
  /** Starts of the run in all: failures are picked up by themselves. */
  readonly attempts: number
  readonly later: Later | null
  readonly kills: readonly PlannedKill[]
}

const VICTIMS = [
  'worker-workflows',
  'worker-io',
  'worker-train',
  'api',
  'temporal',
  'postgres',
  'redis',
  'supervisor',
] as const satisfies readonly Victim[]

const few = fc.integer({ min: 0, max: 2 })

const deed: fc.Arbitrary<Deed> = fc.oneof(
  { weight: 12, arbitrary: few.map((failures): Deed => ({ kind: 'post', failures })) },
  { weight: 2, arbitrary: fc.constant<Deed>({ kind: 'query' }) },
  { weight: 2, arbitrary: fc.constant<Deed>({ kind: 'compare', holds: true }) },
  { weight: 2, arbitrary: fc.constant<Deed>({ kind: 'script' }) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 6 }).map((items): Deed => ({ kind: 'map', items })) },
  {
    weight: 2,
    arbitrary: fc.constantFrom<Way>('left', 'right').map((way): Deed => ({ kind: 'branch', way })),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom<Deed>(
      { kind: 'refused' },
      { kind: 'broken' },
      { kind: 'compare', holds: false },
    ),
  },
)

const drawnStep = fc.record({
  deed,
  needs: fc.array(fc.nat(), { maxLength: 3 }),
  way: fc.constantFrom<Way>('left', 'right'),
  undo: fc.option(fc.record({ uses: fc.constantFrom('http' as const, 'notify' as const), failures: few }), {
    freq: 2,
  }),
})

const steps = fc.array(drawnStep, { minLength: 3, maxLength: 14 }).map(drawn =>
  drawn.map(({ deed: own, needs: all, way, undo }, at): CaseStep => {
    const needs = at === 0 ? [] : [...new Set(all.map(need => need % at))].sort((a, b) => a - b)
    const branch = needs.find(need => drawn[need]!.deed.kind === 'branch')
    return {
      name: `s${at}`,
      deed: own,
      needs,
      ...(branch === undefined ? {} : { when: { step: branch, way } }),
      ...(undo === null ? {} : { undo }),
    }
  }),
)

const later: fc.Arbitrary<Later | null> = fc.oneof(
  { weight: 4, arbitrary: fc.constant(null) },
  { weight: 1, arbitrary: fc.constantFrom<Later>({ verb: 'retry' }, { verb: 'rollback' }) },
  { weight: 1, arbitrary: fc.nat().map((step): Later => ({ verb: 'reset', step })) },
)

const kill = fc.record({
  victim: fc.constantFrom(...VICTIMS),
  isLater: fc.boolean(),
  afterRequests: fc.nat({ max: 40 }),
  delayMs: fc.integer({ min: 0, max: 300 }),
})

const cases: fc.Arbitrary<Case> = fc
  .record({
    steps,
    parallel: fc.integer({ min: 1, max: 6 }),
    stops: fc.boolean(),
    onRequest: fc.boolean(),
    attempts: fc.constantFrom(1, 1, 2),
    later,
    killsStack: fc.constantFrom(true, false, false, false, false, false),
    kills: fc.array(kill, { minLength: 1, maxLength: 3 }),
  })
  // What a stop cuts off depends on who is faster, where steps work at the same time.
  .map(({ stops, onRequest, parallel, later: asked, killsStack, kills, ...rest }): Case => ({
    ...rest,
    parallel: stops ? 1 : parallel,
    onFailure: stops ? 'stop' : 'finish_others',
    ...(onRequest ? { rollBack: 'on_request' } : {}),
    later: asked?.verb === 'reset' ? { ...asked, step: asked.step % rest.steps.length } : asked,
    // Who starts the stack again must not meet another one who does.
    kills: killsStack ? [{ ...kills[0]!, victim: 'stack' }] : kills,
  }))
  .map(drawn => (isTaken(drawn) ? drawn : { ...drawn, later: null }))
  // A kill that waits for more requests than are sent would come when all is over.
  .map(drawn => {
    const first = requestsIn(predict({ ...drawn, later: null }))
    const second = requestsIn(predict(drawn)) - first
    const kills = drawn.kills.map(each => {
      const isLater = each.isLater && drawn.later !== null
      return { ...each, isLater, afterRequests: each.afterRequests % ((isLater ? second : first) + 1) }
    })
    return { ...drawn, kills }
  })

/** The case of a seed: always the same. */
export function caseOf(seed: number): Case {
  return fc.sample(cases, { seed, numRuns: 1 })[0]!
}
