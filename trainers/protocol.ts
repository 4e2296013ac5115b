import type { RegressionMetrics } from '../domain/training/metrics.js'
import type { ParityVerdict } from '../domain/training/parity.js'
import type { ModelSignature } from '../domain/models/signature.js'

/** A file that is complete and synced to the disk. */
export interface FileFact {
  readonly file: string
  readonly bytes: number
  readonly sha256: string
}

export interface TableFact {
  /** Parquet. Its row order is the order of the training. */
  readonly file: string
  readonly features: readonly string[]
  readonly target: string
}

export interface TrainJob {
  readonly kind: 'train'
  /** Path of libxgboost.so. */
  readonly library: string
  readonly data: TableFact
  /** As `validateXgboostParameters` gives them. */
  readonly parameters: Readonly<Record<string, string | number>>
  readonly rounds: number
  /** Rounds between two checkpoints; 0 for none. */
  readonly checkpointEvery: number
  readonly resume?: { readonly file: string; readonly round: number }
  /** Where checkpoints and the model are written. */
  readonly directory: string
}

export interface ModelFile {
  readonly file: string
  /** Default: the engine's own. */
  readonly format?: 'onnx'
  readonly signature: ModelSignature
}

export interface EvaluateJob {
  readonly kind: 'evaluate'
  readonly library: string
  readonly model: ModelFile
  readonly champion?: ModelFile
  /** Parquet with the features of both models and the target. */
  readonly holdout: string
  /** Parquet that the baseline learns its means from. */
  readonly train: string
  readonly baselineColumns: readonly string[]
  /** Columns of the holdout that name its rows in the predictions file. */
  readonly keyColumns: readonly string[]
  readonly directory: string
}

export interface ExportJob {
  readonly kind: 'export'
  readonly library: string
  readonly model: ModelFile
  readonly holdout: string
  readonly directory: string
}

/** What an ONNX model gives for the rows of a table, and how far that is from the truth. */
export interface ScoreJob {
  readonly kind: 'score'
  readonly model: ModelFile
  /** Parquet with the features, and the target where there is one. */
  readonly table: string
  /** Column with the truth; null where nothing is measured. */
  readonly target: string | null
  readonly directory: string
}

export type Job = TrainJob | EvaluateJob | ExportJob | ScoreJob

/** Facts about the process that did the work. */
export interface ProcessFacts {
  readonly engine: string
  readonly seconds: number
  readonly peakRssBytes: number
}

export interface TrainResult extends ProcessFacts {
  readonly kind: 'train'
  readonly model: FileFact
  readonly rows: number
  readonly rounds: number
  /** Round that this process started from: 0, or the round of the checkpoint. */
  readonly fromRound: number
  readonly trainRmse: number
  /** Part of `seconds` in which the rounds stood still for checkpoints. */
  readonly checkpointSeconds: number
  readonly featureImportance: Readonly<Record<string, number>>
}

export interface EvaluateResult extends ProcessFacts {
  readonly kind: 'evaluate'
  readonly rows: number
  readonly metrics: {
    readonly model: RegressionMetrics
    readonly baseline: RegressionMetrics
    readonly champion?: RegressionMetrics
  }
  /** Parquet: key columns, y, prediction, baseline and, where there is one, champion. */
  readonly predictions: FileFact
}

export interface ExportResult extends ProcessFacts {
  readonly kind: 'export'
  readonly onnx: FileFact
  readonly parity: ParityVerdict
}

export interface ScoreResult extends ProcessFacts {
  readonly kind: 'score'
  readonly rows: number
  /** Null where there is no target. */
  readonly metrics: RegressionMetrics | null
  /** Position, from 1, of the first row for which the model gives no finite number; null where there is none. */
  readonly notFinite: number | null
  /** What the model keeps resident once it has scored rows. */
  readonly residentBytes: number
  /** Parquet: the rows as they are, and `prediction`. */
  readonly predictions: FileFact
}

export interface ResultOf {
  readonly train: TrainResult
  readonly evaluate: EvaluateResult
  readonly export: ExportResult
  readonly score: ScoreResult
}

/** What a child reports while it works. */
export type JobEvent =
  | {
      readonly event: 'started'
      readonly pid: number
      readonly engine: string
      readonly rows: number
      readonly fromRound: number
    }
  | {
      readonly event: 'progress'
      readonly round: number
      readonly rounds: number
      readonly trainRmse: number
    }
  | ({ readonly event: 'checkpoint'; readonly round: number } & FileFact)

/** One line on the event pipe. */
export type ChildMessage =
  | JobEvent
  | { readonly event: 'result'; readonly result: ResultOf[Job['kind']] }
  | {
      readonly event: 'error'
      readonly code: string
      readonly message: string
      readonly details: Readonly<Record<string, unknown>>
    }

/** File descriptors of the child, beside stdin (the job as JSON) and stderr. */
export const CONTROL_FD = 3
export const EVENT_FD = 4
