import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MockActivityEnvironment } from '@temporalio/testing'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { compactionActivities } from '../../activities/compaction.js'
import { retrainingActivities } from '../../activities/retraining.js'
import type { RetrainingSetOutcome } from '../../contracts/temporal/incidents.js'
import type { TrainingRetrainingPolicy } from '../../domain/retraining/policy.js'
import type { TrainingSpec } from '../../domain/training/spec.js'
import { withDuckDb } from '../../stores/duckdb/duckdb.js'
import { convertToParquet } from '../../stores/duckdb/ingest.js'
import { proposeTypes } from '../../stores/duckdb/propose-types.js'
import { profileTable } from '../../stores/duckdb/profile.js'
import { sha256Hex, uuidv7 } from '../../stores/ids.js'
import { LocalObjectStore } from '../../stores/objects/local-object-store.js'
import { CompactionStore } from '../../stores/postgres/compaction-store.js'
import { SuiteStore } from '../../stores/postgres/suite-store.js'
import { DatasetStore } from '../../stores/postgres/dataset-store.js'
import { DeploymentStore } from '../../stores/postgres/deployment-store.js'
import type { Deployment } from '../../stores/postgres/entities/deployment.js'
import { LabelStore } from '../../stores/postgres/label-store.js'
import { LedgerStore } from '../../stores/postgres/ledger-store.js'
import { PipelineStore } from '../../stores/postgres/pipeline-store.js'
import { PredictionStore } from '../../stores/postgres/prediction-store.js'
import { RunStore } from '../../stores/postgres/run-store.js'
import { BIKE_DATES, bikeLines, check } from '../stores/duckdb/tables.js'
import { BIKE_FEATURES, type BikeHour, bikeHours, predictionOf } from '../support/bike-log.js'
import { type TestDatabase, testDatabase } from '../support/postgres.js'
import { logPredictions } from '../support/prediction-log.js'
import { silentLogger } from '../support/silent-logger.js'

const PROJECT = 'default'
const MAY = Date.UTC(2012, 4, 1)

const POLICY: TrainingRetrainingPolicy = {
  dataset: 'bike',
  timeColumn: 'dteday',
  training: {
    parameters: { max_depth: 4, tree_method: 'exact', seed: 1 },
    rounds: 20,
    checkpointEvery: 10,
    features: BIKE_FEATURES,
    target: 'cnt',
    baseline: { by: ['hr', 'workingday'] },
    clip: { min: 0 },
    gate: { maxRmseOfChampion: 0.95, maxRmseOfBaseline: 1 },
  },
  holdout: 'month',
  strategy: { kind: 'canary' },
  incident: {},
}

describe('the data of a retraining, from real hours', () => {
  let database: TestDatabase
  let directory: string
  let ports: Parameters<typeof retrainingActivities>[0]
  let deployment: Deployment
  let hours: BikeHour[]
  const activities = () => retrainingActivities(ports)

  beforeAll(async () => {
    database = await testDatabase()
    directory = await mkdtemp(join(tmpdir(), 'mlforge-retraining-'))
    const { dataSource } = database
    ports = {
      runs: new RunStore(dataSource),
      ledger: new LedgerStore(dataSource),
      wakes: { publish: () => undefined, subscribe: () => () => undefined, close: () => undefined },
      datasets: new DatasetStore(dataSource),
      suites: new SuiteStore(dataSource),
      pipelines: new PipelineStore(dataSource),
      deployments: new DeploymentStore(dataSource),
      predictions: new PredictionStore(dataSource),
      labels: new LabelStore(dataSource),
      objects: new LocalObjectStore(join(directory, 'objects')),
      scratch: join(directory, 'scratch'),
      retryPolicy: { codes: [], maxAttempts: 1, delaySeconds: 1 },
    }
    await commitGiven(await monthsOf(2011, 1, 10))
    const { id } = await ports.deployments.create(PROJECT, 'bike', 'bike-demand', 'key:test')
    await ports.deployments.setRetraining(id, POLICY)
    deployment = await ports.deployments.get(PROJECT, 'bike')
    const csv = (await monthsOf(2011, 11, 12)) + (await monthsOf(2012, 1, 5)).split('\n').slice(1).join('\n')
    hours = bikeHours(csv)
    // Two files that share no ids, and one that has a shadow's, a pinned one's and a retried one's.
    const [head, tail] = [hours.slice(0, 2000), hours.slice(2000)]
    await logPredictions(
      ports,
      dataSource,
      deployment,
      head.map(hour => predictionOf(hour)),
    )
    await logPredictions(
      ports,
      dataSource,
      deployment,
      tail.map(hour => predictionOf(hour)),
    )
    const later = { at: Date.UTC(2026, 6, 1), output: 1 }
    await logPredictions(ports, dataSource, deployment, [
      predictionOf(head[0]!, { ...later, sequence: 1, version: 2, role: 'shadow' }),
      predictionOf(head[1]!, { ...later, sequence: 2, id: 'pinned', role: 'pinned' }),
      predictionOf(head[2]!, { ...later, sequence: 3, version: 2, role: 'candidate' }),
    ])
    await label(hours.map(hour => [hour.instant, hour.count]))
    await label([[hours[0]!.instant, 17]])
  })
  afterAll(async () => {
    await database.drop()
    await rm(directory, { recursive: true, force: true })
  })

  const monthsOf = (year: number, from: number, to: number) =>
    bikeLines(([, day]) => {
      const [month, , rowYear] = day!.split('/').map(Number) as [number, number, number]
      return rowYear === year && month >= from && month <= to
    })

  async function commitGiven(csv: string): Promise<void> {
    const [csvFile, parquetFile] = [
      join(directory, `${uuidv7()}.csv`),
      join(directory, `${uuidv7()}.parquet`),
    ]
    const raw = await ports.objects.write(PROJECT, Buffer.from(csv))
    const summary = check(Buffer.from(csv))
    await writeFile(csvFile, csv)
    const { conversion } = await proposeTypes(csvFile, summary, BIKE_DATES)
    const { rows, schema } = await convertToParquet(csvFile, conversion, parquetFile, { rows: summary.rows })
    const parquet = await ports.objects.write(PROJECT, await readFile(parquetFile))
    const expectations = [
      { expectation: { kind: 'not_null', column: 'cnt', severity: 'error' } },
      { expectation: { kind: 'not_null', column: 'casual', severity: 'error' } },
      { expectation: { kind: 'unique', columns: ['dteday', 'hr'], severity: 'error' } },
    ]
    await database.dataSource.transaction(async transaction => {
      await ports.datasets.commit(transaction, PROJECT, 'bike', {
        root: sha256Hex(csv),
        files: null,
        table: {
          rows: String(rows),
          raw,
          parquet,
          schema,
          conversion,
          proposal: [],
          expectations,
          profile: await profileTable(parquetFile),
        },
        message: null,
        author: null,
        principal: 'key:test',
        runId: uuidv7(),
        effectKey: uuidv7(),
      })
    })
  }

  const label = (values: readonly (readonly [instant: number, value: number])[]) =>
    ports.labels.add(
      deployment.id,
      values.map(([instant, value]) => ({ predictionId: `bike-${instant}`, value, at: new Date() })),
      'key:test',
    )

  const inputOf = (runId: string, number = 1, dataUntil = MAY) => ({
    project: PROJECT,
    runId,
    name: 'bike',
    attempt: 1,
    generation: 1,
    limits: { heartbeatTimeoutSeconds: 10 },
    number,
    dataUntil,
  })
  const build = (input: ReturnType<typeof inputOf>): Promise<RetrainingSetOutcome> =>
    new MockActivityEnvironment({}, { logger: silentLogger }).run(() =>
      activities().buildRetrainingSet(input),
    )
  const tableOf = async (version: number) => {
    const { parquet } = await ports.datasets.table(PROJECT, 'bike', version)
    const file = await ports.objects.toFile(parquet.uri, directory)
    return <T>(sql: string) =>
      withDuckDb({}, async db => (await db.query(sql.replace('$t', `read_parquet('${file}')`))) as T)
  }

  it('joins the rows that were given and every labelled prediction since, each once', async () => {
    const input = inputOf(uuidv7())
    const set = await build(input)
    expect(set).toMatchObject({ dataset: 'bike', version: 2, rows: 11_539, added: 4_354, created: true })
    const query = await tableOf(2)
    const [facts] = await query<object[]>(
      `SELECT count(*) AS n, count(DISTINCT (dteday, hr)) AS hours, count(instant) AS instants,
       count(casual) AS casual, max(dteday)::VARCHAR AS last, count(cnt) AS labels FROM $t`,
    )
    expect(facts).toEqual({
      n: 11_539,
      hours: 11_539,
      instants: 7_185,
      casual: 7_185,
      last: '2012-04-30',
      labels: 11_539,
    })
    const order = await query<object[]>(
      `SELECT count(*) AS out FROM (SELECT dteday + to_hours(hr) AS t, lag(t) OVER () AS before FROM $t) WHERE t < before`,
    )
    expect(order).toEqual([{ out: 0 }])
    // The correction counts, and what the replica answered first.
    expect(await query(`SELECT cnt FROM $t WHERE dteday = '2011-11-01' AND hr = 0`)).toEqual([{ cnt: 17 }])

    const [base, made] = [
      await ports.datasets.version(PROJECT, 'bike', 1),
      await ports.datasets.version(PROJECT, 'bike', 2),
    ]
    expect(made.parents[0]).toBe(base.root)
    expect(made.parents.slice(1).toSorted()).toEqual(
      (await ports.predictions.files(deployment.id)).map(file => file.uri).toSorted(),
    )
    expect(made.message).toContain('version 1 and 4354 labelled predictions')
    const nullable = (made.schema as { name: string; nullable: boolean }[]).filter(column => column.nullable)
    expect(nullable.map(column => column.name)).toEqual(['instant', 'casual', 'registered'])
    // Columns that predictions do not have are not expected of them.
    expect(
      (made.expectations as { expectation: { kind: string } }[]).map(each => each.expectation.kind),
    ).toEqual(['not_null', 'unique'])
    // The step is done: again it is answered from the ledger.
    expect(await build(input)).toEqual(set)
  })

  it('is the same content for the same rows, and another with another label', async () => {
    const first = await ports.datasets.version(PROJECT, 'bike', 2)
    const again = await build(inputOf(uuidv7()))
    expect(again).toMatchObject({ version: 2, root: first.root, created: false })

    await label([[hours[5]!.instant, hours[5]!.count + 1]])
    const corrected = await build(inputOf(uuidv7(), 2))
    expect(corrected).toMatchObject({ version: 3, rows: 11_539, created: true })
    expect(corrected.root).not.toBe(first.root)
    // It grows from what was given: no prediction is in it twice.
    const made = await ports.datasets.version(PROJECT, 'bike', 3)
    expect(made.parents[0]).toBe((await ports.datasets.version(PROJECT, 'bike', 1)).root)
  })

  it('is the same content when the predictions were merged into one file since', async () => {
    const before = await build(inputOf(uuidv7()))
    const { parents } = await ports.datasets.version(PROJECT, 'bike', before.version)
    const compaction = new CompactionStore(database.dataSource)
    // As if they were small, and of one day.
    const alike = async (id: string) =>
      (await compaction.files(id)).map(file => ({ ...file, rows: 1, minEventTime: 0, maxEventTime: 0 }))
    const { compactPredictions } = compactionActivities({
      ...ports,
      compaction: Object.assign(Object.create(compaction) as CompactionStore, { files: alike }),
      compactionPolicy: { files: 2, quietMs: 0, maxRows: 1_000_000, maxBytes: 2 ** 27 },
      graceMs: 3_600_000,
    })
    const merged = await new MockActivityEnvironment({}, { logger: silentLogger }).run(() =>
      compactPredictions({ project: PROJECT }),
    )
    expect(merged).toMatchObject({ merged: 3, into: 1 })
    expect(await build(inputOf(uuidv7()))).toEqual({ ...before, created: false })
    // The files that it names as its parents are known for good.
    const known = await database.dataSource.query<{ uri: string }[]>('SELECT uri FROM prediction_files')
    expect(known.map(({ uri }) => uri)).toEqual(expect.arrayContaining(parents.slice(1)))
  })

  it('takes on one training, that holds out the last whole month', async () => {
    const input = inputOf(uuidv7(), 1, Date.UTC(2012, 4, 15))
    const set = await build(input)
    expect(set.rows).toBe(11_539 + 14 * 24)
    const started = await activities().startRetraining(input)
    expect(await activities().startRetraining(input)).toEqual(started)
    // Another policy since: the run that was taken on is still the one.
    const { training: _, ...data } = POLICY
    const pipeline = { name: 'none', parameters: {} }
    await ports.deployments.setRetraining(deployment.id, { ...data, pipeline })
    expect(await activities().startRetraining(input)).toEqual(started)
    await ports.deployments.setRetraining(deployment.id, POLICY)
    const run = await ports.runs.get(PROJECT, started.runId)
    expect(run).toMatchObject({
      kind: 'training',
      name: 'bike-demand',
      status: 'accepted',
      principal: `incident:${input.runId}`,
      trigger: 'incident',
    })
    expect(await ports.runs.isStartOwed(run.id)).toBe(true)
    const spec = run.request as TrainingSpec
    expect(spec).toMatchObject({
      dataset: { name: 'bike', version: set.version, root: set.root },
      split: {
        column: 'dteday',
        train: { until: '2012-04-01' },
        holdout: { from: '2012-04-01', until: '2012-05-01' },
      },
      gate: { maxRmseOfChampion: 0.95, maxRmseOfBaseline: 1 },
    })
  })

  it('says what is missing', async () => {
    const nothing = inputOf(uuidv7(), 1, Date.UTC(2011, 10, 1))
    await expect(build(nothing)).rejects.toMatchObject({
      code: 'label_invalid',
      message: expect.stringContaining('no labelled predictions'),
    })
    await ports.deployments.create(PROJECT, 'bare', 'bike-demand', 'key:test')
    await expect(build({ ...nothing, name: 'bare' })).rejects.toMatchObject({
      code: 'wrong_state',
      message: expect.stringContaining('PUT /v1/deployments/bare/retraining'),
    })
    await ports.deployments.setRetraining(deployment.id, {
      ...POLICY,
      training: { ...POLICY.training, features: [...BIKE_FEATURES, 'casual'] },
    })
    await expect(build(inputOf(uuidv7()))).rejects.toMatchObject({
      code: 'unknown_column',
      message: expect.stringContaining('casual'),
    })
    await ports.deployments.setRetraining(deployment.id, POLICY)
    await label([[hours[7]!.instant, 2.5]])
    await expect(build(inputOf(uuidv7()))).rejects.toMatchObject({
      code: 'value_not_of_type',
      message: expect.stringContaining('"cnt"'),
    })
  })

  it('starts no rollout beside one of somebody else', async () => {
    const input = { ...inputOf(uuidv7()), version: 2 }
    const human = await ports.runs.accept({
      project: PROJECT,
      kind: 'rollout',
      name: 'bike',
      request: {},
      principal: 'key:test',
      trigger: 'api',
      retryPolicy: { codes: [], maxAttempts: 1, delaySeconds: 1 },
    })
    expect(await activities().startIncidentRollout(input)).toEqual({ accepted: false })
    await ports.runs.cancelAccepted(PROJECT, human.run.id)
    expect(await activities().startIncidentRollout(input)).toEqual({ accepted: true })
    expect(await activities().startIncidentRollout(input)).toEqual({ accepted: true })
    const { items } = await ports.runs.list(PROJECT, { kind: 'rollout', status: 'accepted' })
    expect(items).toMatchObject([
      {
        principal: `incident:${input.runId}`,
        request: { candidate: { version: 2 }, strategy: POLICY.strategy },
      },
    ])
  })
})
