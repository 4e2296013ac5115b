import type { RunFailure, RunLimits } from '../contracts/temporal/messages.js'
import type { RunStatus } from '../domain/runs/run-status.js'
import type { Packing } from '../packing/packing.js'
import type { ObjectStore } from '../stores/objects/object-store.js'
import type { AssetStore } from '../stores/postgres/asset-store.js'
import type { BackfillStore } from '../stores/postgres/backfill-store.js'
import type { CheckpointStore } from '../stores/postgres/checkpoint-store.js'
import type { CollectionStore } from '../stores/postgres/collection-store.js'
import type { CompactionStore } from '../stores/postgres/compaction-store.js'
import type { DamageStore } from '../stores/postgres/damage-store.js'
import type { DatasetStore } from '../stores/postgres/dataset-store.js'
import type { Run } from '../stores/postgres/entities/run.js'
import type { DeploymentStore } from '../stores/postgres/deployment-store.js'
import type { DriftStore } from '../stores/postgres/drift-store.js'
import type { IncidentStore } from '../stores/postgres/incident-store.js'
import type { LabelLookStore } from '../stores/postgres/label-look-store.js'
import type { LabelStore } from '../stores/postgres/label-store.js'
import type { LedgerStore } from '../stores/postgres/ledger-store.js'
import type { ModelStore } from '../stores/postgres/model-store.js'
import type { PipelineStore } from '../stores/postgres/pipeline-store.js'
import type { PipelineRunStore } from '../stores/postgres/pipeline-run-store.js'
import type { PoolStore } from '../stores/postgres/pool-store.js'
import type { MarkStore } from '../stores/postgres/mark-store.js'
import type { PackCatalogue } from '../stores/postgres/pack-catalogue.js'
import type { PackStore } from '../stores/packs/pack-store.js'
import type { PackHolds } from '../stores/postgres/pack-holds.js'
import type { PackObjects } from '../stores/postgres/pack-objects.js'
import type { RetentionStore } from '../stores/postgres/retention-store.js'
import type { SuiteStore } from '../stores/postgres/suite-store.js'
import type { SweepStore } from '../stores/postgres/sweep-store.js'
import type { TableObjects } from '../stores/postgres/table-objects.js'
import type { VerifyStore } from '../stores/postgres/verify-store.js'
import type { PublishStore } from '../stores/postgres/publish-store.js'
import type { DefinitionStore } from '../stores/postgres/definition-store.js'
import type { EndStore } from '../stores/postgres/end-store.js'
import type { RefStore } from '../stores/postgres/ref-store.js'
import type { TransferStore } from '../stores/postgres/transfer-store.js'
import type { TransformationStore } from '../stores/postgres/transformation-store.js'
import type { PredictionStore } from '../stores/postgres/prediction-store.js'
import type { RetryStore } from '../stores/postgres/retry-store.js'
import type { RolloutStore } from '../stores/postgres/rollout-store.js'
import type { RunStore } from '../stores/postgres/run-store.js'
import type { ScheduleStore } from '../stores/postgres/schedule-store.js'
import type { SensorSourceStore } from '../stores/postgres/sensor-source-store.js'
import type { SensorStore } from '../stores/postgres/sensor-store.js'
import type { SensorTickStore } from '../stores/postgres/sensor-tick-store.js'
import type { StepLogStore } from '../stores/postgres/step-log-store.js'
import type { RunWakes } from '../stores/redis/wake.js'

/** What a worker has at hand; each group of activities takes the part it needs. */
export interface Ports {
  readonly runs: RunStore
  readonly retries: RetryStore
  readonly ledger: LedgerStore
  readonly checkpoints: CheckpointStore
  readonly datasets: DatasetStore
  readonly publishing: PublishStore
  readonly suites: SuiteStore
  readonly refs: RefStore
  readonly catalogue: PackCatalogue
  readonly packs: PackStore
  readonly transfers: TransferStore
  readonly holds: PackHolds
  readonly packObjects: PackObjects
  readonly tableObjects: TableObjects
  readonly collections: CollectionStore
  readonly marks: MarkStore
  readonly sweep: SweepStore
  readonly verify: VerifyStore
  readonly damages: DamageStore
  readonly ends: EndStore
  readonly definitions: DefinitionStore
  readonly retention: RetentionStore
  readonly packing: Packing
  readonly models: ModelStore
  readonly transformations: TransformationStore
  readonly schedules: ScheduleStore
  readonly deployments: DeploymentStore
  readonly rollouts: RolloutStore
  readonly predictions: PredictionStore
  readonly compaction: CompactionStore
  readonly labels: LabelStore
  readonly labelLooks: LabelLookStore
  readonly drift: DriftStore
  readonly incidents: IncidentStore
  readonly pipelines: PipelineStore
  readonly pipelineRuns: PipelineRunStore
  readonly pools: PoolStore
  readonly stepLogs: StepLogStore
  readonly sensors: SensorStore
  readonly sensorTicks: SensorTickStore
  readonly sensorSources: SensorSourceStore
  readonly assets: AssetStore
  readonly backfills: BackfillStore
  readonly objects: ObjectStore
  readonly workflows: WorkflowStarter
  /** Tells who watches a run to look again. Nothing depends on it. */
  readonly wakes: Pick<RunWakes, 'publish' | 'subscribe' | 'close'>
  readonly engine: EngineFacts
  readonly code: CodeFacts
  readonly limits: RunLimits
  /** Directory for files that live as long as an activity. */
  readonly scratch: string
}

export interface EngineFacts {
  readonly library: string
  readonly version: string
}

/** Which MLForge made a model. */
export interface CodeFacts {
  readonly version: string
  readonly commit: string | null
  readonly dirty: boolean
}

/** The part of Temporal's client that activities use; worker/ implements it. */
export interface WorkflowStarter {
  /** Starts the run's workflow, or joins the one that runs. Returns Temporal's id of the execution. */
  start(run: Run, limits: RunLimits): Promise<string>
  /** How the latest execution of a workflow id stands; null where Temporal knows none. */
  describe(workflowId: string): Promise<ExecutionState | null>
  /** Asks the latest execution of a workflow id to stop; one that is closed, or unknown, is left alone. */
  cancel(workflowId: string): Promise<void>
  /** Complete history of a closed execution, as JSON; null where it is gone. */
  history(workflowId: string, executionId: string): Promise<string | null>
}

export type ExecutionState =
  | { readonly open: true; readonly executionId: string }
  | {
      readonly open: false
      readonly executionId: string
      readonly status: RunStatus
      /** Why, where it did not end well. */
      readonly error?: RunFailure
      readonly result?: unknown
    }
