import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { MockActivityEnvironment } from '@temporalio/testing'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { compactionActivities } from '../../activities/compaction.js'
import type { CompactionResult } from '../../contracts/temporal/compaction.js'
import type { StackFacts } from '../../domain/check/facts.js'
import { checkPredictions } from '../../domain/check/predictions.js'
import { referencedObjects, replacedObjects } from '../../domain/check/references.js'
import type { CompactionPolicy } from '../../domain/predictions/compaction.js'
import { joinSegments } from '../../domain/predictions/segment-ranges.js'
import type { PredictionRecord } from '../../domain/serving/prediction-record.js'
import { whileObjectsStay } from '../../infra/launcher/backup-database.js'
import { readRows } from '../../infra/launcher/check-facts.js'
import { countLogged } from '../../stores/duckdb/predictions-count.js'
import { uuidv7 } from '../../stores/ids.js'
import { LocalObjectStore } from '../../stores/objects/local-object-store.js'
import { CompactionStore } from '../../stores/postgres/compaction-store.js'
import { DeploymentStore } from '../../stores/postgres/deployment-store.js'
import { DriftStore } from '../../stores/postgres/drift-store.js'
import type { Deployment } from '../../stores/postgres/entities/deployment.js'
import { PredictionStore } from '../../stores/postgres/prediction-store.js'
import { RunStore } from '../../stores/postgres/run-store.js'
import { ingestPredictions } from '../../worker/ingest.js'
import { predictionRecord as record, segmentOf } from '../stores/segments/records.js'
import { eventually } from '../support/eventually.js'
import { type TestDatabase, testDatabase } from '../support/postgres.js'
import { logPredictions } from '../support/prediction-log.js'
import { silentLogger } from '../support/silent-logger.js'

const PROJECT = 'default'
const MINUTE = 60_000
const START = Date.UTC(2012, 0, 1)

type CompactionPorts = Parameters<typeof compactionActivities>[0]

describe('compaction', () => {
  let database: TestDatabase
  let directory: string
  let objects: LocalObjectStore
  let predictions: PredictionStore
  let ports: CompactionPorts
  let deployment: Deployment
  beforeAll(async () => {
    database = await testDatabase()
    directory = await mkdtemp(join(tmpdir(), 'mlforge-compaction-'))
    objects = new LocalObjectStore(join(directory, 'objects'))
    predictions = new PredictionStore(database.dataSource)
    ports = {
      compaction: new CompactionStore(database.dataSource),
      objects,
      scratch: join(directory, 'scratch'),
      compactionPolicy: { files: 4, quietMs: 0, maxRows: 1_000, maxBytes: 2 ** 20 },
      graceMs: 3_600_000,
    }
  })
  afterAll(async () => {
    await database.drop()
    await rm(directory, { recursive: true, force: true })
  })
  beforeEach(async () => {
    await database.dataSource.query('DELETE FROM prediction_segments')
    await database.dataSource.query('DELETE FROM prediction_files')
    const deployments = new DeploymentStore(database.dataSource)
    deployment = await deployments.create(PROJECT, `bike-${uuidv7()}`, 'bike', 'key:test')
  })

  const compact = (change: Partial<CompactionPorts> = {}) =>
    new MockActivityEnvironment({}, { logger: silentLogger }).run(() =>
      compactionActivities({ ...ports, ...change }).compactPredictions({ project: PROJECT }),
    ) as Promise<CompactionResult>
  const rowAt = (sequence: number, change: Partial<PredictionRecord> = {}) =>
    record(sequence, { deployment: deployment.name, eventTime: START + sequence * MINUTE, ...change })
  /** Files of three rows each, as many as are said. */
  const ingestFiles = async (count: number, from = 0) => {
    for (let file = from; file < from + count; file++) {
      const rows = [1, 2, 3].map(i => rowAt(file * 3 + i))
      await logPredictions({ predictions, objects }, database.dataSource, deployment, rows)
    }
  }
  const live = () => predictions.files(deployment.id)
  const numbers = async (files: readonly { uri: string }[]) => {
    const local = await Promise.all(files.map(({ uri }) => objects.toFile(uri, directory)))
    const { ids, repeated } = await countLogged(local, {})
    return { repeated, ids: ids.reduce((sum, { count }) => sum + count, 0) }
  }
  const facts = async (): Promise<StackFacts> => ({
    ...(await readRows(database.dataSource)),
    workflows: new Map(),
    openWorkflows: [],
    objects: new Map(),
    logged: [],
    retentionDays: 30,
  })
  const longAgo = () =>
    database.dataSource.query(`UPDATE prediction_files SET replaced_at = now() - interval '2 hours'
      WHERE replaced_by IS NOT NULL`)
  const there = async (uris: readonly string[]) =>
    (await Promise.all(uris.map(uri => objects.size(uri)))).filter(bytes => bytes !== null).length

  it('puts one file in the place of many, with all that they said', async () => {
    const gap = { deployment: deployment.name, firstSequence: 90, lastSequence: 95, fromEventTime: START, toEventTime: START + 9 } // prettier-ignore
    await ingestFiles(5)
    await logPredictions({ predictions, objects }, database.dataSource, deployment, [
      rowAt(30, { revision: 2, features: { wind: 1 } }),
    ])
    await logPredictions({ predictions, objects }, database.dataSource, deployment, [
      rowAt(31, { revision: 2 }),
    ])
    await database.dataSource.query(
      `UPDATE prediction_files SET gaps = $1 WHERE rows = 3 AND max_event_time = $2`,
      [JSON.stringify([gap]), new Date(START + 3 * MINUTE)],
    )
    const before = await live()
    const inputs = await new DriftStore(database.dataSource).inputs(deployment.id)
    const summary = await predictions.summary(PROJECT, deployment.id)
    expect(await compact()).toEqual({ merged: 7, into: 2, rows: 17, failed: 0, deleted: 0 })
    const after = await live()
    expect(after).toMatchObject([
      {
        rows: 15,
        sources: 5,
        minEventTime: new Date(START + MINUTE),
        maxEventTime: new Date(START + 15 * MINUTE),
        maxRevision: 1,
        gaps: [gap],
        createdAt: before[4]!.createdAt,
        segments: before
          .slice(0, 5)
          .flatMap(file => file.segments)
          .toSorted(),
      },
      { rows: 2, sources: 2, minRevision: 2, maxRevision: 2, gaps: [] },
    ])
    expect(await numbers(after)).toEqual({ repeated: 0, ids: 17 })
    // What decides whether anything is new, and what people see, is as it was.
    expect(await new DriftStore(database.dataSource).inputs(deployment.id)).toEqual(inputs)
    expect(await predictions.summary(PROJECT, deployment.id)).toEqual(summary)
    // Who has listed the files before reads them still.
    expect(await numbers(before)).toEqual({ repeated: 0, ids: 17 })
    expect(checkPredictions(await facts())).toEqual([])
    expect(await compact()).toMatchObject({ merged: 0, failed: 0 })
  })

  it('keeps every record once while others compact and segments arrive', async () => {
    const stop = new AbortController()
    const deployments = new DeploymentStore(database.dataSource)
    const ingest = {
      predictions,
      deployments,
      objects,
      scratch: ports.scratch,
      logger: pino({ level: 'silent' }),
    }
    const ingesting = [1, 2].map(() => ingestPredictions(ingest, stop.signal))
    let isOver = false
    let lost = 0
    const compactBy = (policy: Partial<CompactionPolicy>) =>
      compact({ compactionPolicy: { ...ports.compactionPolicy, ...policy } })
    const compacting = [1, 2].map(async () => {
      const results: CompactionResult[] = []
      while (!isOver) results.push(await compactBy({ files: 2 }))
      return results
    })
    const replicas = [uuidv7(), uuidv7()]
    const waiting = async () => {
      const [row] = await database.dataSource.query<{ count: number }[]>(
        'SELECT count(*)::int AS count FROM prediction_segments WHERE ingested_at IS NULL',
      )
      return row!.count
    }
    for (let segment = 1; segment <= 8; segment++) {
      for (const replica of replicas) {
        // Each repeats the last record of the one before.
        const records = [0, 1, 2, 3].map(i => rowAt(segment * 3 + i, { id: `${replica}-${segment * 3 + i}` }))
        const { uri, sha256, bytes } = await objects.write(PROJECT, segmentOf(records))
        await predictions.addSegment({
          project: PROJECT,
          replica,
          segment,
          uri,
          sha256,
          bytes: String(bytes),
          records: 4,
          firstSequence: String(segment * 3),
          lastSequence: String(segment * 3 + 3),
          gaps: [],
          sealedAt: new Date(START + segment),
        })
      }
      await eventually(async () => expect(await waiting()).toBe(0))
      const { rows } = await predictions.summary(PROJECT, deployment.id)
      if (rows !== 2 * (segment * 3 + 1)) lost++
    }
    stop.abort()
    await Promise.all(ingesting)
    isOver = true
    const results = (await Promise.all(compacting)).flat()
    expect(lost).toBe(0)
    expect(results.reduce((sum, { failed }) => sum + failed, 0)).toBe(0)
    while ((await compactBy({ quietMs: 0 })).merged > 0);
    const files = await live()
    // What stays is each larger than all smaller ones together: 1, 2, 4, 8 and 16 rows of 50.
    expect(files.length).toBeLessThanOrEqual(5)
    expect(joinSegments(files.flatMap(({ segments }) => segments))).toEqual(
      replicas.map(replica => `${replica}/1-8`).toSorted(),
    )
    expect(await numbers(files)).toEqual({ repeated: 0, ids: 50 })
    expect(checkPredictions(await facts())).toEqual([])
  })

  it('of two that merge the same files one wins', async () => {
    await ingestFiles(6)
    const ids = (await live()).map(({ id }) => id)
    let met = 0
    let release = (): void => undefined
    const both = new Promise<void>(resolve => (release = resolve))
    const compaction = Object.assign(Object.create(ports.compaction) as CompactionStore, {
      async replace(...question: Parameters<CompactionStore['replace']>) {
        if (++met === 2) release()
        await both
        return ports.compaction.replace(...question)
      },
    })
    const results = await Promise.all([compact({ compaction }), compact({ compaction })])
    expect(results.map(({ into }) => into).toSorted()).toEqual([0, 1])
    expect(await live()).toMatchObject([{ rows: 18, sources: 6 }])
    expect(await ports.compaction.sources(ids)).toBeNull()
    expect(checkPredictions(await facts())).toEqual([])
  })

  describe('killed', () => {
    it('between the object and the catalogue has done nothing', async () => {
      await ingestFiles(5)
      const before = await live()
      const dying = Object.assign(Object.create(objects) as LocalObjectStore, {
        async write(...content: Parameters<LocalObjectStore['write']>) {
          await objects.write(...content)
          throw new Error('killed')
        },
      })
      await expect(compact({ objects: dying })).rejects.toThrow('killed')
      expect(await live()).toEqual(before)
      expect(await compact()).toMatchObject({ merged: 5, into: 1 })
    })

    it('after the catalogue, before it says so, has done all', async () => {
      await ingestFiles(5)
      const compaction = Object.assign(Object.create(ports.compaction) as CompactionStore, {
        async replace(...question: Parameters<CompactionStore['replace']>) {
          await ports.compaction.replace(...question)
          throw new Error('killed')
        },
      })
      await expect(compact({ compaction })).rejects.toThrow('killed')
      expect(await live()).toMatchObject([{ rows: 15, sources: 5 }])
      expect(await compact()).toMatchObject({ merged: 0 })
      expect(checkPredictions(await facts())).toEqual([])
    })

    it('while it deletes goes on where it was', async () => {
      await ingestFiles(5)
      const uris = (await live()).map(({ uri }) => uri)
      await compact()
      await longAgo()
      let removed = 0
      const dying = Object.assign(Object.create(objects) as LocalObjectStore, {
        async remove(uri: string) {
          if (++removed === 3) throw new Error('killed')
          await objects.remove(uri)
        },
      })
      await expect(compact({ objects: dying })).rejects.toThrow('killed')
      expect(await there(uris)).toBe(3)
      // A check and a backup can do without the two that are gone.
      expect(checkPredictions(await facts())).toEqual([])
      expect(referencedObjects(await facts()).filter(({ uri }) => uris.includes(uri))).toEqual([])
      expect(replacedObjects(await facts())).toHaveLength(5)
      expect(await compact()).toMatchObject({ deleted: 5 })
      expect(await there(uris)).toBe(0)
      expect(replacedObjects(await facts())).toEqual([])
      expect(await numbers(await live())).toEqual({ repeated: 0, ids: 15 })
      expect(await predictions.wereDeleted(uris.slice(0, 1))).toBe(true)
    })
  })

  describe('files that were replaced', () => {
    it('stay for their time, while a backup is written, and while a check may have their names', async () => {
      const runs = new RunStore(database.dataSource)
      const { run } = await runs.accept({
        project: PROJECT,
        kind: 'drift',
        name: deployment.name,
        request: {},
        principal: 'key:test',
        trigger: 'api',
        retryPolicy: { codes: [], maxAttempts: 1, delaySeconds: 1 },
      })
      await ingestFiles(5)
      await compact()
      expect(await compact()).toMatchObject({ deleted: 0 })
      expect(await compact({ graceMs: 0 })).toMatchObject({ deleted: 0 })
      await runs.update(run.id, 1_001, { status: 'running' })
      expect(await compact({ graceMs: 0 })).toMatchObject({ deleted: 0 })
      await runs.update(run.id, 1_002, { status: 'succeeded' })
      await whileObjectsStay(database.url, async () => {
        expect(await compact({ graceMs: 0 })).toMatchObject({ deleted: 0 })
      })
      expect(await compact({ graceMs: 0 })).toMatchObject({ deleted: 5 })
    })

    it('without rows are one object, which stays', async () => {
      for (let i = 0; i < 3; i++) {
        await logPredictions({ predictions, objects }, database.dataSource, deployment, [rowAt(i)])
      }
      const [empty] = await live()
      await database.dataSource.query('UPDATE prediction_files SET rows = 0, uri = $1', [empty!.uri])
      await compact({ compactionPolicy: { ...ports.compactionPolicy, files: 2 } })
      await longAgo()
      expect(await compact()).toMatchObject({ deleted: 0 })
      expect(await objects.size(empty!.uri)).not.toBeNull()
    })
  })

  it('leaves files alone that cannot be read, and merges the others', async () => {
    await ingestFiles(4)
    await ingestFiles(4, 1_000)
    const [broken] = await live()
    await rm(join(directory, 'objects', broken!.uri), { force: true })
    await writeFile(join(directory, 'objects', broken!.uri), 'something else')
    expect(await compact()).toMatchObject({ failed: 1, merged: 4, into: 1 })
    const { uri } = await objects.write(PROJECT, Buffer.from('no Parquet'))
    await database.dataSource.query('UPDATE prediction_files SET uri = $1 WHERE id = $2', [uri, broken!.id])
    expect(await compact()).toMatchObject({ failed: 1, merged: 0 })
    expect((await live()).map(({ rows }) => rows)).toEqual([3, 3, 3, 3, 12])
  })

  it('ends where it is told to', async () => {
    await ingestFiles(5)
    const environment = new MockActivityEnvironment({}, { logger: silentLogger })
    environment.cancel()
    const before = await live()
    const cancelled = environment.run(() =>
      compactionActivities(ports).compactPredictions({ project: PROJECT }),
    )
    await expect(cancelled).rejects.toThrow(/cancel/i)
    expect(await live()).toEqual(before)
  })
})
