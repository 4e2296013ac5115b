export interface CreateDeployment {
  name: string
  /** Model whose versions it serves. */
  model: string
}

/** One version in a plan. */
export interface Arm {
  version: number
  /** `shadow` scores copies of rows and answers none. */
  role: 'stable' | 'candidate' | 'shadow'
  /** Percent of keys that it answers. */
  weight: number
  /** Percent of keys whose rows a shadow scores too. */
  sample?: number
}

/** How the traffic of a deployment is split; the newest revision is in force. */
export interface Plan {
  revision: number
  arms: Arm[]
  reason: string
  rolloutId: string
  createdAt: string
}

export interface Replica {
  id: string
  address: string
  /** Revision of the plan that it answers by, 0 for none. */
  revision: number
  /** Why it does not answer by a newer one. */
  problem: string | null
  seenAt: string
}

export interface Freeze {
  from: string
  until: string
  reason: string
}

export interface Following {
  alias: string
  /** As rollouts keep it. */
  strategy: unknown
}

/** A deployment as lists show it. */
export interface DeploymentSummary {
  name: string
  model: string
  principal: string
  createdAt: string
  /** The one in force; null until a first rollout has issued one. */
  plan: Plan | null
}

export interface Deployment extends DeploymentSummary {
  /** Time in which no rollout goes forward; null where none is set. */
  freeze: Freeze | null
  /** Alias whose moves start rollouts, and how; null where only people and incidents start them. */
  following: Following | null
  /** Replicas that have reported within the last ten seconds. */
  replicas: Replica[]
  predictions: PredictionsSummary
  labels: LabelsSummary
}

/** What has been ingested of the deployment's prediction log. */
export interface PredictionsSummary {
  rows: number
  /** Event time of the newest ingested prediction. */
  until: string | null
  /** Sealed segments that wait to be ingested, of all deployments of the project. */
  waitingSegments: number
}

export interface LabelsSummary {
  /** Predictions that have a label, ingested or not. */
  labels: number
  /** How often a label's value was changed. */
  corrections: number
  /** Labels whose prediction has not been found yet: it may still be ingested. */
  held: number
  /** Labels without a prediction for longer than the hold time. */
  unknown: number
}

/** A label that was reported since no prediction of its id has come within the hold time. */
export interface UnknownLabel {
  predictionId: string
  /** The value that holds. */
  value: number
  /** When that became known, as its sender says. */
  at: string
  /** When the first value came. */
  receivedAt: string
  reportedAt: string
}

export interface SendLabels {
  /** 1 to 10,000. A prediction may be in it more than once with the same value only. */
  labels: NewLabel[]
}

export interface NewLabel {
  predictionId: string
  value: number
  /** When it became known: ISO 8601 date and time with an offset. */
  at: string
}

export interface LabelsAccepted {
  /** Labels that were not known before. */
  added: number
  /** Labels that change a known value; the former value is kept. */
  corrected: number
  /** The value was known already. */
  unchanged: number
}

/** All values that a prediction's label has had, first to last; the last one holds. */
export interface LabelHistory {
  predictionId: string
  /** `held`: its prediction has not been found yet; `unknown`: nor within the hold time. */
  state: 'held' | 'matched' | 'unknown'
  values: LabelRevision[]
}

export interface LabelRevision {
  /** 0 for the first value, then counting corrections. */
  revision: number
  value: number
  /** When it became known, as its sender says. */
  at: string
  receivedAt: string
  /** Who sent it: `key:<name>`. */
  principal: string
}

/** One ingested prediction with its label. */
export interface LoggedPrediction {
  id: string
  version: number
  role: 'stable' | 'candidate' | 'shadow' | 'pinned'
  revision: number
  key: string
  eventTime: string
  output: number
  label: number | null
  features: Record<string, number | boolean>
}
