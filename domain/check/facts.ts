import type { RunKind } from '../names.js'
import type { LineageFacts } from './lineage.js'
import type { RunStatus } from '../runs/run-status.js'
import type { AssetCheckFacts } from './assets.js'
import type { DataFacts } from './data.js'
import type { PipelineFacts } from './pipelines.js'
import type { PoolFacts } from './pools.js'
import type { SensorFacts } from './sensors.js'
import type { LoggedFacts, ServingFacts } from './serving-facts.js'

/** What a stack holds, as it was read: rows of one database snapshot, Temporal's answers, sizes of objects. */
export interface StackFacts
  extends ServingFacts, PipelineFacts, PoolFacts, SensorFacts, AssetCheckFacts, DataFacts {
  readonly datasets: readonly NamedRow[]
  readonly datasetVersions: readonly DatasetVersionFacts[]
  readonly models: readonly NamedRow[]
  readonly modelVersions: readonly ModelVersionFacts[]
  readonly transformations: readonly NamedRow[]
  readonly transformationVersions: readonly TransformationVersionFacts[]
  readonly aliases: readonly { readonly modelId: string; readonly alias: string; readonly version: number }[]
  readonly aliasChanges: readonly AliasChangeFacts[]
  readonly schedules: readonly ScheduleFacts[]
  readonly uploads: readonly UploadFacts[]
  readonly checkpoints: readonly { readonly uri: string; readonly bytes: string }[]
  readonly ledger: readonly LedgerFacts[]
  readonly lineage: readonly LineageFacts[]
  readonly runs: readonly RunFacts[]
  /** Starts that are still owed. */
  readonly owed: readonly OwedStart[]
  /** By workflow id: Temporal's status of the latest execution, null where it knows none. */
  readonly workflows: ReadonlyMap<string, string | null>
  /** Workflow ids of runs that Temporal has open. */
  readonly openWorkflows: readonly string[]
  readonly objects: ReadonlyMap<string, ObjectFacts>
  /** Of the deployments whose prediction files were read. */
  readonly logged: readonly LoggedFacts[]
  /** The database's clock at the snapshot. */
  readonly now: Date
  /** How long Temporal keeps what has closed. */
  readonly retentionDays: number
}

export interface NamedRow {
  readonly id: string
  readonly project: string
  readonly name: string
}

interface Content {
  readonly uri: string
  readonly sha256: string
  readonly bytes: number
}

export interface DatasetVersionFacts {
  readonly datasetId: string
  readonly version: number
  readonly root: string
  /** Null where it has no table. */
  readonly rows: string | null
  readonly parents: readonly string[]
  readonly raw: Content | null
  readonly parquet: Content | null
  readonly quarantine: Content | null
  /** The branch on which it was made. */
  readonly branch: string
  /** SHA-256 of its commit object; null until it is there. */
  readonly commit: string | null
  readonly retiredAt: Date | null
  readonly purge: { readonly erased?: readonly string[] } | null
  readonly runId: string
  readonly effectKey: string
}

export interface TransformationVersionFacts {
  readonly transformationId: string
  readonly version: number
  readonly sha256: string
  readonly state: Content
  readonly folds: { readonly states: readonly Content[] } | null
  readonly dataset: { readonly name: string; readonly version: number } | null
  readonly runId: string
  readonly effectKey: string
}

export interface ModelVersionFacts {
  readonly modelId: string
  readonly version: number
  readonly engine: string
  readonly sha256: string
  readonly artifacts: Readonly<Record<string, Content>>
  readonly gate: unknown
  readonly lineage: unknown
  readonly runId: string
  readonly effectKey: string
}

export interface AliasChangeFacts {
  readonly modelId: string
  readonly alias: string
  readonly fromVersion: number | null
  readonly toVersion: number | null
  readonly principal: string
  readonly reason: string
  readonly at: Date
}

export interface ScheduleFacts {
  readonly project: string
  readonly name: string
  readonly kind: string
  readonly training: unknown
  readonly deployment: string | null
  readonly timing: unknown
  readonly paused: boolean
}

export interface UploadFacts {
  readonly project: string
  readonly uri: string
  readonly sha256: string
  readonly bytes: string
  /** Null where only reading the whole file tells. */
  readonly rows: string | null
}

export interface LedgerFacts {
  readonly runId: string
  readonly step: string
  readonly generation: number
  readonly outcome: unknown
}

export interface RunFacts {
  readonly id: string
  readonly project: string
  readonly kind: RunKind
  readonly name: string
  readonly status: RunStatus
  readonly attempt: number
  readonly generation: number
  readonly workflowId: string
  readonly executionId: string | null
  readonly request: unknown
  readonly result: unknown
  readonly error: { readonly code: string } | null
  readonly trigger: string
  readonly createdAt: Date
  readonly endedAt: Date | null
  /** When it is started again by itself. */
  readonly nextAttemptAt: Date | null
  readonly history: string | null
}

export interface OwedStart {
  readonly runId: string
  readonly attempt: number
  readonly createdAt: Date
  readonly tries: number
  readonly lastError: string | null
}

export interface ObjectFacts {
  /** Size in the store, null where there is no such object. */
  readonly bytes: number | null
  /** Why its content is wrong, where it was read and is. */
  readonly corrupt?: string
}

/** Something that is wrong: what, with which id, and what to do about it. */
export interface CheckProblem {
  readonly code: CheckCode
  readonly at: string
  readonly message: string
}

export type CheckCode =
  | 'effect_missing'
  | 'effect_duplicated'
  | 'effect_differs'
  | 'effect_without_step'
  | 'version_gap'
  | 'data_ref_dangling'
  | 'gate_not_passed'
  | 'alias_dangling'
  | 'alias_history_broken'
  | 'run_not_closed'
  | 'run_ended_differently'
  | 'run_ended_workflow_open'
  | 'workflow_missing'
  | 'workflow_without_run'
  | 'start_overdue'
  | 'claim_left'
  | 'claim_without_pool'
  | 'pool_exceeded'
  | 'object_missing'
  | 'object_size'
  | 'object_corrupt'
  | 'plan_gap'
  | 'plan_invalid'
  | 'plan_version_missing'
  | 'plan_version_differs'
  | 'trial_left'
  | 'replica_behind'
  | 'rollout_twice'
  | 'promotion_without_traffic'
  | 'promotion_without_champion'
  | 'decision_gap'
  | 'decision_end'
  | 'segment_gap'
  | 'segment_refused'
  | 'segment_repeated'
  | 'segment_not_ingested'
  | 'ingest_overdue'
  | 'predictions_miscounted'
  | 'replacement_broken'
  | 'prediction_repeated'
  | 'label_gap'
  | 'label_repeated'
  | 'label_mismarked'
  | 'label_mismatched'
  | 'window_gap'
  | 'window_repeated'
  | 'incident_twice'
  | 'incident_event_gap'
  | 'incident_not_followed'
  | 'step_without_outcome'
  | 'step_not_closed'
  | 'step_child_missing'
  | 'step_memo_dangling'
  | 'tick_without_run'
  | 'run_without_tick'
  | 'event_gap'
  | 'materialisation_missing'
  | 'materialisation_without_run'
  | 'backfill_item_not_closed'
  | 'lineage_missing'
