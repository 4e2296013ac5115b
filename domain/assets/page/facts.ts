import type { ItemCounts, ItemState } from '../items.js'

/** What the page of a backfill shows. */
export interface BackfillPageFacts {
  readonly id: string
  readonly assets: readonly string[]
  readonly status: string
  readonly principal: string
  /** Epoch milliseconds. */
  readonly createdAt: number
  readonly seconds: number | null
  readonly counts: ItemCounts
  readonly byAsset: readonly {
    readonly asset: string
    readonly counts: ItemCounts
    readonly seconds: number | null
  }[]
  readonly paused: { readonly by: string; readonly reason: string | null } | null
  readonly error: string | null
  readonly workflow: string | null
  /** In the order of the plan. */
  readonly items: readonly PageItem[]
}

export interface PageItem {
  readonly asset: string
  readonly partition: string
  readonly state: ItemState
  readonly note: string | null
  readonly error: string | null
}
