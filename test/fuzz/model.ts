import {
  type Graph,
  isFinished,
  isOver,
  readySteps,
  runOutcome,
  settle,
  type StepState,
  withFollowers,
} from '../../domain/pipelines/progress.js'
import type { Case, CaseStep, Later } from './case.js'

/** What was sent with a key: at least so often, since what is lost on the way is sent again. */
export interface Sent {
  readonly step: string
  /** Of the Idempotency-Key, behind the id of the run. */
  readonly path: string
  readonly times: number
}

/** What was undone at a time: steps with their generations, by their positions. */
export type Undone = ReadonlyMap<number, number>

export interface Prediction {
  readonly status: 'succeeded' | 'refused' | 'failed'
  readonly states: readonly StepState[]
  readonly generations: readonly number[]
  readonly attempt: number
  readonly sent: readonly Sent[]
  readonly rollBacks: readonly Undone[]
}

/** Tries of a step: one more than any of a case needs. */
export const TRIES = 4

/** Case that a branch takes where it does not take the other one. */
export const WAYS = { left: 'left', right: 'otherwise' } as const

/** Keys of the requests that a step sends in an attempt of its run, and how often each where nothing is killed. */
function requestsOf({ name, deed }: CaseStep, generation: number): Sent[] {
  const one = (times: number): Sent[] => [{ step: name, path: `${name}/g${generation}`, times }]
  switch (deed.kind) {
    case 'post':
      return one(deed.failures + 1)
    case 'broken':
      return one(TRIES)
    case 'refused':
    case 'script':
      return one(1)
    case 'map':
      return Array.from({ length: deed.items }, (_, index) => ({
        step: name,
        path: `${name}/${index}/g${generation}`,
        times: 1,
      }))
    case 'query':
    case 'compare':
    case 'branch':
      return []
  }
}

/** How steps of a case hang together. */
export function graphOfCase({ steps, parallel, onFailure }: Case): Graph {
  return {
    steps: steps.map(({ name, needs, when }) => ({
      name,
      needs,
      ...(when === undefined ? {} : { when: { step: when.step, is: [WAYS[when.way]] } }),
    })),
    parallel,
    onFailure,
  }
}

/** A run as the model has it between its attempts: what the ledger and the generations say. */
class ModelRun {
  private readonly done = new Map<number, number>()
  private readonly undone = new Map<number, number>()
  private readonly generations: number[]
  private readonly sent = new Map<string, Sent>()
  private readonly rollBacks: Undone[] = []
  private readonly graph: Graph
  private states: StepState[] = []
  private attempt = 0
  status: Prediction['status'] = 'succeeded'

  constructor(private readonly given: Case) {
    this.graph = graphOfCase(given)
    this.generations = given.steps.map(() => 1)
  }

  /** One attempt, and those that follow by themselves. */
  work(): void {
    do this.goForward()
    while (this.status === 'failed' && this.attempt < this.given.attempts)
  }

  /** What somebody asks for after the end; false where it is refused. */
  take(later: Later): boolean {
    switch (later.verb) {
      case 'retry':
        if (this.status !== 'failed') return false
        this.work()
        return true
      case 'reset':
        this.raise([later.step])
        this.work()
        return true
      case 'rollback':
        if (!this.given.steps.some(({ undo }) => undo !== undefined)) return false
        this.attempt++
        this.undoAll()
        this.status = 'refused'
        return true
    }
  }

  end(): Prediction {
    const states = settle(this.graph, this.shownStates(), this.taken()).map((state, at): StepState => {
      if (state !== 'waiting' && state !== 'blocked') return state
      return this.undone.get(at) !== undefined && !this.isDone(at) ? 'undone' : 'blocked'
    })
    const { status, attempt, generations, rollBacks } = this
    return { status, states, generations, attempt, sent: [...this.sent.values()], rollBacks }
  }

  private goForward(): void {
    const { given, graph } = this
    this.attempt++
    this.states = given.steps.map((_, at) => (this.isDone(at) ? 'succeeded' : 'waiting'))
    while (!isFinished(graph, this.states, this.taken())) {
      // One after the other: with a stop there is no other order, without one the order does not matter.
      const [next] = readySteps({ ...graph, parallel: 1 }, this.states, this.taken())
      this.do(next!)
      this.states = settle(graph, this.states, this.taken())
    }
    this.status = runOutcome(this.states) as Prediction['status']
    if (this.status !== 'succeeded' && given.rollBack !== 'on_request') this.undoAll()
  }

  private do(at: number): void {
    const step = this.given.steps[at]!
    requestsOf(step, this.generations[at]!).forEach(each => this.send(each))
    const state = endOf(step)
    this.states[at] = state
    if (state !== 'succeeded') return
    this.done.set(at, this.generations[at]!)
    this.undone.delete(at)
  }

  private undoAll(): void {
    const undoable = this.given.steps.flatMap(({ undo }, at) => (undo && this.isDone(at) ? [at] : []))
    if (undoable.length > 0) this.rollBacks.push(new Map(undoable.map(at => [at, this.generations[at]!])))
    for (const at of undoable) {
      const { name, undo } = this.given.steps[at]!
      const path = `${name}:compensate/g${this.generations[at]!}`
      this.send({ step: name, path, times: undo!.failures + 1 })
      this.undone.set(at, this.generations[at]!)
    }
    // Each raises what follows from it: in whatever order, the sum is the same.
    for (const at of undoable) this.raise([at])
  }

  private raise(positions: readonly number[]): void {
    for (const at of withFollowers(this.graph, positions)) {
      this.generations[at]!++
      if (isOver(this.states[at]!)) this.states[at] = 'waiting'
    }
  }

  private isDone(at: number): boolean {
    return this.done.get(at) === this.generations[at]
  }

  private shownStates(): StepState[] {
    return this.states.map((state, at) => {
      if (this.isDone(at)) return 'succeeded'
      return state === 'failed' || state === 'refused' ? state : 'waiting'
    })
  }

  private taken(): Map<number, string> {
    return new Map(
      this.given.steps.flatMap(({ deed }, at) =>
        deed.kind === 'branch' && this.isDone(at) ? [[at, WAYS[deed.way]] as const] : [],
      ),
    )
  }

  private send(sent: Sent): void {
    const before = this.sent.get(sent.path)?.times ?? 0
    this.sent.set(sent.path, { ...sent, times: before + sent.times })
  }
}

/** What becomes of a case where nothing is killed: what must become of it whatever is killed. */
export function predict(given: Case): Prediction {
  const run = new ModelRun(given)
  run.work()
  if (given.later) run.take(given.later)
  return run.end()
}

/** Whether what is asked for after the end is taken. */
export function isTaken(given: Case): boolean {
  if (!given.later) return false
  const run = new ModelRun(given)
  run.work()
  return run.take(given.later)
}

/** Requests in all. */
export function requestsIn({ sent }: Prediction): number {
  return sent.reduce((sum, { times }) => sum + times, 0)
}

function endOf({ deed }: CaseStep): StepState {
  switch (deed.kind) {
    case 'post':
    case 'query':
    case 'script':
    case 'map':
    case 'branch':
      return 'succeeded'
    case 'compare':
      return deed.holds ? 'succeeded' : 'refused'
    case 'refused':
      return 'refused'
    case 'broken':
      return 'failed'
  }
}
