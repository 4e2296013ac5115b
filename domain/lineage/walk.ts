/** Where to go from a node: to what it was made from, to what was made of it, or both ways. */
export type LineageDirection = 'upstream' | 'downstream' | 'both'

/** One step of the way that data take: from what was read to who read it, from who wrote to what was written. */
export interface LineageEdge {
  readonly from: string
  readonly to: string
  /** The step of the run that read or wrote; empty where a run was started by another one. */
  readonly step: string
  /** What has to be known of the step; null where that is nothing. */
  readonly details: Readonly<Record<string, unknown>> | null
  /** Epoch milliseconds. */
  readonly at: number
}

export interface LineageGraph {
  /** Ids by their distance from where it began, in edges. */
  readonly distances: ReadonlyMap<string, number>
  readonly edges: readonly LineageEdge[]
  /** True where there is more than was asked for: `depth` or `limit` has ended it. */
  readonly truncated: boolean
}

/** Edges that end at one of these nodes (`upstream`) or begin at one (`downstream`). */
export type EdgesOf = (
  nodes: readonly string[],
  direction: 'upstream' | 'downstream',
) => Promise<readonly LineageEdge[]>

/**
 * Follows edges from a node, breadth first. Both ways are two walks: what else was made of an ancestor is not
 * asked for.
 * @param depth edges from the start at most
 * @param limit nodes at most; the nearest are kept
 */
export async function walk(
  start: string,
  { direction, depth, limit }: { direction: LineageDirection; depth: number; limit: number },
  edgesOf: EdgesOf,
): Promise<LineageGraph> {
  const ways = (['upstream', 'downstream'] as const)
    .filter(way => direction === 'both' || direction === way)
    .map(way => ({ way, seen: new Set([start]), frontier: [start] }))
  const distances = new Map([[start, 0]])
  const edges = new Map<string, LineageEdge>()
  let truncated = false
  for (let distance = 1; ways.some(({ frontier }) => frontier.length > 0); distance++) {
    for (const each of ways.filter(({ frontier }) => frontier.length > 0)) {
      const found = await edgesOf(each.frontier, each.way)
      each.frontier = []
      if (distance > depth) {
        truncated ||= found.some(edge => !edges.has(key(edge)))
        continue
      }
      for (const edge of found) {
        const next = each.way === 'upstream' ? edge.from : edge.to
        if (!distances.has(next) && distances.size >= limit) {
          truncated = true
          continue
        }
        edges.set(key(edge), edge)
        if (!distances.has(next)) distances.set(next, distance)
        if (!each.seen.has(next)) each.frontier.push(next)
        each.seen.add(next)
      }
    }
  }
  return { distances, edges: [...edges.values()], truncated }
}

const key = ({ from, to, step }: LineageEdge) => `${from} ${to} ${step}`
