import { randomUUID } from 'node:crypto'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { PlanArm } from '../../../domain/routing/plan.js'
import type { PredictionRecord } from '../../../domain/serving/prediction-record.js'
import type { ServedVersion } from '../../../domain/serving/served-version.js'
import { LocalObjectStore } from '../../../stores/objects/local-object-store.js'
import { DeploymentStore } from '../../../stores/postgres/deployment-store.js'
import type { PredictionSegment } from '../../../stores/postgres/entities/prediction.js'
import { KeyStore } from '../../../stores/postgres/key-store.js'
import { decodeRecords } from '../../../stores/segments/segment-codec.js'
import { eventually } from '../../support/eventually.js'
import { type TestDatabase, testDatabase } from '../../support/postgres.js'
import { storeVersion } from './models.js'
import { type Answer, ReplicaProcess } from './replica-process.js'

const KEY = 'mlf_viewer'

/** A database, objects and replicas of their own. */
export class World {
  readonly objects: LocalObjectStore
  readonly deployments: DeploymentStore
  private readonly replicas: ReplicaProcess[] = []

  private constructor(
    readonly database: TestDatabase,
    readonly directory: string,
  ) {
    this.objects = new LocalObjectStore(join(directory, 'objects'))
    this.deployments = new DeploymentStore(database.dataSource)
  }

  static async create(): Promise<World> {
    const database = await testDatabase()
    const world = new World(database, await mkdtemp(join(tmpdir(), 'mlforge-serving-')))
    await new KeyStore(database.dataSource).create({
      project: 'default',
      name: 'viewer',
      role: 'viewer',
      key: KEY,
      expiresAt: null,
    })
    return world
  }

  /** A deployment with these arms in force; answers its id. */
  async deploy(
    name: string,
    arms: readonly PlanArm[],
    versions?: readonly ServedVersion[],
  ): Promise<{ id: string; revision: number }> {
    const { id } = await this.deployments.create('default', name, 'bike', 'key:test')
    return { id, revision: await this.issue(id, arms, versions) }
  }

  /** Puts the next plan of a deployment in force; answers its revision. */
  async issue(id: string, arms: readonly PlanArm[], versions?: readonly ServedVersion[]): Promise<number> {
    const numbers = [...new Set(arms.map(arm => arm.version))]
    const served = versions ?? (await Promise.all(numbers.map(number => storeVersion(this.objects, number))))
    const row = await this.database.dataSource.transaction(transaction =>
      this.deployments.issue(transaction, id, {
        plan: { arms, salt: 'salt' },
        versions: served,
        reason: 'test',
        rolloutId: randomUUID(),
        effectKey: randomUUID(),
      }),
    )
    return row.revision
  }

  /** Resolves when every replica that is alive answers by this revision. */
  async inForce(id: string, revision: number): Promise<void> {
    await eventually(async () => {
      const replicas = await this.deployments.replicas(id)
      if (replicas.length === 0) throw new Error('no replica reports')
      for (const replica of replicas) {
        if (replica.revision !== revision) throw new Error(`a replica has ${replica.revision}`)
      }
    })
  }

  /** Starts a replica's process; it is stopped with the world. */
  async replica(
    options: { name?: string; env?: Record<string, string>; fileKb?: number } = {},
  ): Promise<ReplicaProcess> {
    const { name = 'serving-1', env = {}, fileKb } = options
    const settings = {
      MLFORGE_POSTGRES_URL: this.database.url,
      MLFORGE_OBJECTS_DIRECTORY: join(this.directory, 'objects'),
      MLFORGE_SERVING_POLL_SECONDS: '0.05',
      MLFORGE_SERVING_SEAL_SECONDS: '0.2',
      MLFORGE_SERVING_DRAIN_SECONDS: '60',
      ...env,
    }
    const replica = await ReplicaProcess.spawn(name, this.directory, settings, fileKb)
    this.replicas.push(replica)
    return replica
  }

  async segments(): Promise<PredictionSegment[]> {
    return this.database.dataSource.query(
      `SELECT replica, segment, uri, records, first_sequence::int AS "firstSequence",
              last_sequence::int AS "lastSequence", gaps FROM prediction_segments ORDER BY replica, segment`,
    )
  }

  /** Everything that has been sent, in the order of its logging. */
  async sent(): Promise<PredictionRecord[]> {
    const records: PredictionRecord[] = []
    for (const { uri } of await this.segments()) {
      const chunks: Uint8Array[] = []
      for await (const chunk of await this.objects.open(uri)) chunks.push(chunk as Uint8Array)
      records.push(...decodeRecords(Buffer.concat(chunks)))
    }
    return records
  }

  /** The sent records, once there are so many. */
  async sentUntil(count: number): Promise<PredictionRecord[]> {
    return eventually(async () => {
      const records = await this.sent()
      if (records.length < count) throw new Error(`${records.length} of ${count} records were sent`)
      return records
    })
  }

  /** Files of a replica's log. */
  async logFiles(name = 'serving-1'): Promise<string[]> {
    return (await readdir(join(this.replicaDirectory(name), 'segments'))).toSorted()
  }

  replicaDirectory(name = 'serving-1'): string {
    return join(this.directory, '.mlforge', 'serving', name)
  }

  async close(): Promise<void> {
    await Promise.all(this.replicas.map(replica => replica.kill()))
    await this.database.drop()
    await rm(this.directory, { recursive: true, force: true })
  }
}

export const features = (temp = 0.2): Record<string, number | boolean> => ({ temp, hr: 7, workingday: true })

/** What an answer must be; the answer itself shows in the message. */
export function expectStatus(answer: Answer, status: number): void {
  if (answer.status !== status) throw new Error(`${answer.status}: ${JSON.stringify(answer.body)}`)
}
