import type { PageQuery } from './common.js'

export type AssetKind = 'dataset' | 'feature' | 'model' | 'report'
export type Staleness = 'fresh' | 'stale' | 'missing'

export interface ApplyAssets {
  /** Definitions; see docs/guides/assets.md. */
  assets: unknown[]
  /** True: says what would change, and changes nothing. */
  dryRun?: boolean
}

export interface AppliedAsset {
  name: string
  version: number
  /** Of the definition as canonical JSON. */
  sha256: string
  created: boolean
}

export interface AssetsApplied {
  dryRun: boolean
  assets: AppliedAsset[]
}

/** Why a partition is not what it would be if it were made now. */
export interface StaleReason {
  code: 'missing' | 'code_changed' | 'definition_changed' | 'input_changed' | 'input_stale'
  /** Of the asset itself; empty for one without partitions. */
  partition: string
  message: string
  /** The input that it is about. */
  input: { asset: string; partition: string } | null
  from: string | null
  to: string | null
}

export interface PartitionCounts {
  total: number
  fresh: number
  stale: number
  missing: number
}

export interface AssetSummary {
  name: string
  kind: AssetKind
  description: string | null
  version: number
  needs: string[]
  /** Pipeline that makes it; null for a source. */
  pipeline: string | null
  /** Dataset that a source observes. */
  dataset: string | null
  partitions: 'time' | 'static' | 'dynamic' | null
  state: Staleness
  counts: PartitionCounts
}

export interface Asset extends AssetSummary {
  definition: unknown
  /** Assets that need it. */
  neededBy: string[]
  /** Of the partitions that are not fresh, the first ones. */
  reasons: StaleReason[]
  /** Hash of what there is, of an asset without partitions. */
  dataSha256: string | null
}

export interface AssetVersion {
  version: number
  sha256: string
  principal: string
  createdAt: string
  definition: unknown
}

export interface AssetsQuery extends PageQuery {
  kind?: AssetKind
  state?: Staleness
}

export interface PartitionsQuery extends PageQuery {
  state?: Staleness
}

export interface AssetInput {
  asset: string
  /** `*` where it stands for `count` partitions. */
  partition: string
  count?: number
  dataSha256: string
}

export interface Materialisation {
  asset: string
  partition: string
  definitionVersion: number
  codeSha256: string
  dataSha256: string
  inputs: AssetInput[]
  /** Run of the pipeline that has made it. */
  runId: string
  backfillId: string
  at: string
}

export interface AssetPartition {
  key: string
  /** Of partitions of time. */
  start: string | null
  end: string | null
  state: Staleness
  reasons: StaleReason[]
  materialisation: Materialisation | null
}

export interface AssetPartitions {
  counts: PartitionCounts
  items: AssetPartition[]
  nextCursor?: string
}

export interface ChangePartitions {
  add?: string[]
  remove?: string[]
}

export interface PartitionsChanged {
  asset: string
  added: number
  removed: number
  total: number
}
