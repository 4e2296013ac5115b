import type { CodeState } from '../data/commit.js'
import type { TransformationRef } from '../models/replayed.js'
import type { GatePolicy } from './gate.js'

/** Half-open range of days, `YYYY-MM-DD`: from is in it, until is not. */
export interface Period {
  readonly from?: string
  readonly until: string
}

/** Everything a training depends on, complete and resolved: stored with the run and hashed for its checkpoints. */
export interface TrainingSpec {
  readonly model: string
  /** The version is resolved when the run is accepted, so that a retry sees the same data. */
  readonly dataset: { readonly name: string; readonly version: number; readonly root: string }
  readonly engine: 'xgboost'
  /** Parameters by XGBoost's own names, defaults filled in. */
  readonly parameters: Readonly<Record<string, string | number | boolean>>
  readonly rounds: number
  readonly checkpointEvery: number
  readonly features: readonly string[]
  readonly target: string
  readonly split: {
    readonly column: string
    readonly train: Period
    readonly holdout: { readonly from: string; readonly until: string }
  }
  /** The seasonal baseline is the mean of the target by these columns. */
  readonly baseline: { readonly by: readonly string[] }
  /** What has made the dataset of the rows that will be predicted; left out where they come as the dataset has them. */
  readonly transformation?: TransformationRef
  readonly clip?: { readonly min?: number; readonly max?: number }
  readonly gate: GatePolicy
  /** A negative control: the target is permuted over the training rows, so nothing can be learned. */
  readonly control?: { readonly permuteTarget: { readonly seed: number } }
  /** Where the code stood that asked for it; nothing is computed from it. */
  readonly code?: CodeState
}

/** What a checkpoint must agree with to be resumed from: data, split, parameters and engine. */
export function checkpointSpec(spec: TrainingSpec, engineVersion: string) {
  return {
    control: spec.control ?? null,
    dataset: spec.dataset.root,
    engine: spec.engine,
    engineVersion,
    features: spec.features,
    parameters: spec.parameters,
    rounds: spec.rounds,
    split: spec.split,
    target: spec.target,
  }
}
