import type {
  AssetPartition,
  AssetSummary,
  Materialisation,
  PartitionCounts,
  StaleReason,
  Staleness,
} from '../../contracts/rest/assets.js'
import { describeReason } from '../../domain/assets/describe.js'
import { partitionValues } from '../../domain/assets/references.js'
import type { AssetGraph, AssetNow, StaleReason as Reason } from '../../domain/assets/staleness.js'
import type { AssetMaterialisation } from '../../stores/postgres/entities/asset.js'

/** How many partitions of an asset are in which state. */
export function partitionCounts(graph: AssetGraph, name: string): PartitionCounts {
  const counts = { total: 0, fresh: 0, stale: 0, missing: 0 }
  for (const key of graph.keysOf(name)) {
    counts[graph.state(name, key).state]++
    counts.total++
  }
  return counts
}

export function assetSummary(graph: AssetGraph, { definition, version }: AssetNow): AssetSummary {
  const { name, kind, description = null, needs, make, source, partitions } = definition
  const counts = partitionCounts(graph, name)
  return {
    name,
    kind,
    description,
    version,
    needs: [...needs],
    pipeline: make?.pipeline ?? null,
    dataset: source?.dataset ?? null,
    partitions: partitions?.type ?? null,
    state: overall(counts),
    counts,
  }
}

/** An asset is missing while nothing of it was made, and fresh once all of it is. */
function overall({ total, fresh, stale, missing }: PartitionCounts): Staleness {
  if (total > 0 && missing === total) return 'missing'
  return fresh === total && stale === 0 ? 'fresh' : 'stale'
}

export function reasonView(partition: string, reason: Reason): StaleReason {
  const { code } = reason
  const input = 'asset' in reason ? { asset: reason.asset, partition: reason.partition } : null
  const [from, to] = 'from' in reason ? [reason.from, reason.to] : [null, null]
  const text = (value: string | number | null) => (value === null ? null : String(value))
  return { code, partition, message: describeReason(reason), input, from: text(from), to: text(to) }
}

export function partitionView(
  graph: AssetGraph,
  { definition }: AssetNow,
  key: string,
  made: AssetMaterialisation | undefined,
): AssetPartition {
  const { start = null, end = null } = partitionValues(definition.partitions, key)
  const { state, reasons } = graph.state(definition.name, key)
  return {
    key,
    start,
    end,
    state,
    reasons: reasons.map(reason => reasonView(key, reason)),
    materialisation: made ? materialisationView(made) : null,
  }
}

export function materialisationView(row: AssetMaterialisation): Materialisation {
  const { asset, partition, definitionVersion, codeSha256, dataSha256, runId, backfillId, at } = row
  return {
    ...{ asset, partition, definitionVersion, codeSha256, dataSha256, runId, backfillId },
    inputs: row.inputs.map(input => ({ ...input })),
    at: at.toISOString(),
  }
}
