import { randomUUID } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { pino } from 'pino'
import { lookAtRows } from '../../activities/rollout-rows.js'
import { chooseArm } from '../../domain/routing/choose-arm.js'
import type { PlanArm } from '../../domain/routing/plan.js'
import { countLogged } from '../../stores/duckdb/predictions-count.js'
import { writeLabels } from '../../stores/duckdb/predictions-labels.js'
import { labelledTable } from '../../stores/duckdb/predictions-training.js'
import { withWindows } from '../../stores/duckdb/predictions-window.js'
import { withPredictions } from '../../stores/duckdb/predictions.js'
import { LabelStore } from '../../stores/postgres/label-store.js'
import { PredictionStore } from '../../stores/postgres/prediction-store.js'
import { ingestPredictions } from '../../worker/ingest.js'
import { eventually } from '../support/eventually.js'
import type { ReplicaProcess } from './support/replica-process.js'
import { expectStatus, features, World } from './support/world.js'

const IDS = 600
const CLIENTS = 8
const ARMS: readonly PlanArm[] = [
  { version: 1, role: 'stable', weight: 60 },
  { version: 2, role: 'candidate', weight: 40 },
]
const START = Date.UTC(2012, 0, 1)
const MINUTE_MS = 60_000

const idOf = (index: number): string => `ride-${index}`
const rowOf = (index: number) => ({
  id: idOf(index),
  key: `rider-${index % 40}`,
  eventTime: new Date(START + index * MINUTE_MS).toISOString(),
  features: features(),
})

interface Answered {
  readonly version: number
  readonly value: number
  readonly by: ReplicaProcess
}

/** Sends ids in a stream, half of them to each replica, and one that got no answer to the other replica. */
class Clients {
  readonly answered = new Map<number, Answered>()
  readonly retried = new Set<number>()
  private next = 0

  constructor(
    private readonly replicas: readonly [ReplicaProcess, ReplicaProcess],
    private readonly onAnswer: (count: number) => void,
  ) {}

  async run(): Promise<void> {
    await Promise.all(
      Array.from({ length: CLIENTS }, async () => {
        while (this.next < IDS) await this.ask(this.next++)
      }),
    )
  }

  private async ask(index: number): Promise<void> {
    const first = index % 2
    try {
      await this.send(index, this.replicas[first]!)
    } catch {
      this.retried.add(index)
      await this.send(index, this.replicas[1 - first]!)
    }
    this.onAnswer(this.answered.size)
  }

  async send(index: number, replica: ReplicaProcess): Promise<Answered> {
    const answer = await replica.predict('bike', [rowOf(index)])
    expectStatus(answer, 200)
    const { version, value } = answer.body.predictions[0]!
    const answered = { version, value, by: replica }
    if (!this.answered.has(index)) this.answered.set(index, answered)
    return answered
  }
}

describe('one of two replicas that is killed', () => {
  let world: World
  beforeEach(async () => {
    world = await World.create()
  })
  afterEach(() => world.close())

  /** Both logs in Parquet files, through the ingest of worker io. */
  async function ingested(deploymentId: string) {
    const { dataSource } = world.database
    const predictions = new PredictionStore(dataSource)
    const scratch = join(world.directory, 'scratch')
    const ports = { predictions, deployments: world.deployments, objects: world.objects, scratch }
    const stop = new AbortController()
    const ingesting = ingestPredictions({ ...ports, logger: pino({ level: 'silent' }) }, stop.signal)
    await eventually(async () =>
      expect(await predictions.summary('default', deploymentId)).toMatchObject({ waitingSegments: 0 }),
    )
    stop.abort()
    await ingesting
    return predictions
  }

  // Each kill at another moment, with all, most and little of the log still on the killed replica's disk.
  it.each<[number, string]>([
    [57, '3600'],
    [200, '0.05'],
    [488, '0.5'],
  ])(
    'after %i answers loses no id of clients that try again at the other, and counts none twice (seals after %s s)',
    async (moment, sealSeconds) => {
      const { id } = await world.deploy('bike', ARMS)
      const env = { MLFORGE_SERVING_SEAL_SECONDS: sealSeconds }
      const victim = await (await world.replica({ name: 'serving-1', env })).ready()
      const other = await (await world.replica({ name: 'serving-2', env })).ready()
      const clients = new Clients([victim, other], count => {
        if (count === moment) victim.child.kill('SIGKILL')
      })
      await clients.run()
      await victim.kill()
      const { answered, retried } = clients
      expect([...answered.keys()].toSorted((a, b) => a - b)).toEqual(Array.from({ length: IDS }, (_, i) => i))

      // A client that died with its answers asks for them again, elsewhere: the key says which version answers.
      const forgotten = [...answered].filter(([, { by }]) => by === victim).slice(-20)
      for (const [index, { version, value }] of forgotten) {
        expect(await clients.send(index, other)).toMatchObject({ version, value })
      }
      for (const [index, { version }] of answered) {
        expect([index, version]).toEqual([
          index,
          chooseArm({ arms: ARMS, salt: 'salt' }, rowOf(index).key).version,
        ])
      }

      const again = await (await world.replica({ name: 'serving-1', env })).ready()
      expect(await again.terminate()).toBe(0)
      expect(await other.terminate()).toBe(0)
      // Both may have logged an id that was sent to both; nothing else is there twice, and nothing is missing.
      const logged = (await world.sent()).map(record => record.id)
      expect(new Set(logged)).toEqual(new Set(Array.from({ length: IDS }, (_, i) => idOf(i))))
      const doubled = logged.length - IDS
      expect(doubled).toBeGreaterThanOrEqual(forgotten.length)
      expect(doubled).toBeLessThanOrEqual(forgotten.length + retried.size)

      const predictions = await ingested(id)
      const labels = new LabelStore(world.database.dataSource)
      const sent = Array.from({ length: IDS }, (_, i) => ({
        predictionId: idOf(i),
        value: 150,
        at: new Date(START),
      }))
      for (const added of [IDS, 0]) expect(await labels.add(id, sent, 'key:test')).toMatchObject({ added })

      const directory = join(world.directory, 'look')
      await mkdir(directory)
      const files = await Promise.all(
        (await predictions.files(id)).map(({ uri }) => world.objects.toFile(uri, directory)),
      )
      const labelFile = join(directory, 'labels.parquet')
      await writeLabels(labels.effective(id), labelFile)
      const source = { files, labels: labelFile }
      const range = { from: START, to: START + IDS * MINUTE_MS }
      const countOf = (version: number) => [...answered.values()].filter(a => a.version === version).length
      const counts = ARMS.map(({ version }) => countOf(version))
      expect(Math.min(...counts)).toBeGreaterThan(100)

      // What counts of each id is what its client was told.
      const rows = await withPredictions(source, {}, db =>
        db.query('SELECT id, version, output FROM answered JOIN labels USING (id)'),
      )
      expect(rows).toHaveLength(IDS)
      const told = new Map([...answered].map(([index, answer]) => [idOf(index), answer]))
      for (const row of rows) {
        const { version, value } = told.get(row['id'] as string)!
        expect(row).toMatchObject({ version, output: value })
      }
      // A gate, a window and a retraining each see every id once, with one label.
      const run = { project: 'default', runId: randomUUID(), name: 'bike', attempt: 1, generation: 1 }
      const look = {
        ...run,
        limits: { heartbeatTimeoutSeconds: 10 },
        stable: 1,
        candidate: 2,
        armsFrom: 1,
        mirrorFrom: null,
      }
      const ports = { predictions, labels, objects: world.objects }
      const { split } = await lookAtRows(ports, id, look, directory)
      expect([split!.stable.rows, split!.candidate.rows]).toEqual(counts)
      const window = { start: range.from, end: range.to }
      const { label, versions } = await withWindows(source, {}, windowOf => windowOf(window).ordered())
      expect([label.length, label.filter(Number.isNaN).length]).toEqual([IDS, 0])
      expect(versions.map(each => each.rows)).toEqual(counts)
      const table = { ...source, ...range, features: ['temp'], target: 'cnt' }
      expect(await labelledTable(table, join(directory, 'training.parquet'))).toEqual({
        rows: IDS,
        versions: [1, 2],
      })
      expect(await countLogged(files, {})).toEqual({
        repeated: 0,
        ids: ARMS.map(({ version, role }, i) => ({ version, role, count: counts[i] })),
      })
    },
  )
})
