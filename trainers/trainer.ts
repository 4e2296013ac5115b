/** A dense table of float32 values, row after row; NaN is a missing value. */
export interface Matrix {
  readonly values: Float32Array
  readonly rows: number
  readonly columns: number
}

/** What a training learns from. */
export interface TrainingSet {
  readonly matrix: Matrix
  /** One finite number for each row. */
  readonly labels: Float32Array
  /** Names of the columns of the matrix, in order. */
  readonly features: readonly string[]
}

export type ModelFormat = 'ubj' | 'json'

/**
 * One training by an engine. The caller drives the rounds, so that it decides when to keep a
 * checkpoint and when to stop. All calls are synchronous: a training has a process of its own.
 */
export interface Trainer {
  /** Engine and version, for example `xgboost 3.4.1`. */
  readonly engine: string
  /** Rounds that the model holds. */
  readonly round: number
  /** Takes the data and the parameters; call it once, before anything else. */
  init(data: TrainingSet, parameters: Readonly<Record<string, string | number>>): void
  /** Adds one round. */
  step(): void
  /** RMSE over the training rows now. */
  trainRmse(): number
  /** Everything that is needed to go on in another process and end with the same bytes. */
  checkpoint(): Buffer
  /** Goes back to a checkpoint of a training with the same data and parameters. */
  restore(checkpoint: Uint8Array): void
  /** Predictions, one for each row. */
  predict(matrix: Matrix): Float32Array
  /** The model alone, without the state of the training. */
  exportModel(format: ModelFormat): Buffer
  /** Total gain of each feature; 0 for one that no split uses. */
  featureImportance(): Record<string, number>
  /** Gives back the native memory. */
  close(): void
}
