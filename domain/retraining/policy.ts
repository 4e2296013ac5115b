import type { Json } from '../canonical-json.js'
import { DAY_MS } from '../drift/windows.js'
import { DEFAULT_INCIDENT_POLICY, type IncidentPolicy } from '../incidents/incident.js'
import type { Strategy } from '../rollouts/strategy.js'
import type { TrainingRequest } from '../training/build-spec.js'

/** What every retraining of a deployment is asked with; data and split are those of the moment. */
export type TrainingTemplate = Omit<TrainingRequest, 'model' | 'dataset' | 'split' | 'control'>

/** Changes to `DEFAULT_INCIDENT_POLICY`, in units that people write. */
export interface IncidentLimits {
  readonly minLabelledRows?: number
  readonly healthyToClose?: number
  readonly maxRetrainings?: number
  /** Days of event time. */
  readonly retrainingsApartDays?: number
  readonly rolloutDeadlineHours?: number
}

/** The last whole period of the new data is held out. */
export const HOLDOUTS = ['month', 'week', 'day'] as const

export type Holdout = (typeof HOLDOUTS)[number]

interface CommonPolicy {
  /** Name of the dataset that grows by what was predicted and labelled. */
  readonly dataset: string
  /** The dataset's date or timestamp column: it gets the event time, and rows are split by it. */
  readonly timeColumn: string
  readonly holdout: Holdout
  /** How the new version comes into service. */
  readonly strategy: Strategy
  readonly incident: IncidentLimits
}

/** A training gives the version. */
export interface TrainingRetrainingPolicy extends CommonPolicy {
  readonly training: TrainingTemplate
  readonly pipeline?: undefined
}

/** A run of a pipeline gives the version. */
export interface PipelineRetrainingPolicy extends CommonPolicy {
  readonly training?: undefined
  readonly pipeline: {
    readonly name: string
    /** Texts may refer to the retraining; see RETRAINING_FACTS. */
    readonly parameters: Readonly<Record<string, Json>>
    /** Step that gives the version; the only one that can where it is left out. */
    readonly step?: string
  }
}

/** How a deployment is retrained, when an incident says so or somebody asks. */
export type RetrainingPolicy = TrainingRetrainingPolicy | PipelineRetrainingPolicy

/**
 * The limits an incident decides by; what nobody has set has its default.
 * @param breachesInARow of the monitoring: what opens an incident must also be its ground
 */
export function incidentPolicy(limits: IncidentLimits = {}, breachesInARow?: number): IncidentPolicy {
  const { minLabelledRows, healthyToClose, maxRetrainings } = limits
  const { retrainingsApartDays, rolloutDeadlineHours } = limits
  const standard = DEFAULT_INCIDENT_POLICY
  return {
    breachesInARow: breachesInARow ?? standard.breachesInARow,
    requiredRows: minLabelledRows ?? standard.requiredRows,
    healthyToClose: healthyToClose ?? standard.healthyToClose,
    maxAutomaticRetrainings: maxRetrainings ?? standard.maxAutomaticRetrainings,
    retrainingsApartMs:
      retrainingsApartDays === undefined ? standard.retrainingsApartMs : retrainingsApartDays * DAY_MS,
    rolloutDeadlineMs:
      rolloutDeadlineHours === undefined ? standard.rolloutDeadlineMs : rolloutDeadlineHours * 3_600_000,
  }
}
