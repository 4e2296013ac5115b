import type { Artifact } from './common.js'
import type { CodeState } from './data.js'
import type { Operation, StepRecord } from './operations.js'

export interface Period {
  /** `YYYY-MM-DD`, included. */
  from?: string
  /** `YYYY-MM-DD`, not included. */
  until: string
}

export interface StartTraining {
  model: string
  dataset: {
    name: string
    /** A number, `latest`, a branch, a tag, or an instant in braces: resolved now and pinned. */
    version?: number | string
  }
  /** Where the code stood that asks for it: kept in the lineage of the model. */
  code?: CodeState
  engine?: 'xgboost'
  /** Parameters by XGBoost's own names. */
  parameters?: Record<string, string | number | boolean>
  rounds?: number
  /** Rounds between durable checkpoints. */
  checkpointEvery?: number
  /** `exact`: a resumed training gives the same bytes as an uninterrupted one, or the request is refused. */
  resume?: 'exact' | 'any'
  features: string[]
  target: string
  split: { column: string; train: Period; holdout: { from: string; until: string } }
  /** Columns whose groups' mean target is the baseline to beat. */
  baseline?: { by: string[] }
  /**
   * What has made the dataset: the version is served with rows as they were before, and makes its features of them.
   * Its steps must work row by row, so none of filter and sql.
   */
  transformation?: { name: string; version: number }
  /** Bounds that predictions are clipped to, part of the model's signature. */
  clip?: { min?: number; max?: number }
  gate?: { maxRmseOfBaseline?: number; maxRmseOfChampion?: number }
  /** Negative control: the target is permuted over the training rows; the gate must refuse the model. */
  control?: { permuteTarget: { seed: number } }
}

/** Errors of a regression model; those that divide by zero are null. */
export interface Metrics {
  rmse: number
  mae: number
  /** sum |y - p| / sum y */
  wape: number | null
  /** sum (y - p) / sum y */
  relativeBias: number | null
  r2: number | null
}

export interface Gate {
  passed: boolean
  checks: { name: string; observed: number; limit: number; passed: boolean; message: string }[]
}

export interface CheckpointRecord {
  round: number
  sha256: string
  bytes: number
  createdAt: string
}

/** A training as lists show it. */
export interface TrainingSummary extends Operation {
  model: string
  /** Version it was registered as, null if it was not. */
  version: number | null
}

export interface Training extends TrainingSummary {
  /** The complete specification, defaults filled in and the dataset version resolved. */
  spec: unknown
  metrics: { model: Metrics; baseline: Metrics; champion?: Metrics } | null
  gate: Gate | null
  /** Durable checkpoints, newest first. */
  checkpoints: CheckpointRecord[]
  /** Round of the checkpoint that training last resumed from, 0 when it started afresh, null before its end. */
  resumedFromRound: number | null
  steps: StepRecord[]
  /** What the workflow and its worker say right now; null when nobody answers within a second. */
  live: TrainingLive | null
  artifacts: Artifact[]
}

export interface TrainingLive {
  stage: string
  round?: number
  rounds?: number
  /** Attempt of the training step that is under way. */
  activityAttempt?: number
  worker?: string
}
