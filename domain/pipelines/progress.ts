import type { PipelineDefinition } from './definition.js'

/**
 * Where a step is. `refused` is a step that worked and whose answer is no; `blocked` one that was not
 * begun because a step before it did not end well, or because the run stops at the first failure.
 */
export const STEP_STATES = [
  'waiting',
  'running',
  'succeeded',
  'refused',
  'failed',
  'cancelled',
  'blocked',
] as const
export type StepState = (typeof STEP_STATES)[number]

/** What the scheduling of a run needs to know of its steps, by their position. */
export interface Graph {
  readonly steps: readonly {
    readonly name: string
    /** Positions of the steps that must have succeeded before. */
    readonly needs: readonly number[]
  }[]
  readonly parallel: number
  readonly onFailure: PipelineDefinition['onFailure']
}

const BAD: readonly StepState[] = ['refused', 'failed', 'cancelled', 'blocked']

/** True for a state that nothing leads out of within an attempt of the run. */
export function isOver(state: StepState): boolean {
  return state !== 'waiting' && state !== 'running'
}

/**
 * The states once everything that follows from them has been drawn: a step that cannot begin any more
 * is blocked. Steps may stand before those they need.
 */
export function settle(graph: Graph, states: readonly StepState[]): StepState[] {
  const settled = [...states]
  const stopped = graph.onFailure === 'stop' && states.some(state => BAD.includes(state))
  const users = usersOf(graph)
  const blocked: number[] = []
  const block = (at: number) => {
    if (settled[at] !== 'waiting') return
    settled[at] = 'blocked'
    blocked.push(at)
  }
  for (const [at, state] of states.entries()) {
    if (stopped) block(at)
    if (BAD.includes(state)) users[at]!.forEach(block)
  }
  for (let at = blocked.pop(); at !== undefined; at = blocked.pop()) users[at]!.forEach(block)
  return settled
}

/**
 * Positions of the steps to begin now, in their order: all they need has succeeded, no more work at the
 * same time than the definition allows, and none begins any more in a run that stops at its first failure.
 */
export function readySteps(graph: Graph, states: readonly StepState[]): number[] {
  const room = graph.parallel - states.filter(state => state === 'running').length
  if (room <= 0) return []
  const settled = settle(graph, states)
  return graph.steps
    .flatMap(({ needs }, at) =>
      settled[at] === 'waiting' && needs.every(need => states[need] === 'succeeded') ? [at] : [],
    )
    .slice(0, room)
}

/** True once no step works and none can begin: the run has come to its end. */
export function isFinished(graph: Graph, states: readonly StepState[]): boolean {
  return settle(graph, states).every(isOver)
}

/** How a finished run has ended: a failure is worse than a refusal. */
export function runOutcome(states: readonly StepState[]): 'succeeded' | 'refused' | 'failed' | 'cancelled' {
  for (const bad of ['cancelled', 'failed', 'refused'] as const) if (states.includes(bad)) return bad
  return 'succeeded'
}

/** Positions of some steps and of all that follow from them: what a reset of these does again. */
export function withFollowers(graph: Pick<Graph, 'steps'>, positions: readonly number[]): number[] {
  const users = usersOf(graph)
  const found = new Set(positions)
  for (const at of found) users[at]!.forEach(user => found.add(user))
  return [...found].sort((a, b) => a - b)
}

/** The graph of a definition, whose needs are names. */
export function graphOf({ steps, parallel, onFailure }: PipelineDefinition): Graph {
  const positions = new Map(steps.map(({ name }, at) => [name, at]))
  return {
    steps: steps.map(({ name, needs }) => ({ name, needs: needs.map(need => positions.get(need)!) })),
    parallel,
    onFailure,
  }
}

function usersOf({ steps }: Pick<Graph, 'steps'>): number[][] {
  const users = steps.map((): number[] => [])
  for (const [at, { needs }] of steps.entries()) for (const need of needs) users[need]!.push(at)
  return users
}
