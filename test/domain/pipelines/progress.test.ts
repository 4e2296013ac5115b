import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import {
  type Graph,
  isFinished,
  isOver,
  readySteps,
  runOutcome,
  settle,
  type StepState,
  withFollowers,
} from '../../../domain/pipelines/progress.js'

/** Steps that need some of those before them. */
const graphs: fc.Arbitrary<Graph> = fc
  .array(fc.array(fc.nat(), { maxLength: 4 }), { minLength: 1, maxLength: 30 })
  .chain(needs =>
    fc.record({
      steps: fc.constant(
        needs.map((positions, at) => ({
          name: `s${at}`,
          needs: at === 0 ? [] : [...new Set(positions.map(position => position % at))],
        })),
      ),
      parallel: fc.integer({ min: 1, max: 5 }),
      onFailure: fc.constantFrom('finish_others' as const, 'stop' as const),
    }),
  )

const ends = fc.infiniteStream(
  fc.oneof(
    { weight: 6, arbitrary: fc.constant('succeeded' as const) },
    fc.constantFrom('failed' as const, 'refused' as const),
  ),
)

/** Runs a graph as the interpreter does; steps end in any order. */
function play(graph: Graph, outcomes: Iterator<StepState>, order: Iterator<number>): StepState[] {
  const states: StepState[] = graph.steps.map(() => 'waiting')
  for (let turn = 0; turn < 1000; turn++) {
    for (const at of readySteps(graph, states)) states[at] = 'running'
    const running = states.flatMap((state, at) => (state === 'running' ? [at] : []))
    if (running.length === 0) return settle(graph, states)
    states[running[order.next().value % running.length]!] = outcomes.next().value
  }
  throw new Error('it never ends')
}

describe('the scheduling of a run', () => {
  it('ends, with every step over, whatever fails and in whatever order steps end', () => {
    fc.assert(
      fc.property(graphs, ends, fc.infiniteStream(fc.nat()), (graph, outcomes, order) => {
        const states = play(graph, outcomes[Symbol.iterator](), order[Symbol.iterator]())
        expect(states.every(isOver)).toBe(true)
        expect(isFinished(graph, states)).toBe(true)
        const bad = states.filter(state => state !== 'succeeded')
        expect(runOutcome(states) === 'succeeded').toBe(bad.length === 0)
      }),
    )
  })

  it('begins a step only after all it needs, and never more than allowed at once', () => {
    fc.assert(
      fc.property(graphs, ends, fc.infiniteStream(fc.nat()), (graph, outcomes, order) => {
        const next = outcomes[Symbol.iterator]()
        const turns = order[Symbol.iterator]()
        const states: StepState[] = graph.steps.map(() => 'waiting')
        for (;;) {
          const isStopped = graph.onFailure === 'stop' && states.some(state => /failed|refused/.test(state))
          for (const at of readySteps(graph, states)) {
            expect(isStopped).toBe(false)
            expect(graph.steps[at]!.needs.every(need => states[need] === 'succeeded')).toBe(true)
            states[at] = 'running'
          }
          const running = states.flatMap((state, at) => (state === 'running' ? [at] : []))
          expect(running.length).toBeLessThanOrEqual(graph.parallel)
          if (running.length === 0) return
          states[running[turns.next().value % running.length]!] = next.next().value as StepState
        }
      }),
    )
  })

  it('blocks exactly what follows from a failure, unless it stops at the first one', () => {
    fc.assert(
      fc.property(graphs, fc.nat(), (given, which) => {
        const graph = { ...given, onFailure: 'finish_others' as const, parallel: 100 }
        const failed = which % graph.steps.length
        const outcomes = (function* (): Generator<StepState> {
          for (;;) yield 'succeeded'
        })()
        let states: StepState[] = graph.steps.map(() => 'waiting')
        for (;;) {
          const ready = readySteps(graph, states)
          if (ready.length === 0) break
          for (const at of ready) states[at] = at === failed ? 'failed' : outcomes.next().value!
          states = settle(graph, states)
        }
        const followers = withFollowers(graph, [failed])
        expect(states.flatMap((state, at) => (state === 'succeeded' ? [] : [at]))).toEqual(followers)
        expect(states[failed]).toBe('failed')
      }),
    )
  })

  it('settling twice is settling once', () => {
    fc.assert(
      fc.property(graphs, ends, (graph, outcomes) => {
        const next = outcomes[Symbol.iterator]()
        const states = graph.steps.map((_, at): StepState => (at % 3 === 0 ? next.next().value! : 'waiting'))
        const once = settle(graph, states)
        expect(settle(graph, once)).toEqual(once)
      }),
    )
  })

  it('stops everything that has not begun where it is told so', () => {
    const steps = [
      { name: 'a', needs: [] },
      { name: 'b', needs: [] },
      { name: 'c', needs: [1] },
    ]
    const graph = { steps, parallel: 2, onFailure: 'stop' as const }
    expect(settle(graph, ['failed', 'running', 'waiting'])).toEqual(['failed', 'running', 'blocked'])
    expect(settle({ ...graph, onFailure: 'finish_others' }, ['failed', 'running', 'waiting'])).toEqual([
      'failed',
      'running',
      'waiting',
    ])
  })

  it.each([
    [['succeeded', 'succeeded'], 'succeeded'],
    [['succeeded', 'refused', 'blocked'], 'refused'],
    [['refused', 'failed'], 'failed'],
    [['failed', 'cancelled'], 'cancelled'],
  ] as const)('%j is %s', (states, outcome) => {
    expect(runOutcome(states)).toBe(outcome)
  })

  it('takes one way of a branch, and joins after it', () => {
    const graph: Graph = {
      steps: [
        { name: 'branch', needs: [] },
        { name: 'left', needs: [0], when: { step: 0, is: ['left'] } },
        { name: 'right', needs: [0], when: { step: 0, is: ['right'] } },
        { name: 'afterRight', needs: [2] },
        { name: 'joined', needs: [1, 2], joins: true },
        { name: 'bad', needs: [] },
        { name: 'mixed', needs: [3, 5] },
      ],
      parallel: 9,
      onFailure: 'finish_others',
    }
    const taken = new Map([[0, 'left']])
    const waiting = graph.steps.map((): StepState => 'waiting')
    expect(readySteps(graph, waiting)).toEqual([0, 5])
    const states: StepState[] = ['succeeded', ...waiting.slice(1)]
    expect(settle(graph, states, taken)).toEqual([
      'succeeded',
      'waiting',
      'skipped',
      'skipped',
      'waiting',
      'waiting',
      'waiting',
    ])
    expect(readySteps(graph, states, taken)).toEqual([1, 5])
    // Whether the failure or the way comes first.
    const ends: StepState[] = ['succeeded', 'succeeded', 'waiting', 'waiting', 'waiting', 'failed', 'waiting']
    expect(settle(graph, ends, taken)).toEqual([
      'succeeded',
      'succeeded',
      'skipped',
      'skipped',
      'waiting',
      'failed',
      'blocked',
    ])
    const failedFirst = settle(graph, ['running', ...ends.slice(1)], new Map())
    expect(failedFirst.at(-1)).toBe('waiting')
    expect(readySteps(graph, settle(graph, ends, taken), taken)).toEqual([4])
  })
})
