import type { Graph } from './progress.js'

const SUFFIX = ':compensate'

/** The path of what undoes a step: its place in the ledger, in effect keys and in logs. */
export function compensationOf(step: string): string {
  return `${step}${SUFFIX}`
}

/** The step that a path undoes; null where it is that of no compensation. */
export function compensatedBy(path: string): string | null {
  return path.endsWith(SUFFIX) ? path.slice(0, -SUFFIX.length) : null
}

/** A step that has succeeded and can be undone. */
export interface Undoable {
  /** Position of the step. */
  readonly at: number
  /** When it was committed, in milliseconds of whichever clock its worker had. */
  readonly finishedAt: number
}

/**
 * The order in which steps are undone, the last one first: none before all that follow from it. Where the graph
 * leaves it open, clocks decide: they may differ between workers, so that they must not decide more.
 * (Sagas: Garcia-Molina and Salem, SIGMOD 1987, section 2.)
 * @returns positions
 */
export function rollBackOrder({ steps }: Pick<Graph, 'steps'>, undoable: readonly Undoable[]): number[] {
  const left = new Map(undoable.map(each => [each.at, each]))
  const needsOf = new Map(undoable.map(({ at }) => [at, before(steps, at)]))
  const order: number[] = []
  while (left.size > 0) {
    const needed = new Set([...left.keys()].flatMap(at => [...needsOf.get(at)!]))
    const free = [...left.values()].filter(({ at }) => !needed.has(at))
    const last = free.reduce((a, b) => ((b.finishedAt - a.finishedAt || b.at - a.at) > 0 ? b : a))
    order.push(last.at)
    left.delete(last.at)
  }
  return order
}

/** Positions of all that a step follows from. */
function before(steps: Graph['steps'], at: number): Set<number> {
  const found = new Set(steps[at]!.needs)
  for (const need of found) steps[need]!.needs.forEach(each => found.add(each))
  return found
}
