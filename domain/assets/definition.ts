import type { Json } from '../canonical-json.js'

export const ASSET_KINDS = ['dataset', 'feature', 'model', 'report'] as const
export type AssetKind = (typeof ASSET_KINDS)[number]

export const PARTITION_UNITS = ['hour', 'day', 'week', 'month'] as const
export type PartitionUnit = (typeof PARTITION_UNITS)[number]

/** Assets of one project, partitions of one asset, items of one backfill. */
export const MAX_ASSETS = 1_000
export const MAX_PARTITIONS = 100_000
export const MAX_ITEMS = 10_000

/** Windows of time, one after the other, by the calendar of a zone. */
export interface TimePartitions {
  readonly type: 'time'
  readonly unit: PartitionUnit
  /** `YYYY-MM-DD`, a date of the zone: the first window is the first one that begins on it or later. */
  readonly start: string
  /** The first date that is no longer in it; open where it is left out. */
  readonly end?: string
  readonly timeZone: string
}

export interface StaticPartitions {
  readonly type: 'static'
  readonly keys: readonly string[]
}

/** Keys come and go by requests. */
export interface DynamicPartitions {
  readonly type: 'dynamic'
}

export type Partitions = TimePartitions | StaticPartitions | DynamicPartitions

/** Which partitions of an asset that it needs a partition rests on. */
export type Mapping =
  /** That of the same key. */
  | { readonly type: 'same' }
  /** Those in its window of time, moved by so many of its own windows at either end. */
  | { readonly type: 'window'; readonly startOffset: number; readonly endOffset: number }
  | { readonly type: 'all' }

/** Something that is made, as it is stored and hashed (canonical JSON). */
export interface AssetDefinition {
  readonly schema: 1
  readonly name: string
  readonly kind: AssetKind
  readonly description?: string
  readonly needs: readonly string[]
  /** The pipeline that makes it; text of its parameters may refer to the partition. */
  readonly make?: { readonly pipeline: string; readonly parameters: Readonly<Record<string, Json>> }
  /** `steps.<step>.<output>`: what its version is the hash of; all outputs of the last steps where left out. */
  readonly output?: string
  /** A dataset that is observed, instead of made. */
  readonly source?: { readonly dataset: string }
  readonly partitions?: Partitions
  /** Of assets it needs, where it is not the usual one. */
  readonly mappings?: Readonly<Record<string, Mapping>>
}

/** The one partition of an asset without partitions. */
export const WHOLE = ''
