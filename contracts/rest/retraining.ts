import type { RolloutStrategy } from './rollouts.js'
import type { StartTraining } from './trainings.js'

/** How a deployment is retrained when an incident says so. */
export interface SetRetraining {
  /** Dataset that grows by what was predicted and labelled. */
  dataset: string
  /** Its date or timestamp column, which gets the event time. Columns that predictions do not have are left empty. */
  timeColumn: string
  training: RetrainingTemplate
  /** The last whole one of the new data is held out; `month` by default. */
  holdout?: 'month' | 'week' | 'day'
  /** A canary by default. */
  strategy?: RolloutStrategy
  incident?: IncidentLimits
}

/** A training without model, data and split: those are of the moment. */
export type RetrainingTemplate = Omit<StartTraining, 'model' | 'dataset' | 'split' | 'control'>

export interface IncidentLimits {
  /** Labelled rows since the first breached window that an automatic retraining needs. */
  minLabelledRows?: number
  /** Windows in a row without breach, served wholly by the new version, that close an incident. */
  healthyToClose?: number
  /** Automatic retrainings of one incident. */
  maxRetrainings?: number
  /** Days of event time between the data of one automatic retraining and the next. */
  retrainingsApartDays?: number
  /** How long somebody else's rollout is waited for. */
  rolloutDeadlineHours?: number
}

/** The policy in force, complete. */
export interface Retraining {
  dataset: string
  timeColumn: string
  training: RetrainingTemplate
  holdout: 'month' | 'week' | 'day'
  /** As a rollout keeps it. */
  strategy: unknown
  incident: Required<IncidentLimits>
}
