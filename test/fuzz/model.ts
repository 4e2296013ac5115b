import {
  type Graph,
  isFinished,
  readySteps,
  runOutcome,
  settle,
  type StepState,
} from '../../domain/pipelines/progress.js'
import type { Case, CaseStep } from './case.js'

export interface Prediction {
  readonly status: 'succeeded' | 'refused' | 'failed'
  readonly states: readonly StepState[]
  readonly attempt: number
}

/** Tries of a step: one more than any of a case needs. */
export const TRIES = 4

/** Requests that a step sends in an attempt of its run where nothing is killed. */
export function requestsOf({ deed }: CaseStep): number {
  switch (deed.kind) {
    case 'post':
      return deed.failures + 1
    case 'broken':
      return TRIES
    case 'refused':
    case 'script':
      return 1
    case 'query':
    case 'compare':
      return 0
  }
}

/** What becomes of a case where nothing is killed: what must become of it whatever is killed. */
export function predict({ steps, parallel, onFailure, attempts }: Case): Prediction {
  const graph: Graph = { steps, parallel, onFailure }
  for (let attempt = 1; ; attempt++) {
    let states: StepState[] = steps.map(() => 'waiting')
    while (!isFinished(graph, states)) {
      // One after the other: with a stop there is no other order, without one the order does not matter.
      const [next] = readySteps({ ...graph, parallel: 1 }, states)
      states[next!] = endOf(steps[next!]!)
      states = settle(graph, states)
    }
    const status = runOutcome(states) as Prediction['status']
    if (status !== 'failed' || attempt === attempts) return { status, states, attempt }
  }
}

function endOf({ deed }: CaseStep): StepState {
  switch (deed.kind) {
    case 'post':
    case 'query':
    case 'script':
      return 'succeeded'
    case 'compare':
      return deed.holds ? 'succeeded' : 'refused'
    case 'refused':
      return 'refused'
    case 'broken':
      return 'failed'
  }
}
