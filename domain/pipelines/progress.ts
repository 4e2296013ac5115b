import type { PipelineDefinition, StepSpec } from './definition.js'

/**
 * Where a step is. `refused` is a step that worked and whose answer is no; `blocked` one that was not
 * begun because a step before it did not end well, or because the run stops at the first failure; `skipped`
 * one that a branch has not taken; `undone` one that has succeeded and was compensated.
 */
export const STEP_STATES = [
  'waiting',
  'running',
  'succeeded',
  'refused',
  'failed',
  'cancelled',
  'blocked',
  'skipped',
  'undone',
] as const
export type StepState = (typeof STEP_STATES)[number]

export interface GraphStep {
  readonly name: string
  /** Positions of the steps that must have ended well before. */
  readonly needs: readonly number[]
  /** Done only where a branch has taken one of some cases. */
  readonly when?: { readonly step: number; readonly is: readonly string[] }
  /** True: one of its needs is enough, where branches have left the others out. */
  readonly joins?: boolean
}

/** What the scheduling of a run needs to know of its steps, by their position. */
export interface Graph {
  readonly steps: readonly GraphStep[]
  readonly parallel: number
  readonly onFailure: PipelineDefinition['onFailure']
}

const BAD: readonly StepState[] = ['refused', 'failed', 'cancelled', 'blocked']
const GOOD: readonly StepState[] = ['succeeded', 'skipped']

/** True for a state that nothing leads out of within an attempt of the run. */
export function isOver(state: StepState): boolean {
  return state !== 'waiting' && state !== 'running'
}

/** The cases that branches have taken, by their positions. */
export type Taken = ReadonlyMap<number, string>

const NO_BRANCHES: Taken = new Map()

/**
 * The states once everything that follows from them has been drawn: a step that cannot begin any more
 * is blocked, one that is on no way that was taken is skipped. Steps may stand before those they need.
 */
export function settle(graph: Graph, states: readonly StepState[], taken = NO_BRANCHES): StepState[] {
  const settled = [...states]
  const stopped = graph.onFailure === 'stop' && states.some(state => BAD.includes(state))
  const users = usersOf(graph)
  const left = states.flatMap((state, at) => (state === 'waiting' ? [at] : []))
  for (let at = left.pop(); at !== undefined; at = left.pop()) {
    if (settled[at] !== 'waiting') continue
    const fate = stopped ? 'blocked' : fateOf(graph, settled, at, taken)
    if (fate === 'waiting') continue
    settled[at] = fate
    left.push(...users[at]!)
  }
  return settled
}

/**
 * What becomes of a step that waits, once all it needs is over, so that it is the same in whatever order these
 * end: a failure before it outweighs a way that was not taken.
 */
function fateOf(
  { steps }: Graph,
  states: readonly StepState[],
  at: number,
  taken: Taken,
): 'waiting' | 'blocked' | 'skipped' {
  const { needs, when, joins } = steps[at]!
  if (!needs.every(need => isOver(states[need]!))) return 'waiting'
  if (needs.some(need => BAD.includes(states[need]!))) return 'blocked'
  const skipped = needs.filter(need => states[need] === 'skipped').length
  if (skipped > 0 && (!joins || skipped === needs.length)) return 'skipped'
  const way = when && taken.get(when.step)
  return when && way !== undefined && !when.is.includes(way) ? 'skipped' : 'waiting'
}

/**
 * Positions of the steps to begin now, in their order: all they need has ended well, no more work at the
 * same time than the definition allows, and none begins any more in a run that stops at its first failure.
 */
export function readySteps(graph: Graph, states: readonly StepState[], taken = NO_BRANCHES): number[] {
  const room = graph.parallel - states.filter(state => state === 'running').length
  if (room <= 0) return []
  const settled = settle(graph, states, taken)
  return graph.steps
    .flatMap(({ needs }, at) =>
      settled[at] === 'waiting' && needs.every(need => GOOD.includes(settled[need]!)) ? [at] : [],
    )
    .slice(0, room)
}

/** True once no step works and none can begin: the run has come to its end. */
export function isFinished(graph: Graph, states: readonly StepState[], taken = NO_BRANCHES): boolean {
  return settle(graph, states, taken).every(isOver)
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

/** How a step of a definition hangs together with others. */
export type StepShape = Pick<StepSpec, 'name' | 'needs' | 'when' | 'join'>

/** The graph of a definition, whose needs are names. */
export function graphOf({
  steps,
  parallel,
  onFailure,
}: Pick<PipelineDefinition, 'parallel' | 'onFailure'> & { readonly steps: readonly StepShape[] }): Graph {
  const positions = new Map(steps.map(({ name }, at) => [name, at]))
  return {
    steps: steps.map(({ name, needs, when, join }) => ({
      name,
      needs: needs.map(need => positions.get(need)!),
      ...(when === undefined ? {} : { when: { step: positions.get(when.step)!, is: when.is } }),
      ...(join === 'any' ? { joins: true } : {}),
    })),
    parallel,
    onFailure,
  }
}

function usersOf({ steps }: Pick<Graph, 'steps'>): number[][] {
  const users = steps.map((): number[] => [])
  for (const [at, { needs }] of steps.entries()) for (const need of needs) users[need]!.push(at)
  return users
}
