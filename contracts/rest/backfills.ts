import type { PageQuery } from './common.js'
import type { Operation, RunProblem } from './operations.js'

export type Upstream = 'stale' | 'all' | 'none'
export type ItemState = 'waiting' | 'running' | 'succeeded' | 'skipped' | 'failed' | 'cancelled' | 'blocked'

interface BackfillOptions {
  /** What it needs and is not fresh, all it needs, or nothing but itself; `stale` where it is left out. */
  upstream?: Upstream
  /** Partitions at the same time, 1 to 100, 10 where it is left out. */
  parallel?: number
  /** What a partition that does not end well stops: those that need it, or all that have not begun. */
  onFailure?: 'finish_others' | 'stop'
  /** True: what is fresh is made too. */
  force?: boolean
}

export interface MaterialiseAsset extends BackfillOptions {
  /** Of an asset that has partitions. */
  partition?: string
}

export interface StartBackfill extends BackfillOptions {
  assets: string[]
  /** `{ from, to }`, `{ keys }`, `missing`, `stale` or `all`; `stale` where it is left out. */
  partitions?: unknown
}

export interface BackfillsQuery extends PageQuery {
  asset?: string
  status?: Operation['status']
}

export type ItemCounts = Record<ItemState, number>

export interface BackfillSummary extends Operation {
  assets: string[]
  upstream: Upstream
  parallel: number
  onFailure: 'finish_others' | 'stop'
  force: boolean
  items: number
  counts: ItemCounts
}

export interface BackfillAsset {
  asset: string
  counts: ItemCounts
  /** Of one partition, on average. */
  seconds: number | null
}

export interface Backfill extends BackfillSummary {
  /** As it was asked for. */
  partitions: unknown
  byAsset: BackfillAsset[]
  /** Since its first start; to its end once it has ended. */
  seconds: number | null
  /** By whom and why nothing more is begun; null where that is not so, or nobody answers. */
  paused: { by: string; reason: string | null } | null
  /** Its progress for people, one HTML file. */
  page: string
}

export interface BackfillItem {
  position: number
  asset: string
  partition: string
  needs: number[]
  state: ItemState
  /** Run of the pipeline that makes it. */
  runId: string | null
  note: string | null
  error: RunProblem | null
  startedAt: string | null
  endedAt: string | null
}

export interface ItemsQuery extends PageQuery {
  state?: ItemState
  asset?: string
}

export interface PauseBackfill {
  reason?: string
}

export interface BackfillVerbAccepted {
  runId: string
  paused: boolean
}
