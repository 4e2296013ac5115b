import type { Folds } from '../../domain/transformations/fitted.js'
import type { Step } from '../../domain/transformations/steps.js'
import type { RunEnd } from './messages.js'

/** What is learned from, and how, as its run's row has it. */
export interface FitRequest {
  readonly dataset: { readonly name: string; readonly version: number; readonly root: string }
  /** Predicate in SQL for the rows that are learned from; null for all of them. */
  readonly where: string | null
  readonly steps: readonly Step[]
  /** Left out where nothing is learned of parts. */
  readonly folds?: Folds
}

export interface FitLive {
  readonly stage: 'fit' | 'done'
}

export interface FitOutcome {
  readonly version: number
  readonly sha256: string
  /** That it was fitted on. */
  readonly rows: number
  /** False where the newest version has learned the same from the same. */
  readonly created: boolean
}

export interface FitResult extends RunEnd {
  readonly version: number
  readonly sha256: string
}
