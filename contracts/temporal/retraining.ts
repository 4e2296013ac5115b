import type { RunEnd, RunInput } from './messages.js'

/** A retraining that no incident asks for, as the run's row has it. */
export interface RetrainingRequest {
  readonly reason: string
  /** Event time, epoch milliseconds, not included; null for the end of the labelled data. */
  readonly dataUntil: number | null
}

export type RetrainingStage = 'plan' | 'set' | 'train' | 'roll_out'

/** Why there is nothing to do: nothing to learn from, or an incident that retrains by itself. */
export type RetrainingSkip = 'no_new_data' | 'incident_open'

export interface RetrainingLive {
  readonly stage: RetrainingStage
  /** Event time, epoch milliseconds. */
  readonly dataUntil?: number
  readonly training?: string
  readonly pipelineRun?: string
  readonly version?: number
  readonly rollout?: string
  /** Somebody else's rollout that is waited for. */
  readonly waitingFor?: string | null
}

export interface Skipped {
  readonly skipped: RetrainingSkip
  readonly message: string
}

/** Outcome of the step that fixes which data it is about, in the step ledger. */
export type PlanRetrainingOutcome = Skipped | { readonly dataUntil: number }

export interface StartRolloutInput extends RunInput {
  readonly version: number
}

/** The run that gives the version: a training, or what the policy's pipeline does. */
export interface StartedTraining {
  readonly runId: string
  /** Histories from before there was such a field are without. */
  readonly kind?: 'training' | 'pipeline'
}

export type TrainingStart = StartedTraining | Skipped

export type RolloutStart =
  | { readonly runId: string }
  | Skipped
  /** Somebody else's, and how long it is waited for. */
  | { readonly otherRollout: string; readonly deadlineMs: number }

/** All that a retraining takes along when its history is cut; the rest is in the step ledger. */
export interface RetrainDeploymentInput extends RunInput {
  /** Since when somebody else's rollout is waited for, epoch milliseconds. */
  readonly waitingSince?: number
}

export interface RetrainDeploymentResult extends RunEnd {
  readonly skipped?: RetrainingSkip
  /** How it ended, for people. */
  readonly message: string
  /** Event time, epoch milliseconds; not there where it was skipped before that was known. */
  readonly dataUntil?: number
  readonly dataset?: { readonly name: string; readonly version: number }
  /** Run that has given the version: a training, or one of a pipeline. */
  readonly training?: string
  readonly pipelineRun?: string
  readonly version?: number
  readonly rollout?: string
}
