import type { IncidentSignal, IncidentStatus } from '../incidents/incident-status.js'
import type { RolloutStatus } from '../rollouts/rollout-status.js'
import type { RoutingPlan } from '../routing/plan.js'

/** What a stack holds of deployments. Predictions and labels are many: they come counted. */
export interface ServingFacts {
  readonly deployments: readonly DeploymentFacts[]
  /** In the order of their revisions. */
  readonly plans: readonly PlanFacts[]
  readonly replicas: readonly ReplicaFacts[]
  readonly decisionLogs: readonly DecisionLogFacts[]
  /** In the order of their numbers. */
  readonly segments: readonly SegmentFacts[]
  readonly predictionFiles: readonly PredictionFileFacts[]
  readonly labels: readonly LabelFacts[]
  /** In the order of windows, and of the revisions of each. */
  readonly driftWindows: readonly DriftWindowFacts[]
  readonly incidents: readonly IncidentFacts[]
}

interface Content {
  readonly uri: string
  readonly sha256: string
  readonly bytes: number
}

export interface DeploymentFacts {
  readonly id: string
  readonly project: string
  readonly name: string
  readonly model: string
}

export interface PlanFacts {
  readonly deploymentId: string
  readonly revision: number
  readonly plan: RoutingPlan
  readonly versions: readonly { readonly model: string; readonly version: number; readonly onnx: Content }[]
  readonly rolloutId: string
  readonly effectKey: string
  readonly createdAt: Date
}

export interface ReplicaFacts {
  readonly replica: string
  readonly deploymentId: string
  readonly revision: number
  readonly problem: string | null
  readonly address: string
  readonly seenAt: Date
}

/** The numbers of a rollout's decisions, and the status that the last one led to. */
export interface DecisionLogFacts {
  readonly rolloutId: string
  readonly entries: number
  readonly first: number
  readonly last: number
  readonly status: RolloutStatus
}

export interface SegmentFacts {
  readonly project: string
  readonly replica: string
  readonly segment: number
  readonly uri: string
  readonly bytes: number
  readonly records: number
  readonly firstSequence: number
  readonly lastSequence: number
  readonly sealedAt: Date
  readonly tries: number
  /** When it came, as long as it was never tried in vain. */
  readonly dueAt: Date
  readonly ingestedAt: Date | null
  readonly problem: string | null
}

export interface PredictionFileFacts {
  readonly id: string
  readonly deploymentId: string
  readonly uri: string
  readonly bytes: number
  readonly rows: number
  /** The segments that were ingested together, as `replica/segment` or `replica/first-last`. */
  readonly segments: readonly string[]
  /** Whether labels were looked for in it. */
  readonly lookedAt: boolean
  /** Ingested files that it is made of; 1 for one of them. */
  readonly sources: number
  /** Id of the file that holds its rows now. */
  readonly replacedBy: string | null
  /** When its object was deleted. */
  readonly deletedAt: Date | null
  readonly effectKey: string
}

export interface LabelFacts {
  readonly deploymentId: string
  /** First values. */
  readonly labels: number
  readonly corrections: number
  /** Values whose revision is not the next one. */
  readonly misnumbered: number
  /** Corrections that say what held already. */
  readonly repeated: number
  /** First values without a prediction: not found yet, and reported. */
  readonly held: number
  readonly unknown: number
  /** Marks of a match or a report where there can be none: on corrections, and before any look. */
  readonly mismarked: number
  /** Labels received up to here have been looked for in every file: a time as the database writes it. */
  readonly sweptUntil: string | null
}

/** What the files of a deployment's predictions hold, as they were read. */
export interface LoggedFacts {
  readonly deploymentId: string
  /** Records whose replica and sequence another one has too. */
  readonly repeated: number
  /** Labels that are matched, though no prediction has their id, and the other way round. */
  readonly mismatched: number
  /** Distinct prediction ids; of an id that several replicas have answered the first record counts. */
  readonly ids: readonly { readonly version: number; readonly role: string; readonly count: number }[]
}

export interface DriftWindowFacts {
  readonly deploymentId: string
  readonly windowId: string
  readonly revision: number
  readonly state: string
  readonly breached: boolean | null
  readonly rows: number
  readonly labelled: number
  readonly report: { readonly json: Content; readonly html: Content }
  readonly fingerprint: string
  readonly effectKey: string
}

export interface IncidentFacts {
  readonly id: string
  readonly deploymentId: string
  readonly signal: IncidentSignal
  readonly status: IncidentStatus
  /** So many as its row says there are. */
  readonly events: number
  readonly retrainings: number
  /** The numbers of its events; null where there are none. */
  readonly logged: number
  readonly firstEvent: number | null
  readonly lastEvent: number | null
}
