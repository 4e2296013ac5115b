import type { Operation } from './operations.js'

/** A retraining that no incident asks for. */
export interface StartRetraining {
  reason: string
  /** Event time until which labelled predictions are learned from; the end of the labelled data by default. */
  dataUntil?: string
}

/** The run of a retraining, and what has come of it. */
export interface RetrainingRun extends Operation {
  reason: string
  /** Event time; null until it is known. */
  dataUntil: string | null
  /** How it ended, for people; null until then. */
  message: string | null
  /** Why there was nothing to do; null where there was. */
  skipped: 'no_new_data' | 'incident_open' | null
  /** Version of the dataset that was learned from. */
  dataset: { name: string; version: number } | null
  /** Run of the training; null where a pipeline gives the version. */
  training: string | null
  /** Run of the policy's pipeline. */
  pipelineRun: string | null
  /** Version that has been registered. */
  version: number | null
  /** Run of the rollout. */
  rollout: string | null
}
