import type { AssetInput } from './staleness.js'

/**
 * Where an item of a backfill is. `skipped` was fresh when its turn came; `blocked` was not begun because of
 * one that did not end well.
 */
export const ITEM_STATES = [
  'waiting',
  'running',
  'succeeded',
  'skipped',
  'failed',
  'cancelled',
  'blocked',
] as const
export type ItemState = (typeof ITEM_STATES)[number]

/** By what and from what an item is made, as it was when its run was begun. */
export interface MadeFrom {
  readonly definitionVersion: number
  readonly shapeSha256: string
  readonly codeSha256: string
  readonly inputs: readonly AssetInput[]
}

export type ItemCounts = Readonly<Record<ItemState, number>>

export const NO_ITEMS: ItemCounts = {
  waiting: 0,
  running: 0,
  succeeded: 0,
  skipped: 0,
  failed: 0,
  cancelled: 0,
  blocked: 0,
}

/** True once nothing is left to do. */
export function isDone({ waiting, running }: ItemCounts): boolean {
  return waiting + running === 0
}

/** Counts in words: `28 succeeded, 2 failed`. */
export function describeItems(counts: ItemCounts): string {
  return (
    ITEM_STATES.filter(state => counts[state] > 0)
      .map(state => `${counts[state]} ${state}`)
      .join(', ') || 'nothing to make'
  )
}
