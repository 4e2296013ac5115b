import { defineUpdate } from '@temporalio/workflow'
import type { ItemCounts } from '../../domain/assets/items.js'
import type { Selection, Upstream } from '../../domain/assets/plan.js'
import type { RunEnd, RunFailure, RunInput } from './messages.js'
import type { Asked } from './pipelines.js'

/** A backfill, as its run's row has it; its plan is rows of their own. */
export interface BackfillRequest {
  readonly assets: readonly string[]
  readonly selection: Selection
  readonly upstream: Upstream
  /** Items that are made at the same time, 1 to 100. */
  readonly parallel: number
  /** What an item that does not end well stops: those that need it, or all that have not begun. */
  readonly onFailure: 'finish_others' | 'stop'
  /** True: what is fresh when its turn comes is made too. */
  readonly force: boolean
  /** How many. */
  readonly items: number
}

export interface BackfillLive {
  readonly stage: 'items' | 'paused'
  readonly paused?: Asked | null
  readonly counts?: ItemCounts
}

export interface BackfillInput extends RunInput {
  /** Carried along when the history is cut. */
  readonly paused?: Asked | null
}

export interface BackfillResult extends RunEnd {
  readonly counts: ItemCounts
}

/** What is to be done with a backfill's items. */
export interface AdvanceInput extends RunInput {
  /** `hold`: nothing more is begun; `stop`: nor ever will be in this attempt. */
  readonly mode: 'go' | 'hold' | 'stop'
}

export interface AdvanceReport {
  readonly counts: ItemCounts
  /** True where there is more to do at once. */
  readonly more: boolean
  /** Of the first item that has not ended well. */
  readonly failure: RunFailure | null
}

export const backfillVerb = defineUpdate<
  { readonly paused: boolean },
  [
    {
      readonly runId: string
      readonly verb: 'pause' | 'resume'
      readonly by: string
      readonly reason: string | null
    },
  ]
>('backfillVerb')
