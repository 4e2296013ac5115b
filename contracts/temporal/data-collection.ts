import type { RunEnd } from './messages.js'

/** What a collection is asked for, as its run's row has it. */
export interface CollectionRequest {
  /** False: only a plan is made. */
  readonly execute: boolean
  /** The plan that it executes; null where it makes its own. */
  readonly planId: string | null
}

/** What a collection would remove. */
export interface CollectionPlan {
  /** Versions that retention retires. */
  readonly versions: number
  /** Packs that nothing needs. */
  readonly packs: number
  readonly packBytes: number
  /** Packs of which little is needed, and how much of them that is. */
  readonly repacks: number
  readonly repackBytes: number
  readonly repackLiveBytes: number
  /** Objects that no pack of the catalogue is, and nobody has written lately. */
  readonly unknownObjects: number
  /** Objects of tables that nothing needs: of retired versions, of uploads and runs that became none. */
  readonly tableObjects: number
  readonly tableBytes: number
}

export interface PlanOutcome extends CollectionPlan {
  /** How long a doomed pack can still be taken up by somebody. */
  readonly graceSeconds: number
  /** False where the plan is all that was asked for. */
  readonly executes: boolean
}

/** What a collection has removed. */
export interface SweepReport {
  readonly packs: number
  readonly bytes: number
  /** Packs that somebody has taken up meanwhile, or holds. */
  readonly kept: number
}

/** Objects that were removed, and whether a backup, or another collection, has kept some from being. */
export interface RemoveReport {
  readonly removed: number
  readonly blocked: boolean
}

export type CollectionStage = 'plan' | 'repack' | 'grace' | 'sweep' | 'done'

export interface CollectionLive {
  readonly stage: CollectionStage
}

export interface DatasetGcResult extends RunEnd {
  readonly executed: boolean
  readonly plan: CollectionPlan
  readonly repacked?: number
  readonly removed?: SweepReport
  readonly objects?: number
}
