import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MockActivityEnvironment } from '@temporalio/testing'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { labelActivities } from '../../activities/labels.js'
import type { LabelsLookedFor } from '../../contracts/temporal/monitoring.js'
import type { StackFacts } from '../../domain/check/facts.js'
import { readRows } from '../../infra/launcher/check-facts.js'
import { loggedPredictions } from '../../infra/launcher/check-predictions.js'
import { LocalObjectStore } from '../../stores/objects/local-object-store.js'
import { DeploymentStore } from '../../stores/postgres/deployment-store.js'
import type { Deployment } from '../../stores/postgres/entities/deployment.js'
import { PredictionFile } from '../../stores/postgres/entities/prediction.js'
import { LabelLookStore } from '../../stores/postgres/label-look-store.js'
import { LabelStore } from '../../stores/postgres/label-store.js'
import { type TestDatabase, testDatabase } from '../support/postgres.js'
import { ingestRows, type LoggedRow } from '../support/prediction-files.js'
import { silentLogger } from '../support/silent-logger.js'

const HOUR = 3_600_000
const JANUARY = Date.UTC(2012, 0, 1)

type Looks = Parameters<typeof labelActivities>[0]['labelLooks']

describe('labels and predictions', () => {
  let database: TestDatabase
  let directory: string
  let ports: Parameters<typeof labelActivities>[0]
  let labels: LabelStore
  let objects: LocalObjectStore
  const lines: Record<string, unknown>[] = []
  beforeAll(async () => {
    database = await testDatabase()
    directory = await mkdtemp(join(tmpdir(), 'mlforge-labels-'))
    labels = new LabelStore(database.dataSource)
    objects = new LocalObjectStore(join(directory, 'objects'))
    ports = {
      labelLooks: new LabelLookStore(database.dataSource),
      objects,
      scratch: join(directory, 'scratch'),
      holdSeconds: 3600,
      logger: pino({ level: 'warn' }, { write: (line: string) => void lines.push(JSON.parse(line)) }),
    }
  })
  afterAll(async () => {
    await database.drop()
    await rm(directory, { recursive: true, force: true })
  })

  /** A deployment of a project of its own, so that a look is at it alone. */
  const deploy = (project: string, name = 'bike'): Promise<Deployment> =>
    new DeploymentStore(database.dataSource).create(project, name, 'rides', 'key:test')
  const row = (id: string, hour = 0, more: Partial<LoggedRow> = {}): LoggedRow => ({
    id,
    version: 1,
    eventTime: JANUARY + hour * HOUR,
    features: { temp: 1 },
    output: 1,
    ...more,
  })
  const ingest = ({ id, project, name }: Deployment, rows: readonly LoggedRow[]) =>
    ingestRows(
      { objects, dataSource: database.dataSource },
      { project, deploymentId: id, deployment: name },
      rows,
    )
  const label = ({ id }: Deployment, ...ids: string[]) =>
    labels.add(
      id,
      ids.map(predictionId => ({ predictionId, value: 1, at: new Date(JANUARY) })),
      'key:test',
    )
  const look = (project: string, labelLooks: Looks = ports.labelLooks): Promise<LabelsLookedFor> =>
    new MockActivityEnvironment({}, { logger: silentLogger }).run(
      labelActivities({ ...ports, labelLooks }).lookForLabels,
      { project },
    )
  /** The hold time of all labels that are there is over. */
  const wait = ({ id }: Deployment) =>
    database.dataSource.query(
      `UPDATE labels SET received_at = received_at - interval '2 hours' WHERE deployment_id = $1`,
      [id],
    )
  const stateOf = async ({ id }: Deployment) => {
    const { labels: all, held, unknown } = await labels.summary(id)
    const listed = (await labels.unknown(id, {})).items.map(({ predictionId }) => predictionId)
    return { labels: all, held, unknown, listed: listed.sort() }
  }
  /** A file in place of others, as compaction makes it. */
  const replace = async (
    deployment: Deployment,
    old: readonly PredictionFile[],
    rows: readonly LoggedRow[],
  ) => {
    const file = await ingest(deployment, rows)
    await database.dataSource.getRepository(PredictionFile).delete(old.map(({ id }) => id))
    return file
  }
  /** What `mlforge check --deep` finds wrong with labels of deployments. */
  const check = async (...looked: Deployment[]) => {
    const ids = new Set(looked.map(({ id }) => id))
    const rows = await readRows(database.dataSource)
    const sizes = new Map(rows.predictionFiles.map(({ uri, bytes }) => [uri, { bytes }]))
    const deployments = rows.deployments.filter(({ id }) => ids.has(id))
    const facts = { ...rows, deployments, objects: sizes } as unknown as StackFacts
    const logged = await loggedPredictions(objects, new LabelLookStore(database.dataSource), facts)
    const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0)
    return {
      mismatched: sum(logged.map(({ mismatched }) => mismatched)),
      mismarked: sum(
        rows.labels.filter(({ deploymentId }) => ids.has(deploymentId)).map(({ mismarked }) => mismarked),
      ),
    }
  }
  const nothingWrong = { mismatched: 0, mismarked: 0 }

  it('find each other whichever comes first, and whatever the role of the row is', async () => {
    const bike = await deploy('both-orders')
    await ingest(bike, [row('before'), row('shadowed', 0, { role: 'shadow', version: 2 })])
    await label(bike, 'before', 'shadowed', 'after', 'pinned', 'never')
    expect(await look('both-orders')).toEqual({ deployments: 1, matched: 2, reported: 0, failed: 0 })
    expect(await stateOf(bike)).toEqual({ labels: 5, held: 3, unknown: 0, listed: [] })
    await ingest(bike, [row('after', 1), row('pinned', 1, { role: 'pinned' }), row('unlabelled', 1)])
    expect(await look('both-orders')).toMatchObject({ matched: 2, reported: 0 })
    expect(await look('both-orders')).toMatchObject({ matched: 0, reported: 0 })
    expect(await stateOf(bike)).toEqual({ labels: 5, held: 1, unknown: 0, listed: [] })
    expect(await check(bike)).toEqual(nothingWrong)
  })

  it('are reported after the hold time, and no more once the prediction comes after all', async () => {
    const bike = await deploy('late')
    await ingest(bike, [row('there')])
    await label(bike, 'there', 'late', 'never')
    await wait(bike)
    expect(await look('late')).toMatchObject({ matched: 1, reported: 2 })
    expect(await stateOf(bike)).toEqual({ labels: 3, held: 0, unknown: 2, listed: ['late', 'never'] })
    expect(lines.at(-1)).toMatchObject({
      deployment: 'bike',
      labels: 2,
      msg: 'labels without a prediction: GET /v1/deployments/bike/labels/unknown shows them',
    })
    // A correction changes nothing about it.
    await labels.add(bike.id, [{ predictionId: 'late', value: 5, at: new Date(JANUARY) }], 'key:test')
    await ingest(bike, [row('late', 5)])
    expect(await look('late')).toMatchObject({ matched: 1, reported: 0 })
    expect(await stateOf(bike)).toEqual({ labels: 3, held: 0, unknown: 1, listed: ['never'] })
    expect(await look('late')).toMatchObject({ matched: 0, reported: 0 })
    expect(await check(bike)).toEqual(nothingWrong)
  })

  it('are the same after files were replaced by another', async () => {
    const bike = await deploy('replaced')
    const files = [await ingest(bike, [row('a')]), await ingest(bike, [row('b', 1)])]
    await label(bike, 'a', 'never')
    await wait(bike)
    await look('replaced')
    const before = await stateOf(bike)
    const marks = await labels.history(bike.id, 'a')
    await replace(bike, files, [row('a'), row('b', 1)])
    expect(await look('replaced')).toMatchObject({ matched: 0, reported: 0 })
    expect([await stateOf(bike), await labels.history(bike.id, 'a')]).toEqual([before, marks])
    await label(bike, 'b')
    expect(await look('replaced')).toMatchObject({ matched: 1, reported: 0 })
    expect(await check(bike)).toEqual(nothingWrong)
  })

  it('are not reported in vain when files are replaced behind a sweep', async () => {
    const bike = await deploy('overtaken')
    const files: PredictionFile[] = []
    for (let hour = 0; hour < 66; hour++) files.push(await ingest(bike, [row(`p${hour}`, hour)]))
    await look('overtaken')
    await label(bike, 'p0', 'never')
    await wait(bike)
    const sweeps: number[] = []
    // The sweep has read the newer files when the oldest goes into one as new as the newest.
    const looks = intercepted(async (name, call) => {
      const answer = await call()
      if (name === 'advanceSweep' && sweeps.push(1) === 1) {
        await replace(bike, [files[0]!, files[65]!], [row('p0', 0), row('p65', 65)])
      }
      return answer
    })
    expect(await look('overtaken', looks)).toMatchObject({ matched: 1, reported: 1 })
    expect(sweeps).toHaveLength(2)
    expect(await stateOf(bike)).toEqual({ labels: 2, held: 0, unknown: 1, listed: ['never'] })
    const [mark] = await labels.history(bike.id, 'p0')
    expect(mark!.reportedAt).toBeNull()
  })

  it('end the same wherever a look is killed', async () => {
    const expected = { labels: 4, held: 1, unknown: 1, listed: ['never'] }
    const deployments: Deployment[] = []
    let calls = Infinity
    for (let killedAt = 1; killedAt <= calls; killedAt++) {
      const project = `killed-${killedAt}`
      const bike = await deploy(project)
      deployments.push(bike)
      await ingest(bike, [row('old')])
      await label(bike, 'old', 'new', 'never')
      await wait(bike)
      await ingest(bike, [row('new', 1)])
      await label(bike, 'young')
      let made = 0
      // What it did last has been done, and nobody has heard of it.
      const dying = intercepted(async (_name, call) => {
        const answer = await call()
        if (++made >= killedAt) throw new Error('killed')
        return answer
      })
      const died = await look(project, dying).then(
        () => false,
        () => true,
      )
      if (!died) calls = made
      await look(project)
      expect([killedAt, await stateOf(bike)]).toEqual([killedAt, expected])
    }
    expect(calls).toBeGreaterThan(8)
    expect(await check(...deployments)).toEqual(nothingWrong)
  })

  it('end the same when several look at once', async () => {
    const bike = await deploy('at-once')
    const ids = Array.from({ length: 300 }, (_, i) => `p${i}`)
    await label(bike, ...ids.slice(0, 200), 'never')
    await wait(bike)
    for (let from = 0; from < 300; from += 100) {
      await ingest(
        bike,
        ids.slice(from, from + 100).map((id, i) => row(id, from + i)),
      )
    }
    await label(bike, ...ids.slice(200))
    const done = await Promise.all([1, 2, 3, 4].map(() => look('at-once')))
    await look('at-once')
    expect(done.reduce((sum, { matched }) => sum + matched, 0)).toBe(300)
    expect(await stateOf(bike)).toEqual({ labels: 301, held: 0, unknown: 1, listed: ['never'] })
    expect(await check(bike)).toEqual(nothingWrong)
  })

  it('are looked at by deployment: a file that cannot be read holds up no other', async () => {
    const [broken, whole] = [await deploy('broken', 'broken'), await deploy('broken', 'whole')]
    for (const deployment of [broken, whole]) {
      await ingest(deployment, [row(`${deployment.name}-1`)])
      await label(deployment, `${deployment.name}-1`, 'never')
      await wait(deployment)
    }
    const repository = database.dataSource.getRepository(PredictionFile)
    const { uri } = await repository.findOneByOrFail({ deploymentId: broken.id })
    const gone = uri.replace(/.{4}$/, '0000')
    await repository.update({ deploymentId: broken.id }, { uri: gone })
    expect(await look('broken')).toEqual({ deployments: 2, matched: 1, reported: 1, failed: 1 })
    expect(lines).toContainEqual(expect.objectContaining({ deployment: 'broken', code: 'object_missing' }))
    // What cannot be said is not said.
    expect(await stateOf(broken)).toMatchObject({ held: 2, unknown: 0 })
    await repository.update({ deploymentId: broken.id }, { uri })
    expect(await look('broken')).toMatchObject({ matched: 1, reported: 1, failed: 0 })
  })

  it('are compared with the files by a deep check', async () => {
    const bike = await deploy('checked')
    await ingest(bike, [row('a'), row('b')])
    await label(bike, 'a', 'b', 'never')
    await wait(bike)
    await look('checked')
    expect(await check(bike)).toEqual(nothingWrong)
    const set = (id: string, mark: string) =>
      database.dataSource.query(`UPDATE labels SET ${mark} WHERE deployment_id = $1 AND prediction_id = $2`, [
        bike.id,
        id,
      ])
    await set('a', 'matched_at = NULL')
    await set('never', 'matched_at = received_at')
    expect(await check(bike)).toEqual({ mismatched: 2, mismarked: 0 })
    await label(bike, 'too-early')
    await set('too-early', 'reported_at = received_at')
    expect(await check(bike)).toEqual({ mismatched: 2, mismarked: 1 })
  })

  /** The store, with something done around each call. */
  function intercepted(around: (name: string, call: () => Promise<unknown>) => Promise<unknown>): Looks {
    return new Proxy(ports.labelLooks, {
      get(target, name) {
        const method = Reflect.get(target, name) as (...given: unknown[]) => Promise<unknown>
        return (...given: unknown[]) => around(String(name), () => method.apply(target, given))
      },
    })
  }
})
