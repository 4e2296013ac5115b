import { defineQuery } from '@temporalio/workflow'
import type { Evaluated, GateDecision } from '../../domain/training/gate.js'
import type { ParityVerdict } from '../../domain/training/parity.js'
import type { RunKind } from '../../domain/names.js'
import type { RunStatus } from '../../domain/runs/run-status.js'
import type { TransferLive } from './data.js'
import type { CollectionLive } from './data-collection.js'
import type { ValidationLive } from './dataset-validation.js'
import type { VerificationLive } from './data-verification.js'
import type { BackfillLive } from './backfills.js'
import type { DriftLive } from './monitoring.js'
import type { IncidentLive } from './incidents.js'
import type { FitLive } from './fits.js'
import type { MapLive, PipelineLive } from './pipelines.js'
import type { RetrainingLive } from './retraining.js'
import type { RolloutLive } from './rollouts.js'

/** Where content is and what it hashes to: the only form in which data passes through a workflow. */
export interface ContentRef {
  readonly uri: string
  readonly sha256: string
  readonly bytes: number
}

/** Identity of a run in every input. What the run is to do stands in its row. */
export interface RunInput {
  readonly project: string
  readonly runId: string
  /** Name of the dataset, model or deployment. */
  readonly name: string
  /** Counts starts of this run id, from 1. */
  readonly attempt: number
  /** Grows only when somebody asks to redo finished steps. */
  readonly generation: number
  readonly limits: RunLimits
}

export interface RunLimits {
  /** Work that has not reported for this long is given to another worker. */
  readonly heartbeatTimeoutSeconds: number
  /** Time between two looks of a rollout or an incident at its evidence. */
  readonly lookEverySeconds?: number
}

/** How a run has ended that another one waits for. */
export interface EndedRun {
  readonly id: string
  /** Histories from before there was such a field are without. */
  readonly kind?: RunKind
  readonly status: RunStatus
  readonly error: RunFailure | null
  /** That a training has registered, or the run of a pipeline that retrains. */
  readonly version: number | null
}

export type RunOutcome = 'succeeded' | 'refused'

/** Why a run ended as it did, where that is not well. */
export interface RunFailure {
  readonly code: string
  readonly message: string
  readonly details?: Readonly<Record<string, unknown>>
}

export interface RunEnd {
  readonly outcome: RunOutcome
  readonly error?: RunFailure
}

export interface DatasetCommitResult extends RunEnd {
  readonly version?: number
  readonly root?: string
}

export interface TrainModelResult extends RunEnd {
  readonly version?: number
  readonly sha256?: string
}

// Outcomes of steps, as the step ledger keeps them.

export interface IngestOutcome {
  readonly raw: ContentRef
  readonly parquet: ContentRef
  readonly rows: number
  /** Rows that could not be read, where there are any. */
  readonly quarantine?: ContentRef & { readonly rows: number }
  readonly root: string
  /** Conversion, schema, proposal: too large for a history, kept as one object. */
  readonly description: ContentRef
}

export interface ValidateOutcome {
  /** Why the data is refused, where an expectation of severity error does not hold. */
  readonly refused?: RunFailure
  /** Of data that is refused no more than to its branch: it becomes a version in quarantine. */
  readonly quarantined?: true
  readonly warned: readonly string[]
  readonly report: ContentRef
}

export interface ProfileOutcome {
  readonly profile: ContentRef
}

export interface CommitOutcome {
  readonly version: number
  readonly root: string
  /** False when the content equals the latest version: no new version was made. */
  readonly created: boolean
  /** On which it was made, where that is not the one asked for: that of its quarantine. */
  readonly branch?: string
}

export interface PrepareOutcome {
  readonly train: ContentRef
  readonly holdout: ContentRef
  readonly trainRows: number
  readonly holdoutRows: number
  readonly warnings: readonly string[]
}

export interface TrainOutcome {
  readonly model: ContentRef
  readonly rounds: number
  /** Round of the checkpoint that the finishing child started from, 0 for none. */
  readonly resumedFromRound: number
  readonly seconds: number
  readonly details: ContentRef
}

export interface EvaluateOutcome {
  /** Held-out rows that were scored. */
  readonly rows: number
  readonly metrics: Evaluated
  readonly championVersion?: number
  readonly predictions: ContentRef
}

export interface ExportOutcome {
  readonly onnx: ContentRef
  readonly parity: ParityVerdict
}

export interface RegisterOutcome {
  readonly version: number
  readonly sha256: string
}

export type TrainingStage = 'prepare' | 'train' | 'evaluate' | 'gate' | 'export' | 'register' | 'done'
export type DatasetStage = 'ingest' | 'validate' | 'profile' | 'commit' | 'done'

/** Typed heartbeat of a training: the checkpoint is durable when it is named here. */
export interface TrainHeartbeat {
  readonly schema: 1
  readonly round: number
  readonly rounds: number
  readonly metric?: number
  readonly checkpoint?: { readonly round: number; readonly uri: string; readonly sha256: string }
}

export interface TrainingLive {
  readonly stage: TrainingStage
  readonly metrics?: Evaluated
  readonly gate?: GateDecision
}

export interface DatasetLive {
  readonly stage: DatasetStage
}

/** What a run says of itself while it works. */
export type RunLive =
  | TrainingLive
  | DatasetLive
  | TransferLive
  | CollectionLive
  | VerificationLive
  | ValidationLive
  | FitLive
  | RolloutLive
  | IncidentLive
  | DriftLive
  | RetrainingLive
  | PipelineLive
  | MapLive
  | BackfillLive

/** Live detail of a run, answered by its workflow. */
export const liveQuery = defineQuery<RunLive>('live')

export const WORKFLOWS = {
  dataset: 'datasetCommit',
  push: 'datasetPush',
  pull: 'datasetPull',
  collection: 'datasetGc',
  verification: 'datasetVerify',
  validation: 'datasetValidate',
  fit: 'fitTransformation',
  training: 'trainModel',
  rollout: 'rollOut',
  incident: 'followIncident',
  drift: 'checkDrift',
  retraining: 'retrainDeployment',
  pipeline: 'runPipeline',
  map: 'runMap',
  backfill: 'runBackfill',
  scheduledTraining: 'scheduledTraining',
  scheduledRetraining: 'scheduledRetraining',
  scheduledDriftCheck: 'scheduledDriftCheck',
  scheduledPipeline: 'scheduledPipeline',
  sensor: 'watchSensor',
  reconcile: 'reconcile',
  superviseRetries: 'superviseRetries',
  superviseWindows: 'superviseWindows',
  followAliases: 'followAliases',
  superviseLabels: 'superviseLabels',
  compactPredictions: 'compactPredictions',
  superviseData: 'superviseData',
} as const

/** How a tick ends that had nothing to do. */
export interface SkippedTick {
  readonly outcome: 'skipped'
  readonly reason: 'no_new_data'
  /** The run that has worked on the same. */
  readonly sameAs: string
}

/** Input of every tick of a schedule. */
export interface TickInput {
  readonly project: string
  readonly schedule: string
}
