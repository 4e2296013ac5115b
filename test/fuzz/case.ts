import fc from 'fast-check'
import type { Victim } from '../kill/points.js'
import { predict, requestsOf } from './model.js'

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

export interface CaseStep {
  readonly name: string
  readonly deed: Deed
  /** Positions of steps before it. */
  readonly needs: readonly number[]
}

/** A kill: of whom, after how many requests from the pipeline, and how long after that. */
export interface PlannedKill {
  readonly victim: Victim
  readonly afterRequests: number
  readonly delayMs: number
}

export interface Case {
  readonly steps: readonly CaseStep[]
  readonly parallel: number
  readonly onFailure: 'finish_others' | 'stop'
  /** Starts of the run in all: failures are picked up by themselves. */
  readonly attempts: number
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

const deed: fc.Arbitrary<Deed> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.integer({ min: 0, max: 2 }).map((failures): Deed => ({ kind: 'post', failures })),
  },
  { weight: 3, arbitrary: fc.constant<Deed>({ kind: 'query' }) },
  { weight: 2, arbitrary: fc.constant<Deed>({ kind: 'compare', holds: true }) },
  { weight: 2, arbitrary: fc.constant<Deed>({ kind: 'script' }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom<Deed>(
      { kind: 'refused' },
      { kind: 'broken' },
      { kind: 'compare', holds: false },
    ),
  },
)

const steps = fc
  .array(fc.record({ deed, needs: fc.array(fc.nat(), { maxLength: 3 }) }), { minLength: 3, maxLength: 14 })
  .map(drawn =>
    drawn.map(({ deed: own, needs }, at): CaseStep => ({
      name: `s${at}`,
      deed: own,
      needs: at === 0 ? [] : [...new Set(needs.map(need => need % at))].sort((a, b) => a - b),
    })),
  )

const cases: fc.Arbitrary<Case> = fc
  .record({
    steps,
    parallel: fc.integer({ min: 1, max: 6 }),
    stops: fc.boolean(),
    attempts: fc.constantFrom(1, 1, 2),
    kills: fc.array(
      fc.record({
        victim: fc.constantFrom(...VICTIMS),
        afterRequests: fc.nat({ max: 40 }),
        delayMs: fc.integer({ min: 0, max: 300 }),
      }),
      { minLength: 1, maxLength: 3 },
    ),
  })
  // What a stop cuts off depends on who is faster, where steps work at the same time.
  .map(({ stops, parallel, ...rest }): Case => ({
    ...rest,
    parallel: stops ? 1 : parallel,
    onFailure: stops ? 'stop' : 'finish_others',
  }))
  // A kill that waits for more requests than are sent would come when all is over.
  .map(drawn => {
    const { states, attempt } = predict(drawn)
    const sent = drawn.steps.map((step, at) => {
      const times = states[at] === 'succeeded' ? 1 : attempt
      return states[at] === 'blocked' ? 0 : requestsOf(step) * times
    })
    const all = sent.reduce((sum, requests) => sum + requests, 0)
    const kills = drawn.kills.map(each => ({ ...each, afterRequests: each.afterRequests % (all + 1) }))
    return { ...drawn, kills }
  })

/** The case of a seed: always the same. */
export function caseOf(seed: number): Case {
  return fc.sample(cases, { seed, numRuns: 1 })[0]!
}
