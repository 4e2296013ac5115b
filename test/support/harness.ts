import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { Client } from '@temporalio/client'
import { Connection } from '@temporalio/client'
import { NativeConnection, Runtime, type Worker } from '@temporalio/worker'
import { pino } from 'pino'
import type { Ports } from '../../activities/ports.js'
import type { Config } from '../../config/config.js'
import { loadConfig } from '../../config/load.js'
import { type QueueName, QUEUES } from '../../contracts/temporal/queues.js'
import { startOptions } from '../../contracts/temporal/start-options.js'
import { selectorOf } from '../../domain/data/selector.js'
import type { BadRows } from '../../domain/datasets/bad-rows.js'
import type { CommitRequest } from '../../domain/datasets/commit-request.js'
import type { StatedReading } from '../../domain/datasets/reading.js'
import { UploadChecker } from '../../domain/datasets/upload-check.js'
import { isOpen } from '../../domain/runs/run-status.js'
import {
  buildTrainingSpec,
  type DatasetFacts,
  type TrainingRequest,
} from '../../domain/training/build-spec.js'
import { uuidv7 } from '../../stores/ids.js'
import type { Run } from '../../stores/postgres/entities/run.js'
import { OutboxStore } from '../../stores/postgres/outbox-store.js'
import type { AcceptRun } from '../../stores/postgres/run-acceptance.js'
import { ingestPredictions } from '../../worker/ingest.js'
import { relayStarts } from '../../worker/relay.js'
import { createPorts, createWorker, type WorkerContext } from '../../worker/workers.js'
import { eventually } from './eventually.js'
import { makeNamespace } from './namespace.js'
import { type TestDatabase, testDatabase } from './postgres.js'
import { cacheDirectory } from './python.js'
import { silentLogger } from './silent-logger.js'

export const PROJECT = 'default'

export interface HarnessOptions {
  /** Queues that have a worker from the beginning. Default: all. */
  readonly queues?: readonly QueueName[]
  /** False: no start is made until a test makes it. */
  readonly relay?: boolean
  /** True: predictions are ingested as worker io does. */
  readonly ingest?: boolean
  /** Environment variables of the configuration, where they differ from the harness's. */
  readonly env?: Readonly<Record<string, string>>
}

export interface RunningWorker {
  readonly worker: Worker
  /** Drains it as SIGTERM does. */
  stop(): Promise<void>
}

/**
 * The product's own composition (ports, workers, relay) on the real servers: a database, a
 * namespace and an object directory for each test file.
 */
export class Harness {
  private readonly stopRelay = new AbortController()
  private relay: Promise<void> = Promise.resolve()
  private ingest: Promise<void> = Promise.resolve()
  private readonly workers = new Set<RunningWorker>()
  readonly logger = pino({ level: 'silent' })
  readonly outbox: OutboxStore

  private constructor(
    readonly config: Config,
    readonly database: TestDatabase,
    private readonly connection: Connection,
    private readonly native: NativeConnection,
    readonly client: Client,
    readonly ports: Ports,
    private readonly directory: string,
  ) {
    this.outbox = new OutboxStore(database.dataSource)
  }

  static async start({
    queues = ['workflows', 'io', 'watch', 'train'],
    relay = true,
    ingest = false,
    env = {},
  }: HarnessOptions = {}): Promise<Harness> {
    installRuntime()
    const directory = await mkdtemp(join(tmpdir(), 'mlforge-harness-'))
    const database = await testDatabase()
    const address = env['MLFORGE_TEMPORAL_ADDRESS'] ?? process.env['TEST_TEMPORAL_ADDRESS']!
    const namespace = `test-${randomBytes(6).toString('hex')}`
    const config = loadConfig({
      cwd: directory,
      env: {
        MLFORGE_STATE_DIRECTORY: directory,
        MLFORGE_CACHE_DIRECTORY: cacheDirectory(),
        MLFORGE_POSTGRES_URL: database.url,
        MLFORGE_REDIS_URL: process.env['TEST_REDIS_URL'],
        MLFORGE_TEMPORAL_ADDRESS: address,
        MLFORGE_TEMPORAL_NAMESPACE: namespace,
        MLFORGE_WORKER_HEARTBEAT_TIMEOUT_SECONDS: '10',
        MLFORGE_WORKER_DRAIN_SECONDS: '0.05',
        MLFORGE_RETRIES_DELAY_SECONDS: '0.05',
        MLFORGE_RETRIES_ACTIVITY_ATTEMPTS: '2',
        MLFORGE_RECONCILE_UNTOUCHED_SECONDS: '0.05',
        ...env,
      },
    })
    const connection = await Connection.connect({ address })
    const native = await NativeConnection.connect({ address })
    const client = await makeNamespace(connection, namespace)
    const ports = await createPorts(config, database.dataSource, client, pino({ level: 'silent' }))
    const harness = new Harness(config, database, connection, native, client, ports, directory)
    for (const queue of queues) await harness.work(queue)
    if (relay) harness.startRelay()
    if (ingest)
      harness.ingest = ingestPredictions({ ...ports, logger: harness.logger }, harness.stopRelay.signal)
    return harness
  }

  /** Starts a worker of a queue, with other ports where a test needs to hold or break something. */
  async work(queue: QueueName, ports: Ports = this.ports): Promise<RunningWorker> {
    const worker = await createWorker(queue, { ...this.context(), ports })
    const running = worker.run()
    const handle: RunningWorker = {
      worker,
      stop: async () => {
        this.workers.delete(handle)
        if (worker.getState() === 'RUNNING') worker.shutdown()
        await running
      },
    }
    this.workers.add(handle)
    return handle
  }

  /** What a worker is made of. */
  context(config: Config = this.config): WorkerContext {
    const { native: connection, ports, logger } = this
    return { config, connection, ports, logger }
  }

  private startRelay(): void {
    const { ports, outbox, logger } = this
    const idle = async (_ms: number, signal: AbortSignal) =>
      wait(20, undefined, { signal }).catch(() => undefined)
    this.relay = relayStarts({ ...ports, outbox, logger, idle }, this.stopRelay.signal)
  }

  /** Takes a run on as the API does; the relay starts it. */
  async accept(
    kind: Run['kind'],
    name: string,
    request: unknown,
    more: Partial<AcceptRun> = {},
  ): Promise<Run> {
    const { codes, maxAttempts, delaySeconds } = this.config.retries
    const { run } = await this.ports.runs.accept({
      project: PROJECT,
      kind,
      name,
      request,
      principal: 'key:test',
      trigger: 'api',
      retryPolicy: { codes, maxAttempts, delaySeconds },
      ...more,
    })
    return run
  }

  /** A dataset commit of a file, checked and stored as an upload is. */
  async commit(
    name: string,
    content: string | Uint8Array,
    more: Partial<
      Pick<CommitRequest, 'columns' | 'nullValues' | 'expectations' | 'suite' | 'branch' | 'message'>
    > & {
      stated?: StatedReading
      badRows?: BadRows
    } = {},
  ): Promise<Run> {
    const bytes = Buffer.from(content as Uint8Array)
    const checker = new UploadChecker(more.stated)
    checker.push(bytes)
    const { delimiter = null, columns, rows, ...reading } = checker.end()
    const ref = await this.ports.objects.write(PROJECT, bytes, { kind: 'table-data' })
    return this.accept('dataset', name, {
      upload: {
        ...{ id: uuidv7(), ...ref, delimiter, columns, rows },
        ...(Object.keys(reading).length > 0 && { reading }),
      },
      columns: more.columns ?? {},
      nullValues: more.nullValues ?? [],
      expectations: more.expectations ?? [],
      suite: more.suite ?? null,
      message: more.message ?? null,
      ...(more.branch && { branch: more.branch }),
      ...(more.badRows && { badRows: more.badRows }),
    })
  }

  async train(request: TrainingRequest, more: Partial<AcceptRun> = {}): Promise<Run> {
    const { name, version = 'latest' } = request.dataset
    const found = await this.ports.datasets.version(PROJECT, name, selectorOf(version))
    const spec = buildTrainingSpec(request, { ...found, name } as DatasetFacts)
    return this.accept('training', request.model, spec, more)
  }

  async row(run: { id: string }): Promise<Run> {
    return this.ports.runs.get(PROJECT, run.id)
  }

  /** The row once it says so, with its workflow closed too where the run has ended. */
  async until(run: Run, check: (row: Run) => void, deadlineMs = 120_000): Promise<Run> {
    return eventually(
      async () => {
        const row = await this.row(run)
        check(row)
        return row
      },
      { deadlineMs },
    )
  }

  async ended(run: Run, deadlineMs = 120_000): Promise<Run> {
    const row = await this.until(
      run,
      ({ status, stage, attempt }) => {
        if (isOpen(status) || attempt < run.attempt) throw new Error(`run ${run.id} is ${status} in ${stage}`)
      },
      deadlineMs,
    )
    await this.client.workflow
      .getHandle(run.workflowId)
      .result()
      .catch(() => undefined)
    return row
  }

  /** Runs a workflow of the system's schedules once, as a tick does. */
  async tick<T>(
    type:
      | 'reconcile'
      | 'superviseRetries'
      | 'superviseWindows'
      | 'superviseLabels'
      | 'followAliases'
      | 'compactPredictions'
      | 'superviseData',
    workflowId = `${PROJECT}/system/${type}/${uuidv7()}`,
  ): Promise<T> {
    return (await this.client.workflow.execute(type, {
      workflowId,
      taskQueue: QUEUES.workflows,
      args: [{ project: PROJECT }],
    })) as T
  }

  async steps(run: { id: string }): Promise<Map<string, Date>> {
    const steps = await this.ports.ledger.steps(run.id)
    return new Map(steps.map(({ step, finishedAt }) => [step, finishedAt]))
  }

  startNow(run: Run): Promise<string> {
    return this.ports.workflows.start(run, this.ports.limits)
  }

  optionsOf(run: Run) {
    return startOptions(run, this.ports.limits)
  }

  objectFile(uri: string): string {
    return join(this.config.objects.directory, uri)
  }

  async stop(): Promise<void> {
    this.stopRelay.abort()
    await this.relay
    await this.ingest
    await Promise.all([...this.workers].map(worker => worker.stop()))
    this.ports.wakes.close()
    await this.native.close()
    await this.connection.close()
    await this.database.drop()
    await rm(this.directory, { recursive: true, force: true })
  }
}

let installed = false

/** One runtime for a process; test files have module registries of their own. */
function installRuntime(): void {
  if (installed) return
  installed = true
  Runtime.install({ shutdownSignals: [], logger: silentLogger })
}
