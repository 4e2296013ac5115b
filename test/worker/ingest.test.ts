import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import type { PredictionRecord } from '../../domain/serving/prediction-record.js'
import type { JsonRow } from '../../stores/duckdb/duckdb.js'
import { readRows } from '../../stores/duckdb/rows.js'
import { uuidv7 } from '../../stores/ids.js'
import { LocalObjectStore } from '../../stores/objects/local-object-store.js'
import { objectUri } from '../../stores/objects/object-uri.js'
import { DeploymentStore } from '../../stores/postgres/deployment-store.js'
import { PredictionSegment } from '../../stores/postgres/entities/prediction.js'
import { type NewSegment, PredictionStore } from '../../stores/postgres/prediction-store.js'
import { ingestPredictions, type IngestPorts } from '../../worker/ingest.js'
import { HOUR, predictionRecord as record, segmentOf, START } from '../stores/segments/records.js'
import { eventually } from '../support/eventually.js'
import { type TestDatabase, testDatabase } from '../support/postgres.js'

const PROJECT = 'default'

interface LogLine {
  readonly level: number
  readonly msg: string
  readonly replica?: string
  readonly code?: string
}

describe('ingestPredictions', () => {
  let database: TestDatabase
  let directory: string
  let ports: IngestPorts
  let deploymentId: string
  const logged: LogLine[] = []
  beforeAll(async () => {
    database = await testDatabase()
    directory = await mkdtemp(join(tmpdir(), 'mlforge-ingest-'))
    ports = {
      predictions: new PredictionStore(database.dataSource),
      deployments: new DeploymentStore(database.dataSource),
      objects: new LocalObjectStore(join(directory, 'objects')),
      scratch: join(directory, 'scratch'),
      logger: pino({}, { write: (line: string) => void logged.push(JSON.parse(line) as LogLine) }),
    }
    deploymentId = (await ports.deployments.create(PROJECT, 'bike', 'bike', 'test')).id
    await ports.deployments.create(PROJECT, 'taxi', 'taxi', 'test')
  })
  afterAll(async () => {
    await database.drop()
    await rm(directory, { recursive: true, force: true })
  })

  let running: { stop: AbortController; ended: Promise<void> }[] = []
  const start = (change: Partial<IngestPorts> = {}) => {
    const stop = new AbortController()
    running.push({ stop, ended: ingestPredictions({ ...ports, ...change }, stop.signal) })
  }
  const stopAll = async () => {
    for (const { stop } of running) stop.abort()
    await Promise.all(running.map(({ ended }) => ended))
    running = []
  }
  beforeEach(async () => {
    logged.length = 0
    await database.dataSource.query('DELETE FROM prediction_segments')
    await database.dataSource.query('DELETE FROM prediction_files')
  })
  afterEach(stopAll)

  async function seal(
    replica: string,
    segment: number,
    records: readonly PredictionRecord[],
    change: Partial<NewSegment> = {},
  ): Promise<void> {
    const { uri, sha256, bytes } = await ports.objects.write(PROJECT, segmentOf(records))
    const sealed = {
      project: PROJECT,
      replica,
      segment,
      uri,
      sha256,
      bytes: String(bytes),
      records: records.length,
      firstSequence: String(records[0]?.sequence ?? 0),
      lastSequence: String(records.at(-1)?.sequence ?? 0),
      gaps: [],
      sealedAt: new Date(Date.UTC(2026, 0, 1) + segment),
    }
    await ports.predictions.addSegment({ ...sealed, ...change })
  }
  const segments = () =>
    database.dataSource.getRepository(PredictionSegment).find({ order: { replica: 'ASC', segment: 'ASC' } })
  /** Nothing is left to do, now or later. */
  const settled = () =>
    eventually(async () => {
      expect((await segments()).filter(each => each.ingestedAt === null && each.problem === null)).toEqual([])
    })
  async function rowsOf(deployment = deploymentId): Promise<JsonRow[]> {
    const rows = []
    for (const file of await ports.predictions.files(deployment)) {
      const page = await readRows(await ports.objects.toFile(file.uri, directory), { limit: 1000 })
      expect(page.total).toBe(file.rows)
      rows.push(...page.rows)
    }
    return rows
  }
  /** Replica and number of each row, sorted. */
  const numbersOf = (rows: readonly JsonRow[]) =>
    rows.map(row => `${String(row['replica'])} ${String(row['sequence'])}`).toSorted()
  const records = (from: number, to: number, change: Partial<PredictionRecord> = {}) =>
    Array.from({ length: to - from }, (_, i) => record(from + i, change))

  it('makes one file for each deployment of what is there, and says what is in it', async () => {
    const replica = uuidv7()
    await seal(replica, 1, [record(1), record(2, { deployment: 'taxi' }), record(3, { revision: 4 })])
    await seal(replica, 2, [record(4)])
    start()
    await settled()
    const [file, ...others] = await ports.predictions.files(deploymentId)
    expect(others).toEqual([])
    expect(file).toMatchObject({
      rows: 3,
      minEventTime: new Date(START + HOUR),
      maxEventTime: new Date(START + 4 * HOUR),
      minRevision: 1,
      maxRevision: 4,
      segments: [`${replica}/1`, `${replica}/2`],
      gaps: [],
    })
    expect((await rowsOf()).map(row => row['id'])).toEqual(['bike-1', 'bike-3', 'bike-4'])
    const taxi = await ports.deployments.get(PROJECT, 'taxi')
    expect((await rowsOf(taxi.id)).map(row => row['id'])).toEqual(['bike-2'])
    expect(await ports.predictions.summary(PROJECT, deploymentId)).toMatchObject({
      rows: 3,
      waitingSegments: 0,
    })
  })

  it('keeps a record once that a restarted replica has sealed again', async () => {
    const replica = uuidv7()
    await seal(replica, 1, records(1, 6))
    await seal(replica, 2, records(4, 9))
    await seal(uuidv7(), 1, records(1, 3))
    start()
    await settled()
    expect((await rowsOf()).length).toBe(8 + 2)
    // Sealed a third time, after the others have been ingested; nothing in it is new.
    await seal(replica, 3, records(2, 8))
    await seal(replica, 4, records(8, 11))
    await settled()
    const rows = (await rowsOf()).filter(row => row['replica'] === replica)
    expect(rows.map(row => row['sequence'])).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
  })

  it('does nothing twice and loses nothing when it dies between the object and the rows', async () => {
    const replica = uuidv7()
    const { objects } = ports
    await seal(replica, 1, [...records(1, 4), record(4, { deployment: 'taxi' })])
    let writes = 0
    const dying: IngestPorts['objects'] = Object.assign(Object.create(objects) as IngestPorts['objects'], {
      async write(...content: Parameters<IngestPorts['objects']['write']>) {
        await objects.write(...content)
        writes++
        throw new Error('killed')
      },
    })
    start({ objects: dying })
    await eventually(() => expect(writes).toBeGreaterThan(1))
    await stopAll()
    expect(await ports.predictions.files(deploymentId)).toEqual([])
    expect(await segments()).toEqual([expect.objectContaining({ ingestedAt: null, problem: null, tries: 0 })])
    start()
    await settled()
    expect(numbersOf(await rowsOf())).toEqual([1, 2, 3].map(sequence => `${replica} ${sequence}`))
  })

  it('takes each segment once however many workers do so, while more arrive', async () => {
    start()
    start()
    const replicas = [uuidv7(), uuidv7(), uuidv7()]
    const expected: string[] = []
    for (let segment = 1; segment <= 12; segment++) {
      for (const replica of replicas) {
        // Each repeats the last two records of the one before.
        await seal(replica, segment, records(segment * 5 - 2, segment * 5 + 5))
        if (segment === 1) expected.push(`${replica} 3`, `${replica} 4`)
        expected.push(...[0, 1, 2, 3, 4].map(i => `${replica} ${segment * 5 + i}`))
      }
    }
    await settled()
    expect(numbersOf(await rowsOf())).toEqual(expected.toSorted())
    const files = await ports.predictions.files(deploymentId)
    expect(files.flatMap(file => file.segments).length).toBe(36)
    expect(new Set(files.flatMap(file => file.segments)).size).toBe(36)
  })

  it('puts aside what is corrupt, says so, and goes on', async () => {
    const good = uuidv7()
    const bad = uuidv7()
    const broken = segmentOf(records(1, 4)).fill(0, 300, 310)
    const { uri, sha256 } = await ports.objects.write(PROJECT, broken)
    await seal(bad, 1, records(1, 4), { uri, sha256 })
    await seal(bad, 2, [record(5), record(6, { deployment: 'nobody' })])
    await seal(bad, 3, records(7, 9), { records: 5 })
    await seal(bad, 4, records(9, 12))
    await seal(good, 1, records(1, 3))
    start()
    await settled()
    expect((await segments()).filter(({ replica }) => replica === bad).map(({ problem }) => problem)).toEqual(
      [
        expect.stringContaining('no valid record at byte'),
        expect.stringContaining('no deployment "nobody"'),
        expect.stringContaining('holds 2 records numbered 7 to 8, not 5'),
        null,
      ],
    )
    expect((await rowsOf()).map(row => row['id']).toSorted()).toEqual(
      ['bike-1', 'bike-2', 'bike-9', 'bike-10', 'bike-11'].toSorted(),
    )
    const errors = logged.filter(({ level }) => level === 50)
    expect(errors.map(({ code }) => code)).toEqual(['segment_corrupt', 'not_found', 'segment_corrupt'])
  })

  it('waits for an object that is missing, and gives it up in the end', async () => {
    const replica = uuidv7()
    const missing = { uri: objectUri(PROJECT, 'a'.repeat(64)), sha256: 'a'.repeat(64) }
    const late = segmentOf(records(4, 7))
    await seal(replica, 1, records(1, 4), missing)
    await seal(replica, 2, records(7, 9))
    start()
    await eventually(async () => {
      const [first, second] = await segments()
      expect(first).toMatchObject({ ingestedAt: null, problem: null })
      expect(first!.tries).toBeGreaterThan(0)
      expect(first!.dueAt.getTime()).toBeGreaterThan(first!.sealedAt.getTime())
      expect(second!.ingestedAt).not.toBeNull()
    })
    // It is there after all when it is looked for again.
    const { uri, sha256 } = await ports.objects.write(PROJECT, late)
    await database.dataSource.query(
      `UPDATE prediction_segments SET uri = $1, sha256 = $2, first_sequence = 4, last_sequence = 6, due_at = now() WHERE segment = 1`,
      [uri, sha256],
    )
    await settled()
    expect((await rowsOf()).map(row => row['sequence']).toSorted()).toEqual([4, 5, 6, 7, 8])

    await seal(replica, 3, records(9, 12), missing)
    await eventually(async () => expect((await segments())[2]!.tries).toBeGreaterThan(0))
    await eventually(async () => {
      await database.dataSource.query(
        'UPDATE prediction_segments SET tries = 19, due_at = now() WHERE segment = 3 AND problem IS NULL',
      )
      expect((await segments())[2]!.problem).toContain('not in the object store')
    })
    await settled()
    expect(logged.filter(({ level }) => level === 50).map(({ code }) => code)).toEqual(['object_missing'])
  })

  it('keeps what a replica had to drop, even where it has logged nothing else', async () => {
    const gap = (deployment: string, from: number) => ({
      deployment,
      firstSequence: 10,
      lastSequence: 40,
      fromEventTime: START + from * HOUR,
      toEventTime: START + (from + 30) * HOUR,
    })
    const [bike, taxi] = [gap('bike', 10), gap('taxi', 50)]
    await seal(uuidv7(), 1, records(1, 4), { gaps: [bike] })
    await seal(uuidv7(), 1, [], { gaps: [taxi] })
    start()
    await settled()
    const other = await ports.deployments.get(PROJECT, 'taxi')
    expect(await ports.predictions.files(deploymentId, { from: START + 20 * HOUR })).toMatchObject([
      { rows: 3, gaps: [bike] },
    ])
    expect(await ports.predictions.files(other.id)).toMatchObject([
      { rows: 0, gaps: [taxi], minEventTime: new Date(START + 50 * HOUR), minRevision: 0 },
    ])
    expect(await rowsOf(other.id)).toEqual([])
    expect(await ports.predictions.summary(PROJECT, other.id)).toMatchObject({ rows: 0, until: null })
  })
})
