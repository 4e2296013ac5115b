import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Client } from '@temporalio/client'
import { type NativeConnection, Worker, type WorkerOptions } from '@temporalio/worker'
import type { Logger } from 'pino'
import type { DataSource } from 'typeorm'
import { backfillActivities } from '../activities/assets/backfills.js'
import { compactionActivities } from '../activities/compaction.js'
import { publishActivities } from '../activities/data/publish.js'
import { collectionActivities } from '../activities/data/collections.js'
import { verificationActivities } from '../activities/data/verifications.js'
import { transferActivities } from '../activities/data/transfers.js'
import { datasetActivities } from '../activities/datasets.js'
import { incidentActivities } from '../activities/incidents.js'
import { labelActivities } from '../activities/labels.js'
import { driftActivities } from '../activities/drift.js'
import { dueActivities } from '../activities/drift-due.js'
import { followingActivities } from '../activities/following.js'
import { maintenanceActivities } from '../activities/maintenance.js'
import { modelActivities } from '../activities/models.js'
import { interpretActivities } from '../activities/pipelines/interpret.js'
import { computeSteps, ioSteps } from '../activities/pipelines/library.js'
import { mapActivities } from '../activities/pipelines/map.js'
import { queueActivities } from '../activities/pipelines/queue.js'
import type { CodeFacts, Ports } from '../activities/ports.js'
import { retrainDeploymentActivities } from '../activities/retrain-deployment.js'
import { retrainingActivities } from '../activities/retraining.js'
import { rolloutActivities } from '../activities/rollouts.js'
import { runActivities } from '../activities/runs.js'
import { scheduleActivities } from '../activities/schedules.js'
import { sensorActivities } from '../activities/sensors/sensors.js'
import { transformationActivities } from '../activities/transformations.js'
import { trainingActivities } from '../activities/training.js'
import { validationActivities } from '../activities/validations.js'
import type { Config } from '../config/config.js'
import { engineLibrary, ENGINES } from '../config/engines.js'
import { type QueueName, QUEUES } from '../contracts/temporal/queues.js'
import { openObjectStore } from '../stores/objects/open.js'
import { AssetStore } from '../stores/postgres/asset-store.js'
import { Packing } from '../packing/packing.js'
import { PackStore } from '../stores/packs/pack-store.js'
import { PackCatalogue } from '../stores/postgres/pack-catalogue.js'
import { CollectionStore } from '../stores/postgres/collection-store.js'
import { MarkStore } from '../stores/postgres/mark-store.js'
import { PackHolds } from '../stores/postgres/pack-holds.js'
import { PackObjects } from '../stores/postgres/pack-objects.js'
import { RetentionStore } from '../stores/postgres/retention-store.js'
import { SuiteStore } from '../stores/postgres/suite-store.js'
import { SweepStore } from '../stores/postgres/sweep-store.js'
import { TableObjects } from '../stores/postgres/table-objects.js'
import { VerifyStore } from '../stores/postgres/verify-store.js'
import { DefinitionStore } from '../stores/postgres/definition-store.js'
import { EndStore } from '../stores/postgres/end-store.js'
import { RefStore } from '../stores/postgres/ref-store.js'
import { TransformationStore } from '../stores/postgres/transformation-store.js'
import { TransferStore } from '../stores/postgres/transfer-store.js'
import { BackfillStore } from '../stores/postgres/backfill-store.js'
import { CheckpointStore } from '../stores/postgres/checkpoint-store.js'
import { CompactionStore } from '../stores/postgres/compaction-store.js'
import { DamageStore } from '../stores/postgres/damage-store.js'
import { DatasetStore } from '../stores/postgres/dataset-store.js'
import { PublishStore } from '../stores/postgres/publish-store.js'
import { DeploymentStore } from '../stores/postgres/deployment-store.js'
import { DriftStore } from '../stores/postgres/drift-store.js'
import { IncidentStore } from '../stores/postgres/incident-store.js'
import { LabelLookStore } from '../stores/postgres/label-look-store.js'
import { LabelStore } from '../stores/postgres/label-store.js'
import { LedgerStore } from '../stores/postgres/ledger-store.js'
import { ModelStore } from '../stores/postgres/model-store.js'
import { PipelineStore } from '../stores/postgres/pipeline-store.js'
import { PipelineRunStore } from '../stores/postgres/pipeline-run-store.js'
import { PoolStore } from '../stores/postgres/pool-store.js'
import { PredictionStore } from '../stores/postgres/prediction-store.js'
import { RetryStore } from '../stores/postgres/retry-store.js'
import { RolloutStore } from '../stores/postgres/rollout-store.js'
import { RunStore } from '../stores/postgres/run-store.js'
import { ScheduleStore } from '../stores/postgres/schedule-store.js'
import { SensorSourceStore } from '../stores/postgres/sensor-source-store.js'
import { SensorStore } from '../stores/postgres/sensor-store.js'
import { SensorTickStore } from '../stores/postgres/sensor-tick-store.js'
import { StepLogStore } from '../stores/postgres/step-log-store.js'
import { RunWakes } from '../stores/redis/wake.js'
import { BUNDLE_FILE, CODE_FILE } from './build-files.js'
import { activityInterceptors } from './interceptors.js'
import { TemporalRuns } from './temporal-runs.js'

/** Real stores and clients behind the ports of the activities. */
export async function createPorts(
  config: Config,
  dataSource: DataSource,
  client: Client,
  logger: Logger,
): Promise<Ports> {
  const wakes = new RunWakes(config.redis.url, logger)
  const objects = await openObjectStore(config)
  const catalogue = new PackCatalogue(dataSource)
  return {
    runs: new RunStore(dataSource, runId => wakes.publish(runId)),
    retries: new RetryStore(dataSource),
    ledger: new LedgerStore(dataSource),
    checkpoints: new CheckpointStore(dataSource),
    datasets: new DatasetStore(dataSource),
    publishing: new PublishStore(dataSource),
    suites: new SuiteStore(dataSource),
    refs: new RefStore(dataSource),
    catalogue,
    packs: new PackStore(objects, catalogue),
    transfers: new TransferStore(dataSource),
    holds: new PackHolds(dataSource),
    packObjects: new PackObjects(dataSource),
    tableObjects: new TableObjects(dataSource),
    collections: new CollectionStore(dataSource),
    marks: new MarkStore(dataSource),
    sweep: new SweepStore(dataSource),
    verify: new VerifyStore(dataSource),
    damages: new DamageStore(dataSource),
    ends: new EndStore(dataSource),
    definitions: new DefinitionStore(dataSource.manager),
    retention: new RetentionStore(dataSource),
    packing: new Packing({}),
    models: new ModelStore(dataSource),
    transformations: new TransformationStore(dataSource),
    schedules: new ScheduleStore(dataSource),
    deployments: new DeploymentStore(dataSource),
    rollouts: new RolloutStore(dataSource),
    predictions: new PredictionStore(dataSource),
    compaction: new CompactionStore(dataSource),
    labels: new LabelStore(dataSource),
    labelLooks: new LabelLookStore(dataSource),
    drift: new DriftStore(dataSource),
    incidents: new IncidentStore(dataSource),
    pipelines: new PipelineStore(dataSource),
    pipelineRuns: new PipelineRunStore(dataSource),
    pools: new PoolStore(dataSource),
    stepLogs: new StepLogStore(dataSource),
    sensors: new SensorStore(dataSource),
    sensorTicks: new SensorTickStore(dataSource),
    sensorSources: new SensorSourceStore(dataSource),
    assets: new AssetStore(dataSource),
    backfills: new BackfillStore(dataSource),
    objects,
    workflows: new TemporalRuns(client),
    wakes,
    engine: { library: engineLibrary(config.cacheDirectory), version: ENGINES.xgboost.version },
    code: JSON.parse(readFileSync(CODE_FILE, 'utf8')) as CodeFacts,
    limits: {
      heartbeatTimeoutSeconds: config.worker.heartbeatTimeoutSeconds,
      lookEverySeconds: config.rollouts.lookEverySeconds,
    },
    scratch: join(config.stateDirectory, 'scratch'),
  }
}

/** A wait asks a few rows of Postgres now and then. */
const WATCH_SLOTS = 1_000

export interface WorkerContext {
  readonly config: Config
  readonly connection: NativeConnection
  readonly ports: Ports
  readonly logger: Logger
}

/** One Temporal worker for a queue: workflow tasks only, or activities only. */
export async function createWorker(queue: QueueName, context: WorkerContext): Promise<Worker> {
  const { config, connection, logger } = context
  return Worker.create({
    connection,
    namespace: config.temporal.namespace,
    taskQueue: QUEUES[queue],
    identity: `${queue}@${process.pid}`,
    // Waits end at once: another worker takes them up where they were.
    shutdownGraceTime: queue === 'watch' ? 0 : `${config.worker.drainSeconds} seconds`,
    interceptors: {
      activity: [activityInterceptors({ logger, activityAttempts: config.retries.activityAttempts })],
    },
    // Progress is looked at while it is made; the default holds heartbeats back for up to a minute.
    maxHeartbeatThrottleInterval: '1 second',
    ...queueOptions(queue, context),
  })
}

/**
 * Which build workflows are on, where workers are versioned. They move on with it, since some live for months:
 * recorded histories of every release replay on the code, and Temporal keeps the rest on the build before.
 */
function versioning(
  { deployment, build }: Config['worker'],
  { version, commit }: CodeFacts,
): Pick<WorkerOptions, 'workerDeploymentOptions'> {
  if (deployment === '') return {}
  const own = commit === null ? version : `${version}-${commit.slice(0, 12)}`
  return {
    workerDeploymentOptions: {
      useWorkerVersioning: true,
      version: { deploymentName: deployment, buildId: build === '' ? own : build },
      defaultVersioningBehavior: 'AUTO_UPGRADE',
    },
  }
}

function queueOptions(queue: QueueName, context: WorkerContext): Partial<WorkerOptions> {
  const { config, ports, logger } = context
  switch (queue) {
    case 'workflows':
      return {
        workflowBundle: { codePath: BUNDLE_FILE },
        maxCachedWorkflows: 500,
        ...versioning(config.worker, ports.code),
      }
    case 'io':
      return {
        activities: {
          ...runActivities(ports),
          ...datasetActivities(ports),
          ...validationActivities(ports),
          ...transformationActivities(ports),
          ...transferActivities(ports),
          ...publishActivities({ ...ports, logger }),
          ...verificationActivities(ports),
          ...collectionActivities({ ...ports, graceMs: config.data.graceMinutes * 60_000 }),
          ...modelActivities(ports),
          ...rolloutActivities(ports),
          ...incidentActivities(ports),
          ...retrainingActivities({ ...ports, retryPolicy: config.retries }),
          ...retrainDeploymentActivities({ ...ports, retryPolicy: config.retries }),
          ...driftActivities({ ...ports, retryPolicy: config.retries }),
          ...followingActivities(ports),
          ...dueActivities({ ...ports, retryPolicy: config.retries }),
          ...labelActivities({ ...ports, holdSeconds: config.labels.holdSeconds, logger }),
          ...scheduleActivities({ ...ports, retryPolicy: config.retries }),
          ...sensorActivities(stepPorts(context)),
          ...interpretActivities(ports),
          ...mapActivities(ports),
          ...queueActivities(ports),
          ...backfillActivities({ ...ports, retryPolicy: config.retries }),
          ...ioSteps(stepPorts(context)),
          ...compactionActivities({ ...ports, ...compactionOptions(config) }),
          ...maintenanceActivities({
            ...ports,
            untouchedSeconds: config.reconcile.untouchedSeconds,
            retriesPerDay: config.retries.perDay,
          }),
          prepareSplit: trainingActivities(ports).prepareSplit,
        },
        maxConcurrentActivityTaskExecutions: config.worker.ioSlots,
      }
    case 'watch': {
      const { awaitRolloutChange } = rolloutActivities(ports)
      const { awaitIncidentChange } = incidentActivities(ports)
      const { awaitEnded } = runActivities(ports)
      const { awaitSlots } = queueActivities(ports)
      const { awaitTransfer } = transferActivities(ports)
      const { awaitRoom } = sensorActivities(stepPorts(context))
      const { awaitBackfill } = backfillActivities({ ...ports, retryPolicy: config.retries })
      return {
        activities: {
          awaitRolloutChange,
          awaitIncidentChange,
          awaitEnded,
          awaitSlots,
          awaitRoom,
          awaitBackfill,
          awaitTransfer,
        },
        maxConcurrentActivityTaskExecutions: WATCH_SLOTS,
      }
    }
    case 'train': {
      const { train, evaluate, exportModel } = trainingActivities(ports)
      return {
        activities: { train, evaluate, exportModel, ...computeSteps(stepPorts(context)) },
        maxConcurrentActivityTaskExecutions: config.worker.trainSlots,
      }
    }
  }
}

function stepPorts({ config, ports, logger }: WorkerContext) {
  return { ...ports, logger, retryPolicy: config.retries, projectDirectory: config.scripts.directory }
}

function compactionOptions({ compaction }: Config) {
  const { minFiles, quietSeconds, maxRows, maxBytes, graceHours } = compaction
  return {
    compactionPolicy: { files: minFiles, quietMs: quietSeconds * 1000, maxRows, maxBytes },
    graceMs: graceHours * 3_600_000,
  }
}
