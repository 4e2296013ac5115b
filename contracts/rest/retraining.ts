import type { JsonValue } from './pipelines.js'
import type { RolloutStrategy } from './rollouts.js'
import type { StartTraining } from './trainings.js'

/** How a deployment is retrained when an incident says so. */
export interface SetRetraining {
  /** Dataset that grows by what was predicted and labelled. */
  dataset: string
  /** Its date or timestamp column, which gets the event time. Columns that predictions do not have are left empty. */
  timeColumn: string
  /** What gives the new version: a training, or a pipeline; exactly one of them. */
  training?: RetrainingTemplate
  pipeline?: RetrainingPipeline
  /** The last whole one of the new data is held out; `month` by default. */
  holdout?: 'month' | 'week' | 'day'
  /** A canary by default. */
  strategy?: RolloutStrategy
  incident?: IncidentLimits
}

/** A training without model, data and split: those are of the moment. */
export type RetrainingTemplate = Omit<StartTraining, 'model' | 'dataset' | 'split' | 'control'>

/** A pipeline that gives the new version; its newest definition at the retraining is run. */
export interface RetrainingPipeline {
  name: string
  /**
   * Texts may refer to the retraining: `${{ retraining.dataset }}` (the set, as name@version), `.deployment`,
   * `.model`, `.dataUntil`, `.holdout.from` and `.holdout.until` (days).
   */
  parameters?: { [name: string]: JsonValue }
  /** Step that trains or registers the version; the only one that does by default. */
  step?: string
}

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
  /** One of them is there. */
  training?: RetrainingTemplate
  pipeline?: RetrainingPipeline
  holdout: 'month' | 'week' | 'day'
  /** As a rollout keeps it. */
  strategy: unknown
  incident: Required<IncidentLimits>
}
