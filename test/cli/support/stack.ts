import { createReadStream } from 'node:fs'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Client, Connection } from '@temporalio/client'
import type { DataSource } from 'typeorm'
import type { Config } from '../../../config/config.js'
import { loadConfig } from '../../../config/load.js'
import { CsvChecker } from '../../../domain/datasets/csv-check.js'
import { buildTrainingSpec, type DatasetFacts } from '../../../domain/training/build-spec.js'
import { openObjectStore } from '../../../stores/objects/open.js'
import { connectPostgres } from '../../../stores/postgres/data-source.js'
import { DatasetStore } from '../../../stores/postgres/dataset-store.js'
import type { Run } from '../../../stores/postgres/entities/run.js'
import { RunStore } from '../../../stores/postgres/run-store.js'
import { eventually } from '../../support/eventually.js'

const CLI = fileURLToPath(new URL('../../../cli/main.js', import.meta.url))
const CSV = fileURLToPath(new URL('../../../../examples/bike-sharing/bike-sharing-hour.csv', import.meta.url))
const PARTS = 'postgres,redis,temporal,schema,worker-workflows,worker-io,worker-train'
/** Short, since a restored training goes on when the heartbeat of the one that was lost is overdue. */
const SETTINGS = {
  MLFORGE_WORKER_HEARTBEAT_TIMEOUT_SECONDS: '10',
  MLFORGE_WORKER_DRAIN_SECONDS: '2',
  MLFORGE_LOG_LEVEL: 'warn',
}
const NO_RETRY = { codes: [], maxAttempts: 1, delaySeconds: 1 }

export interface Finished {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** A real stack without the API: work is taken on through the stores, as the API does it. */
export class CliStack {
  dataSource!: DataSource
  client!: Client
  config!: Config
  #connection!: Connection

  private constructor(
    readonly stateDirectory: string,
    private readonly env: Readonly<Record<string, string>>,
  ) {}

  static async create(env: Readonly<Record<string, string>> = {}): Promise<CliStack> {
    const stateDirectory = await mkdtemp('/var/tmp/mlforge-test-cli-')
    await chmod(stateDirectory, 0o755)
    return new CliStack(stateDirectory, env)
  }

  /** Runs a command to its end, whatever its exit code. */
  mlforge(...args: string[]): Promise<Finished> {
    const env = { ...process.env, ...SETTINGS, ...this.env, MLFORGE_STATE_DIRECTORY: this.stateDirectory }
    return new Promise(resolve => {
      execFile(
        process.execPath,
        [CLI, ...args],
        { env, timeout: 600_000, maxBuffer: 64 << 20 },
        (error, stdout, stderr) =>
          resolve({
            code: error === null ? 0 : typeof error.code === 'number' ? error.code : -1,
            stdout,
            stderr,
          }),
      )
    })
  }

  async ok(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.mlforge(...args)
    if (code === 0) return stdout
    throw new Error(`mlforge ${args.join(' ')} ended with ${code}\n${stdout}\n${stderr}`)
  }

  async up(): Promise<void> {
    await this.ok('up', '--parts', PARTS)
    const endpoints = JSON.parse(
      await readFile(join(this.stateDirectory, 'endpoints.json'), 'utf8'),
    ) as Record<string, string>
    this.config = loadConfig({
      env: {
        ...this.env,
        MLFORGE_STATE_DIRECTORY: this.stateDirectory,
        MLFORGE_POSTGRES_URL: endpoints['postgresUrl'],
        MLFORGE_REDIS_URL: endpoints['redisUrl'],
        MLFORGE_TEMPORAL_ADDRESS: endpoints['temporalAddress'],
      },
      cwd: this.stateDirectory,
    })
    this.dataSource = await connectPostgres(this.config.postgres.url, 3)
    this.#connection = await Connection.connect({ address: this.config.temporal.address })
    this.client = new Client({ connection: this.#connection })
  }

  async disconnect(): Promise<void> {
    if (this.dataSource?.isInitialized) await this.dataSource.destroy()
    await this.#connection?.close()
  }

  async remove(): Promise<void> {
    await this.disconnect()
    await this.ok('clean')
    await rm(this.stateDirectory, { recursive: true, force: true })
  }

  get runs(): RunStore {
    return new RunStore(this.dataSource)
  }

  /** Uploads the example and takes its commit on. */
  async startDataset(name: string): Promise<Run> {
    const checker = new CsvChecker()
    const objects = await openObjectStore(this.config)
    const { uri, sha256, bytes } = await objects.write('default', checked(checker))
    const { delimiter, columns, rows } = checker.end()
    const { run } = await this.runs.accept({
      project: 'default',
      kind: 'dataset',
      name,
      request: {
        upload: { id: 'none', uri, sha256, bytes, delimiter, columns, rows },
        columns: { dteday: { type: 'date', format: '%m/%d/%Y' } },
        nullValues: [],
        expectations: [],
        message: null,
      },
      principal: 'key:test',
      trigger: 'api',
      retryPolicy: NO_RETRY,
    })
    return run
  }

  async startTraining(
    model: string,
    dataset: string,
    rounds: number,
    checkpointEvery = rounds,
  ): Promise<Run> {
    const version = await new DatasetStore(this.dataSource).version('default', dataset, 'latest')
    const spec = buildTrainingSpec(
      {
        model,
        dataset: { name: dataset, version: version.version },
        parameters: { max_depth: 6, eta: 0.05, nthread: 1, seed: 42 },
        rounds,
        checkpointEvery,
        features: ['hr', 'workingday', 'temp', 'hum', 'windspeed', 'season'],
        target: 'cnt',
        split: {
          column: 'dteday',
          train: { until: '2011-05-01' },
          holdout: { from: '2011-05-01', until: '2011-06-01' },
        },
        baseline: { by: ['hr', 'workingday'] },
      },
      { ...version, name: dataset } as unknown as DatasetFacts,
    )
    const { run } = await this.runs.accept({
      project: 'default',
      kind: 'training',
      name: model,
      request: spec,
      principal: 'key:test',
      trigger: 'api',
      retryPolicy: NO_RETRY,
    })
    return run
  }

  /** The row once it is as wanted. */
  runIn(id: string, ...statuses: string[]): Promise<Run> {
    return eventually(async () => {
      const run = await this.runs.get('default', id)
      if (!statuses.includes(run.status)) {
        throw new Error(`run ${id} is ${run.status} at ${run.stage}: ${JSON.stringify(run.error)}`)
      }
      return run
    })
  }
}

async function* checked(checker: CsvChecker): AsyncGenerator<Uint8Array> {
  for await (const chunk of createReadStream(CSV) as AsyncIterable<Uint8Array>) {
    checker.push(chunk)
    yield chunk
  }
}
