import type { EntityManager } from 'typeorm'
import type { PipelineRunRequest } from '../../contracts/temporal/pipelines.js'
import { partitionName } from '../../domain/assets/describe.js'
import type { MadeFrom } from '../../domain/assets/items.js'
import { hasPartition } from '../../domain/assets/partitions.js'
import { partitionValues, withPartition } from '../../domain/assets/references.js'
import type { AssetGraph } from '../../domain/assets/staleness.js'
import { canonicalJson, type Json } from '../../domain/canonical-json.js'
import { MlforgeError } from '../../domain/errors.js'
import type { RetryPolicy } from '../../domain/runs/retry-policy.js'
import { isRetryable, isUnderWay } from '../../domain/runs/run-status.js'
import { derivedId } from '../../stores/ids.js'
import { codeHash } from '../../stores/postgres/asset-graph.js'
import { requestOf } from '../../stores/postgres/pipeline-requests.js'
import type { BackfillItem } from '../../stores/postgres/entities/backfill.js'
import type { BackfillPorts } from './backfills.js'

interface BeginRequest {
  readonly project: string
  readonly runId: string
  readonly parallel: number
  readonly force: boolean
  readonly limit: number
}

/** What an item's run is asked for. */
interface ItemRun {
  readonly pipeline: string
  readonly request: PipelineRunRequest
  readonly retryPolicy: RetryPolicy
  readonly madeFrom: MadeFrom
}

/**
 * Begins items whose turn it is, up to `parallel` at the same time; those that are fresh already are skipped.
 * @returns whether there may be more to do at once
 */
export async function beginItems(
  ports: BackfillPorts,
  transaction: EntityManager,
  { project, runId, parallel, force, limit }: BeginRequest,
): Promise<boolean> {
  const { backfills } = ports
  let free = parallel - (await backfills.counts(runId, transaction)).running
  let left = limit
  while (free > 0 && left > 0) {
    const ready = await backfills.ready(transaction, runId, Math.min(free, left))
    if (ready.length === 0) return false
    const graph = await graphOf(ports, transaction, project, ready)
    for (const item of ready) {
      if (await beginItem(ports, transaction, { project, runId, force }, graph, item)) free--
      left--
    }
  }
  return left === 0 && free > 0
}

/** The graph as far as the items rest on it, with the newest making of each that they need. */
async function graphOf(
  { assets }: BackfillPorts,
  transaction: EntityManager,
  project: string,
  items: readonly BackfillItem[],
): Promise<AssetGraph> {
  return assets.graph(
    {
      project,
      now: Date.now(),
      names: [...new Set(items.map(({ asset }) => asset))],
      only: function* (graph) {
        const seen = new Set<readonly string[]>()
        for (const { asset, partition } of items) {
          yield [asset, partition]
          for (const need of graph.asset(asset)?.definition.needs ?? []) {
            const keys = graph.needed(asset, partition, need)
            if (seen.has(keys)) continue
            seen.add(keys)
            for (const key of keys) yield [need, key]
          }
        }
      },
    },
    transaction,
  )
}

/** False where it has ended at once. */
async function beginItem(
  ports: BackfillPorts,
  transaction: EntityManager,
  { project, runId, force }: Pick<BeginRequest, 'project' | 'runId' | 'force'>,
  graph: AssetGraph,
  item: BackfillItem,
): Promise<boolean> {
  const { backfills, runs } = ports
  const earlier = await backfills.childIn(transaction, item)
  if (earlier && (isUnderWay(earlier) || earlier.status === 'succeeded')) {
    // It was begun by an earlier attempt, and its end is seen like any other.
    await backfills.begin(transaction, item, item)
    return true
  }
  if (!force && graph.isSame(item.asset, item.partition)) {
    await backfills.end(transaction, item, 'skipped', { note: 'fresh' })
    return false
  }
  let wanted: ItemRun
  try {
    wanted = await itemRun(ports, transaction, project, graph, item)
  } catch (error) {
    if (!(error instanceof MlforgeError) || error.retryable) throw error
    const { code, message } = error
    await backfills.end(transaction, item, 'failed', { error: { code, message } })
    return false
  }
  const { madeFrom } = wanted
  if (earlier && isRetryable(earlier.status) && isEqual(item.madeFrom, madeFrom)) {
    // The same work: it goes on where it was.
    await runs.retryIn(transaction, project, earlier.id, { attempt: earlier.attempt })
    await backfills.begin(transaction, item, item)
    return true
  }
  const generation = item.generation + 1
  const child = derivedId(runId, String(item.position), `g${generation}`)
  await runs.acceptIn(transaction, {
    id: child,
    project,
    kind: 'pipeline',
    name: wanted.pipeline,
    request: wanted.request,
    principal: `backfill:${runId}`,
    trigger: 'backfill',
    retryPolicy: wanted.retryPolicy,
  })
  await backfills.begin(transaction, item, { child, generation, madeFrom })
  return true
}

/** Of the newest definitions of asset and pipeline; the run stays with them. */
async function itemRun(
  { pipelines, datasets, suites, retryPolicy }: BackfillPorts,
  transaction: EntityManager,
  project: string,
  graph: AssetGraph,
  { asset: name, partition }: BackfillItem,
): Promise<ItemRun> {
  const asset = graph.asset(name)
  const make = asset?.definition.make
  const what = partitionName(name, partition)
  if (!asset || !make) {
    throw new MlforgeError(
      'not_found',
      `Asset "${name}" was deleted meanwhile, or is not made any more. Apply it again, then retry.`,
    )
  }
  if (!hasPartition(asset.definition, partition, graph.facts)) {
    throw new MlforgeError(
      'not_found',
      `${what} is no partition any more: the asset, or its keys, were changed meanwhile. Start another backfill.`,
    )
  }
  const { inputs, missing } = graph.inputs(name, partition)
  if (missing.length > 0) {
    const [first] = missing
    throw new MlforgeError(
      'not_found',
      `${what} needs ${partitionName(first!.asset, first!.partition)}, which was never made. Make it, then retry.`,
    )
  }
  const values = partitionValues(asset.definition.partitions, partition)
  const parameters = withPartition(make.parameters, values) as Readonly<Record<string, Json>>
  // By the caller's connection: one that waits for another while it holds a transaction may wait for ever.
  const pinned = await pipelines.newestIn(transaction, project, make.pipeline)
  const { definition, request, problems } = await requestOf(pinned, parameters, {
    version: (dataset, selector) => datasets.find(project, dataset, selector, transaction),
    suite: dataset => suites.current(project, dataset, transaction),
  })
  if (request === null) {
    const all = problems.map(({ at, message }) => `${at}: ${message}`).join(' ')
    throw new MlforgeError('invalid_request', `${what} cannot be made by "${make.pipeline}": ${all}`)
  }
  const { codes, maxAttempts, delaySeconds } = definition.retry ?? retryPolicy
  return {
    pipeline: make.pipeline,
    request,
    retryPolicy: { codes, maxAttempts, delaySeconds },
    madeFrom: {
      definitionVersion: asset.version,
      shapeSha256: asset.shapeSha256,
      codeSha256: codeHash(request.sha256, make.parameters),
      inputs,
    },
  }
}

function isEqual(before: MadeFrom | null, now: MadeFrom): boolean {
  return before !== null && canonicalJson(before as unknown as Json) === canonicalJson(now as unknown as Json)
}
