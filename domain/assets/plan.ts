import type { Problem } from '../errors.js'
import { didYouMean } from '../suggest.js'
import { MAX_ITEMS, WHOLE } from './definition.js'
import { partitionName } from './describe.js'
import { assetOrder } from './graph.js'
import type { AssetGraph } from './staleness.js'

export const UPSTREAM = ['stale', 'all', 'none'] as const
export type Upstream = (typeof UPSTREAM)[number]

/** Which partitions of the assets that were named. Those without partitions are meant as they are. */
export type Selection =
  | { readonly type: 'all' | 'missing' | 'stale' }
  | { readonly type: 'keys'; readonly keys: readonly string[] }
  /** Both ends are in it. */
  | { readonly type: 'range'; readonly from: string; readonly to: string }

export interface BackfillWish {
  readonly assets: readonly string[]
  readonly selection: Selection
  readonly upstream: Upstream
}

/** A partition to be made; its position is its place in the plan. */
export interface PlannedItem {
  readonly asset: string
  readonly partition: string
  /** Positions of the items that must have ended well before: all of them are smaller. */
  readonly needs: readonly number[]
}

export interface BackfillPlan {
  readonly items: readonly PlannedItem[]
  readonly problems: readonly Problem[]
}

/** Dependencies between items; past it a plan is a job for a pipeline. */
const MAX_EDGES = 500_000
const MOST_PROBLEMS = 20

/** What a backfill has to make, and in which order; or everything that is wrong with the wish. */
export function planBackfill(graph: AssetGraph, wish: BackfillWish): BackfillPlan {
  const problems: Problem[] = []
  const wanted = wantedKeys(graph, wish, problems)
  if (problems.length > 0) return { items: [], problems }
  const { order } = assetOrder(Array.from(graph.facts.assets.values(), ({ definition }) => definition))
  if (wish.upstream !== 'none') addNeeds(graph, wish.upstream, order, wanted)
  const count = Array.from(wanted.values()).reduce((sum, keys) => sum + keys.size, 0)
  if (count > MAX_ITEMS) {
    const message = `${count} partitions would have to be made, more than ${MAX_ITEMS}. Choose fewer, in several backfills.`
    return { items: [], problems: [{ at: 'partitions', message }] }
  }
  return place(graph, order, wanted)
}

function wantedKeys(
  graph: AssetGraph,
  { assets, selection }: BackfillWish,
  problems: Problem[],
): Map<string, Set<string>> {
  const wanted = new Map<string, Set<string>>()
  const known = [...graph.facts.assets.keys()]
  for (const [i, name] of assets.entries()) {
    const asset = graph.asset(name)
    if (!asset) {
      problems.push({ at: `assets[${i}]`, message: `There is no asset "${name}".${didYouMean(name, known)}` })
    } else if (asset.definition.source) {
      const message = `"${name}" is observed, not made: commit a version of dataset "${asset.definition.source.dataset}".`
      problems.push({ at: `assets[${i}]`, message })
    } else {
      wanted.set(name, new Set(select(graph, name, selection, problems)))
    }
    if (problems.length >= MOST_PROBLEMS) break
  }
  return wanted
}

function select(
  graph: AssetGraph,
  name: string,
  selection: Selection,
  problems: Problem[],
): readonly string[] {
  const all = graph.keysOf(name)
  const partitioned = graph.asset(name)?.definition.partitions !== undefined
  const known = new Set(all)
  const check = (at: string, key: string): boolean => {
    if (known.has(key)) return true
    if (problems.length >= MOST_PROBLEMS) return false
    const range = all.length === 0 ? 'it has none yet' : `they go from "${all[0]}" to "${all.at(-1)}"`
    const message = `"${name}" has no partition "${key}": ${range}.${didYouMean(key, all.slice(-1_000))}`
    problems.push({ at, message })
    return false
  }
  switch (selection.type) {
    case 'all':
      return all
    case 'missing':
      return all.filter(key => graph.state(name, key).state === 'missing')
    case 'stale':
      return all.filter(key => graph.state(name, key).state !== 'fresh')
    case 'keys':
      if (!partitioned) return [WHOLE]
      return selection.keys.filter((key, i) => check(`partitions.keys[${i}]`, key))
    case 'range': {
      if (!partitioned) return [WHOLE]
      const good = [check('partitions.from', selection.from), check('partitions.to', selection.to)]
      if (good.includes(false)) return []
      const [from, to] = [all.indexOf(selection.from), all.indexOf(selection.to)]
      if (from > to) problems.push({ at: 'partitions.to', message: 'Must not be before from.' })
      return all.slice(from, to + 1)
    }
  }
}

/** Adds what those that are wanted need, users before what they use. */
function addNeeds(
  graph: AssetGraph,
  upstream: 'stale' | 'all',
  order: readonly string[],
  wanted: Map<string, Set<string>>,
): void {
  for (const name of [...order].reverse()) {
    const needs = graph.asset(name)!.definition.needs.filter(need => !graph.asset(need)?.definition.source)
    const whole = new Set<readonly string[]>()
    for (const key of wanted.get(name) ?? []) {
      for (const need of needs) {
        const keys = graph.needed(name, key, need)
        // The same list again: that of all partitions.
        if (whole.has(keys)) continue
        whole.add(keys)
        for (const each of keys) {
          if (upstream === 'stale' && graph.state(need, each).state === 'fresh') continue
          const chosen = wanted.get(need) ?? new Set()
          wanted.set(need, chosen.add(each))
        }
      }
    }
  }
}

function place(
  graph: AssetGraph,
  order: readonly string[],
  wanted: ReadonlyMap<string, ReadonlySet<string>>,
): BackfillPlan {
  const items: PlannedItem[] = []
  const positions = new Map<string, number>()
  const problems: Problem[] = []
  let edges = 0
  for (const name of order) {
    const chosen = wanted.get(name)
    if (!chosen) continue
    const all = graph.keysOf(name)
    const known = new Set(all)
    for (const key of chosen) {
      if (known.has(key) || problems.length >= MOST_PROBLEMS) continue
      const message = `Asset "${name}" has no partition "${key}", which is needed. Add it, or choose other partitions.`
      problems.push({ at: 'partitions', message })
    }
    for (const key of all.filter(each => chosen.has(each))) {
      const needs: number[] = []
      for (const need of graph.asset(name)!.definition.needs) {
        for (const each of graph.needed(name, key, need)) {
          const at = positions.get(`${need}/${each}`)
          if (at !== undefined) needs.push(at)
          else if (graph.dataOf(need, each) === null && problems.length < MOST_PROBLEMS) {
            problems.push({ at: 'upstream', message: never(graph, name, key, need, each) })
          }
        }
      }
      edges += needs.length
      positions.set(`${name}/${key}`, items.length)
      items.push({ asset: name, partition: key, needs })
    }
  }
  if (edges > MAX_EDGES) {
    const message = `The partitions rest on each other in ${edges} ways, more than ${MAX_EDGES}. Choose fewer.`
    problems.push({ at: 'partitions', message })
  }
  return { items, problems }
}

function never(graph: AssetGraph, name: string, key: string, need: string, partition: string): string {
  const [what, of] = [partitionName(name, key), partitionName(need, partition)]
  const source = graph.asset(need)?.definition.source
  return source
    ? `${what} needs ${of}, and dataset "${source.dataset}" has no version. Commit one.`
    : `${what} needs ${of}, which was never made. Ask for it too, by upstream "stale".`
}
