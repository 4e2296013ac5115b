import { DataSource, type DataSourceOptions } from 'typeorm'
import { ApiKey } from './entities/api-key.js'
import { Asset, AssetMaterialisation, AssetPartition, AssetVersion } from './entities/asset.js'
import { Backfill, BackfillItem } from './entities/backfill.js'
import { Checkpoint } from './entities/checkpoint.js'
import { DataChunk, DataPack, DataPushPack, DataRef, DataTransfer } from './entities/data.js'
import {
  DataCollectionPack,
  DataCollectionRow,
  DataCollectionVersion,
  DataDamage,
  DataEpoch,
  DataHold,
  DataMark,
  RemovedObject,
} from './entities/data-collection.js'
import { Dataset, DatasetVersion } from './entities/dataset.js'
import { Deployment, RoutingPlanRow, ServingReplica } from './entities/deployment.js'
import { DriftLook, DriftWindow } from './entities/drift.js'
import { IdempotencyKey } from './entities/idempotency-key.js'
import { Incident, IncidentEvent } from './entities/incident.js'
import { Lease } from './entities/lease.js'
import { LedgerStep } from './entities/ledger-step.js'
import { LineageEdgeRow, LineageEventRow } from './entities/lineage.js'
import { AliasChange, Model, ModelAlias, ModelVersion } from './entities/model.js'
import { OutboxRow } from './entities/outbox.js'
import { Label, LabelLook, PredictionFile, PredictionSegment } from './entities/prediction.js'
import { Pipeline, PipelineRun, PipelineStep, PipelineVersion, StepMemo } from './entities/pipeline.js'
import { Pool, PoolClaim } from './entities/pool.js'
import { Project } from './entities/project.js'
import { RolloutDecision } from './entities/rollout.js'
import { Run } from './entities/run.js'
import { Schedule, ScheduleTick } from './entities/schedule.js'
import { Sensor, SensorEvent, SensorTick } from './entities/sensor.js'
import { StepLogChunk } from './entities/step-log.js'
import { DatasetSuite, DatasetSuiteVersion } from './entities/suite.js'
import { Transformation, TransformationVersion } from './entities/transformation.js'
import { Upload } from './entities/upload.js'
import { Foundation1764000000000 } from './migrations/1764000000000-foundation.js'
import { Serving1764100000000 } from './migrations/1764100000000-serving.js'
import { Rollouts1764200000000 } from './migrations/1764200000000-rollouts.js'
import { Monitoring1764300000000 } from './migrations/1764300000000-monitoring.js'
import { Incidents1764400000000 } from './migrations/1764400000000-incidents.js'
import { UnknownLabels1764500000000 } from './migrations/1764500000000-unknown-labels.js'
import { Compaction1764600000000 } from './migrations/1764600000000-compaction.js'
import { RetrainingSchedules1764700000000 } from './migrations/1764700000000-retraining-schedules.js'
import { Following1764800000000 } from './migrations/1764800000000-following.js'
import { Pipelines1764900000000 } from './migrations/1764900000000-pipelines.js'
import { Sensors1765000000000 } from './migrations/1765000000000-sensors.js'
import { Assets1765100000000 } from './migrations/1765100000000-assets.js'
import { Pools1765200000000 } from './migrations/1765200000000-pools.js'
import { RollBacks1765300000000 } from './migrations/1765300000000-roll-backs.js'
import { ScheduleTicks1765350000000 } from './migrations/1765350000000-schedule-ticks.js'
import { GivenModels1765400000000 } from './migrations/1765400000000-given-models.js'
import { DataVersions1765500000000 } from './migrations/1765500000000-data-versions.js'
import { DataCollection1765600000000 } from './migrations/1765600000000-data-collection.js'
import { TableReaders1765650000000 } from './migrations/1765650000000-table-readers.js'
import { Suites1765700000000 } from './migrations/1765700000000-suites.js'
import { Lineage1765800000000 } from './migrations/1765800000000-lineage.js'
import { LineageEvents1765900000000 } from './migrations/1765900000000-lineage-events.js'
import { Transformations1766000000000 } from './migrations/1766000000000-transformations.js'
import { RemovedObjects1766100000000 } from './migrations/1766100000000-removed-objects.js'
import { Definitions1766200000000 } from './migrations/1766200000000-definitions.js'
import { FoldedFits1766250000000 } from './migrations/1766250000000-folded-fits.js'
import { DataDamages1766300000000 } from './migrations/1766300000000-data-damages.js'
import { SnakeNaming } from './snake-naming.js'

export const ENTITIES = [
  Project,
  ApiKey,
  Run,
  OutboxRow,
  IdempotencyKey,
  Lease,
  LedgerStep,
  LineageEdgeRow,
  LineageEventRow,
  Checkpoint,
  Upload,
  Dataset,
  DatasetVersion,
  DatasetSuite,
  DatasetSuiteVersion,
  DataPack,
  DataChunk,
  DataPushPack,
  DataTransfer,
  DataRef,
  DataEpoch,
  DataHold,
  DataMark,
  DataCollectionRow,
  DataCollectionPack,
  DataCollectionVersion,
  DataDamage,
  RemovedObject,
  Model,
  ModelVersion,
  ModelAlias,
  AliasChange,
  Transformation,
  TransformationVersion,
  Schedule,
  ScheduleTick,
  Deployment,
  RoutingPlanRow,
  ServingReplica,
  PredictionSegment,
  PredictionFile,
  Label,
  LabelLook,
  RolloutDecision,
  DriftWindow,
  DriftLook,
  Incident,
  IncidentEvent,
  Pipeline,
  PipelineVersion,
  PipelineRun,
  PipelineStep,
  StepMemo,
  StepLogChunk,
  Pool,
  PoolClaim,
  Sensor,
  SensorTick,
  SensorEvent,
  Asset,
  AssetVersion,
  AssetPartition,
  AssetMaterialisation,
  Backfill,
  BackfillItem,
]

/** In the order they are applied. Expand first, contract in a later release. */
export const MIGRATIONS = [
  Foundation1764000000000,
  Serving1764100000000,
  Rollouts1764200000000,
  Monitoring1764300000000,
  Incidents1764400000000,
  UnknownLabels1764500000000,
  Compaction1764600000000,
  RetrainingSchedules1764700000000,
  Following1764800000000,
  Pipelines1764900000000,
  Sensors1765000000000,
  Assets1765100000000,
  Pools1765200000000,
  RollBacks1765300000000,
  ScheduleTicks1765350000000,
  GivenModels1765400000000,
  DataVersions1765500000000,
  DataCollection1765600000000,
  TableReaders1765650000000,
  Suites1765700000000,
  Lineage1765800000000,
  LineageEvents1765900000000,
  Transformations1766000000000,
  RemovedObjects1766100000000,
  Definitions1766200000000,
  FoldedFits1766250000000,
  DataDamages1766300000000,
]

export function dataSourceOptions(url: string, poolSize = 10): DataSourceOptions {
  return {
    type: 'postgres',
    url,
    entities: ENTITIES,
    migrations: MIGRATIONS,
    migrationsTransactionMode: 'each',
    namingStrategy: new SnakeNaming(),
    synchronize: false,
    poolSize,
    // A statement that hangs must not hold its caller: every external call has a deadline.
    extra: {
      connectionTimeoutMillis: 5_000,
      statement_timeout: 30_000,
      idle_in_transaction_session_timeout: 60_000,
    },
  }
}

export async function connectPostgres(url: string, poolSize?: number): Promise<DataSource> {
  return new DataSource(dataSourceOptions(url, poolSize)).initialize()
}
