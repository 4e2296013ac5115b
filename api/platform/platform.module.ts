import { type DynamicModule, Global, Inject, Module, type OnApplicationShutdown } from '@nestjs/common'
import type { Config } from '../../config/config.js'
import { openObjectStore } from '../../stores/objects/open.js'
import type { ObjectStore } from '../../stores/objects/object-store.js'
import { PackStore } from '../../stores/packs/pack-store.js'
import { PackCatalogue } from '../../stores/postgres/pack-catalogue.js'
import { CollectionStore } from '../../stores/postgres/collection-store.js'
import { RetentionStore } from '../../stores/postgres/retention-store.js'
import { RefStore } from '../../stores/postgres/ref-store.js'
import { TransformationStore } from '../../stores/postgres/transformation-store.js'
import { TransferStore } from '../../stores/postgres/transfer-store.js'
import { AssetStore } from '../../stores/postgres/asset-store.js'
import { BackfillStore } from '../../stores/postgres/backfill-store.js'
import { CheckpointStore } from '../../stores/postgres/checkpoint-store.js'
import { DatasetStore } from '../../stores/postgres/dataset-store.js'
import { DeploymentStore } from '../../stores/postgres/deployment-store.js'
import { DriftStore } from '../../stores/postgres/drift-store.js'
import { IncidentStore } from '../../stores/postgres/incident-store.js'
import { KeyStore } from '../../stores/postgres/key-store.js'
import { LabelStore } from '../../stores/postgres/label-store.js'
import { LedgerStore } from '../../stores/postgres/ledger-store.js'
import { LineageEventStore } from '../../stores/postgres/lineage-event-store.js'
import { LineageStore } from '../../stores/postgres/lineage-store.js'
import { ModelStore } from '../../stores/postgres/model-store.js'
import { OutboxStore } from '../../stores/postgres/outbox-store.js'
import { PipelineRunStore } from '../../stores/postgres/pipeline-run-store.js'
import { PipelineStore } from '../../stores/postgres/pipeline-store.js'
import { PoolStore } from '../../stores/postgres/pool-store.js'
import { PredictionStore } from '../../stores/postgres/prediction-store.js'
import { RolloutStore } from '../../stores/postgres/rollout-store.js'
import { RunStore } from '../../stores/postgres/run-store.js'
import { ScheduleStore } from '../../stores/postgres/schedule-store.js'
import { SensorStore } from '../../stores/postgres/sensor-store.js'
import { SensorTickStore } from '../../stores/postgres/sensor-tick-store.js'
import { StepLogStore } from '../../stores/postgres/step-log-store.js'
import { SuiteStore } from '../../stores/postgres/suite-store.js'
import { UploadStore } from '../../stores/postgres/upload-store.js'
import { RunWakes } from '../../stores/redis/wake.js'
import { KeyVerifier } from '../http/key-verifier.js'
import { Temporal } from '../temporal/temporal.js'
import { Database } from './database.js'
import { Draining } from './draining.js'
import { CONFIG, LOGGER, type Log, OBJECTS } from './tokens.js'

const STORES = [
  AssetStore,
  BackfillStore,
  CheckpointStore,
  DatasetStore,
  DeploymentStore,
  DriftStore,
  PackCatalogue,
  CollectionStore,
  RetentionStore,
  RefStore,
  TransferStore,
  TransformationStore,
  IncidentStore,
  KeyStore,
  LabelStore,
  LedgerStore,
  LineageEventStore,
  LineageStore,
  ModelStore,
  OutboxStore,
  PipelineRunStore,
  PipelineStore,
  PoolStore,
  PredictionStore,
  RolloutStore,
  RunStore,
  ScheduleStore,
  SensorStore,
  SensorTickStore,
  StepLogStore,
  SuiteStore,
  UploadStore,
].map(Store => ({
  provide: Store,
  useFactory: (database: Database) => new Store(database.dataSource),
  inject: [Database],
}))

/** What every noun needs: configuration, log, stores, objects, Temporal, wake-ups. */
@Global()
@Module({})
export class PlatformModule implements OnApplicationShutdown {
  constructor(@Inject(RunWakes) private readonly wakes: RunWakes) {}

  static with(config: Config, log: Log): DynamicModule {
    const providers = [
      { provide: CONFIG, useValue: config },
      { provide: LOGGER, useValue: log },
      { provide: OBJECTS, useFactory: () => openObjectStore(config) },
      { provide: RunWakes, useFactory: () => new RunWakes(config.redis.url, log) },
      {
        provide: PackStore,
        useFactory: (objects: ObjectStore, catalogue: PackCatalogue) => new PackStore(objects, catalogue),
        inject: [OBJECTS, PackCatalogue],
      },
      Database,
      Draining,
      Temporal,
      KeyVerifier,
      ...STORES,
    ]
    return {
      module: PlatformModule,
      providers,
      exports: providers.map(each => ('provide' in each ? each.provide : each)),
    }
  }

  onApplicationShutdown(): void {
    this.wakes.close()
  }
}
