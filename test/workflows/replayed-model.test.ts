import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { Page } from '../../contracts/rest/common.js'
import type { DatasetCommit, DatasetVersion, Rows } from '../../contracts/rest/datasets.js'
import type { Fit, TransformedRows } from '../../contracts/rest/fits.js'
import type { Lineage } from '../../contracts/rest/lineage.js'
import type { ModelVersion } from '../../contracts/rest/models.js'
import type { Operation } from '../../contracts/rest/operations.js'
import type { RetrainingRun } from '../../contracts/rest/retrainings.js'
import type { Training, TrainingSummary } from '../../contracts/rest/trainings.js'
import type { TransformationStep } from '../../contracts/rest/transformations.js'
import { KeyStore } from '../../stores/postgres/key-store.js'
import { TestApi } from '../api/support/api.js'
import { ReplicaProcess } from '../serving/support/replica-process.js'
import { bikeCsv, bikeTraining } from '../support/bike-data.js'
import { eventually } from '../support/eventually.js'
import { Harness, PROJECT } from '../support/harness.js'

const STEPS: TransformationStep[] = [
  {
    kind: 'date_parts',
    columns: ['dteday'],
    parts: ['month', 'day_of_week'],
    cyclical: true,
    dropOriginal: false,
  },
  { kind: 'one_hot', columns: ['weathersit'], unknown: 'ignore' },
  { kind: 'target', columns: ['hr'], target: 'cnt' },
  { kind: 'scale', columns: ['temp', 'hum'], method: 'standard' },
  { kind: 'interact', columns: ['hr', 'temp'], degree: 2 },
  // Has no part in the features: callers need not give it.
  { kind: 'ordinal', columns: ['season'] },
]
const FEATURES = [
  ...['dteday_month', 'dteday_day_of_week_sin', 'weathersit_1', 'weathersit_3'],
  ...['hr', 'temp', 'hr_x_temp', 'hum', 'workingday'],
]
const INPUT = ['dteday', 'hr', 'workingday', 'weathersit', 'temp', 'hum']

type Row = Record<string, number | boolean | string | null>

describe('a model behind a transformation', () => {
  let harness: Harness
  let api: TestApi
  let replica: ReplicaProcess
  beforeAll(async () => {
    harness = await Harness.start({ env: { MLFORGE_ROLLOUTS_LOOK_EVERY_SECONDS: '0.1' }, ingest: true })
    api = await TestApi.beside(harness)
    await harness.ended(
      await harness.commit('bike', bikeCsv(4), { columns: { dteday: { format: '%m/%d/%Y' } } }),
    )
    const viewer = { name: 'viewer', role: 'viewer', key: 'mlf_viewer', expiresAt: null } as const
    const keys = new KeyStore(harness.database.dataSource)
    await keys.create({ project: PROJECT, ...viewer }).catch(() => undefined)
    replica = await startReplica()
  })
  afterAll(async () => {
    await replica?.kill()
    await api?.stop()
    await harness?.stop()
  })

  const startReplica = async () => {
    const started = await ReplicaProcess.spawn('serving-1', harness.config.stateDirectory, {
      MLFORGE_POSTGRES_URL: harness.database.url,
      MLFORGE_OBJECTS_DIRECTORY: harness.config.objects.directory,
      MLFORGE_SERVING_POLL_SECONDS: '0.05',
      MLFORGE_SERVING_SEAL_SECONDS: '0.2',
    })
    return started.live()
  }
  const get = async <T>(path: string) => (await api.call('GET', path)).body as T
  const ended = <T extends Operation>(run: T): Promise<T> =>
    eventually(async () => {
      const now = await get<T>(run.links.self)
      expect(['accepted', 'running']).not.toContain(now.status)
      return now
    })
  const post = async <T extends Operation>(path: string, body: object) => {
    const answer = await api.call('POST', path, { body })
    expect([answer.status, answer.body]).toEqual([202, expect.anything()])
    return ended(answer.body as T)
  }
  const fit = (name: string, steps: TransformationStep[], more: object = {}) =>
    post<Fit>(`/v1/transformations/${name}/fits`, { dataset: 'bike', steps, ...more })
  const make = (into: string, transformation: string, more: object = {}) =>
    post<DatasetCommit>(`/v1/datasets/${into}/versions`, {
      transformed: { dataset: 'bike', transformation, ...more },
    })
  const training = (more: object) => ({
    ...bikeTraining(),
    dataset: { name: 'ready' },
    features: FEATURES,
    ...more,
  })
  const ready = { name: 'ready', version: 1 }
  async function deploy(name: string, model: string): Promise<void> {
    await api.call('POST', '/v1/deployments', { body: { name, model } })
    const rollout = { version: 1, reason: 'test' }
    expect(await post(`/v1/deployments/${name}/rollouts`, rollout)).toMatchObject({ status: 'succeeded' })
  }
  async function april(dataset: string): Promise<Row[]> {
    const { rows: count } = await get<DatasetVersion>(`/v1/datasets/${dataset}/versions/1`)
    const path = `/v1/datasets/${dataset}/versions/1/rows?limit=700&offset=${count! - 700}`
    const { columns, rows } = await get<Rows>(path)
    return rows.map(row => Object.fromEntries(columns.map((column, i) => [column, row[i]])) as Row)
  }
  const only = (row: Row, names: readonly string[]): Row =>
    Object.fromEntries(names.map(name => [name, row[name]!]))
  const predict = async (deployment: string, rows: readonly Row[]) => {
    const answer = await replica.predict(
      deployment,
      rows.map(features => ({ features, eventTime: '2011-04-30T23:00:00Z' })),
    )
    expect([answer.status, answer.body.problems]).toEqual([200, undefined])
    return answer.body.predictions.map(({ value }) => value)
  }

  it('answers raw rows as a model of the same bytes answers transformed ones', async () => {
    const where = "dteday < DATE '2011-04-01'"
    await fit('ready', STEPS, { where, folds: 4, seed: 3 })
    await make('ready', 'ready', { outOfFold: true })
    await make('whole', 'ready')
    const run = await post<Training>('/v1/trainings', training({ model: 'rides', transformation: ready }))
    expect(run).toMatchObject({ status: 'succeeded', version: 1, spec: { transformation: ready } })
    await post('/v1/trainings', training({ model: 'plain' }))
    const [own, plain] = await Promise.all(
      ['rides', 'plain'].map(model => get<ModelVersion>(`/v1/models/${model}/versions/1`)),
    )
    expect(own!.sha256).toBe(plain!.sha256)
    const { transformation } = own!.signature as {
      transformation: { input: { name: string; type: string }[] }
    }
    expect(transformation).toMatchObject(ready)
    expect(transformation.input.map(({ name }) => name)).toEqual(INPUT)
    expect(transformation.input[0]!.type).toBe('date')
    expect(plain!.signature).not.toHaveProperty('transformation')
    expect(own!.artifacts.map(({ name }) => name)).toContain('transformation.json')
    const { nodes } = await get<Lineage>('/v1/lineage/model:rides@1?direction=upstream')
    expect(nodes.map(({ id }) => id)).toEqual(
      expect.arrayContaining(['transformation:ready@1', 'dataset:ready@1', 'dataset:bike@1']),
    )

    await deploy('rides', 'rides')
    await deploy('plain', 'plain')
    const [raw, transformed] = [await april('bike'), await april('whole')]
    const expected = await predict(
      'plain',
      transformed.map(row => only(row, FEATURES)),
    )
    expect(new Set(expected).size).toBeGreaterThan(100)
    // With no more than is needed, with all columns of the table, and by the replica that comes after.
    expect(
      await predict(
        'rides',
        raw.map(row => only(row, INPUT)),
      ),
    ).toEqual(expected)
    expect(await predict('rides', raw)).toEqual(expected)
    await replica.kill()
    replica = await startReplica()
    await replica.ready()
    expect(await predict('rides', raw)).toEqual(expected)
  })

  it('refuses rows with all that is wrong with them', async () => {
    const [row] = await april('bike')
    const refused = async (features: Row) => {
      const { status, body } = await replica.predict('rides', [{ features }])
      return [status, body.code, ...body.problems.map(({ at, message }) => `${at} ${message}`)]
    }
    const { hr: _, ...without } = only(row!, INPUT)
    expect(await refused({ ...without, temp: 'warm', tmp: 1 })).toEqual([
      422,
      'features_invalid',
      'rows[0].features.hr is missing; it is BIGINT.',
      'rows[0].features.temp is no value of a column of DOUBLE.',
      'rows[0].features.tmp is no column that is transformed. Did you mean "temp"?',
    ])
    // Scaled, nothing stays nothing, and the model takes none.
    expect(await refused({ ...row!, hum: null })).toEqual([
      422,
      'features_invalid',
      'rows[0].features.hum must be a number, not null.',
    ])
  })

  it('comes not after one whose callers would have to change', async () => {
    const plain = training({ model: 'rides', gate: { maxRmseOfChampion: 0.001 } })
    // What was made by other figures says nothing of the champion.
    const trained = await post<Training>('/v1/trainings', plain)
    expect(trained).toMatchObject({ version: 2 })
    expect(trained.warnings.join()).toContain(
      'Version 1, the champion, is behind ready@1 and this one behind no transformation: they are not compared.',
    )
    const body = { version: 2, strategy: { kind: 'instant' }, reason: 'test' }
    const rollout = await post('/v1/deployments/rides/rollouts', body)
    expect(rollout).toMatchObject({ status: 'refused', error: { code: 'preflight_failed' } })
    expect(rollout.error!.message).toMatch(/needs feature "dteday_month"/)
    expect(rollout.error!.message).toMatch(/behind no transformation, and the live version behind ready@1/)
  })

  it.each<[string, TransformationStep[], string[], string]>([
    ['SQL', [{ kind: 'sql', columns: { warm: 'temp > 0.5' } }], ['warm'], 'transformation.steps[0]'],
    ['other columns', [{ kind: 'scale', columns: ['temp'], method: 'standard' }], ['tmp'], 'features[0]'],
  ])('is not trained by a transformation of %s', async (name, steps, features, at) => {
    const transformation = `refused-${name.replace(' ', '-')}`.toLowerCase()
    await fit(transformation, steps)
    await make(transformation, transformation)
    const made = name === 'SQL' ? { name: transformation } : { name: 'ready' }
    const asked = {
      ...training({ model: 'none', transformation: { name: transformation, version: 1 } }),
      dataset: made,
      features: name === 'SQL' ? features : ['hr_x_temp'],
    }
    expect(await api.call('POST', '/v1/trainings', { body: asked })).toMatchObject({
      status: 422,
      body: { code: 'transformation_mismatch', problems: [{ at }] },
    })
  })

  it('is not trained on what another transformation has made', async () => {
    await fit('other', STEPS)
    const transformation = { name: 'other', version: 1 }
    const run = await post<Training>('/v1/trainings', training({ model: 'none', transformation }))
    expect(run).toMatchObject({ status: 'refused', error: { code: 'transformation_mismatch' } })
    expect(run.error!.message).toMatch(/ready@1 was made by ready@1, and not by other@1/)
    const missing = training({ model: 'none', transformation: { name: 'othr', version: 1 } })
    expect(await api.call('POST', '/v1/trainings', { body: missing })).toMatchObject({
      status: 404,
      body: { detail: expect.stringContaining('other') },
    })
  })

  it('is retrained on what it was asked, as the model has seen it, behind the same transformation', async () => {
    await harness.ended(
      await harness.commit('more', bikeCsv(5), { columns: { dteday: { format: '%m/%d/%Y' } } }),
    )
    const may = (await april('more')).filter(({ dteday }) => String(dteday) >= '2011-05-01')
    const { split: _, model: __, dataset: ___, ...asked } = training({ transformation: ready })
    const policy = { dataset: 'ready', timeColumn: 'dteday', holdout: 'month', training: asked }
    const { transformation: ____, ...without } = asked
    const behindNone = { ...policy, training: without }
    const other = await api.call('PUT', '/v1/deployments/rides/retraining', { body: behindNone })
    expect(other.body).toMatchObject({ problems: [{ at: 'training.transformation' }] })
    const set = await api.call('PUT', '/v1/deployments/rides/retraining', { body: policy })
    expect(set).toMatchObject({ status: 200, body: { training: { transformation: ready } } })
    const at = ({ dteday, hr }: Row) => `${String(dteday)}T${String(hr).padStart(2, '0')}:00:00Z`
    const rows = may.map(row => ({ id: `may-${row['instant']}`, eventTime: at(row), features: row }))
    expect((await replica.predict('rides', rows)).status).toBe(200)
    const labels = may.map(row => ({ predictionId: `may-${row['instant']}`, value: row['cnt'], at: at(row) }))
    expect((await api.call('POST', '/v1/deployments/rides/labels', { body: { labels } })).status).toBe(200)
    const retraining = { reason: 'test', dataUntil: '2011-06-01T00:00:00Z' }
    const begun = await eventually(async () => {
      // Refused until the predictions have come in.
      const { status, body } = await api.call('POST', '/v1/deployments/rides/retrainings', {
        body: retraining,
      })
      expect(status).toBe(202)
      return body as RetrainingRun
    })
    const trained = await eventually(async () => {
      const { status, error } = await get<RetrainingRun>(begun.links.self)
      const { items } = await get<Page<TrainingSummary>>('/v1/trainings?model=rides')
      const found = await get<Training>(`/v1/trainings/${items[0]!.id}`)
      expect({ retraining: [status, error], ...found }).toMatchObject({
        retraining: ['running', null],
        status: 'succeeded',
        spec: { dataset: { version: 2 } },
      })
      return found
    })
    expect(trained.spec).toMatchObject({ transformation: ready, dataset: { name: 'ready' } })
    const { signature } = await get<ModelVersion>(`/v1/models/rides/versions/${trained.version}`)
    expect(signature).toMatchObject({ transformation: { ...ready, input: expect.anything() } })
    // What was asked raw stands in the set as tables are transformed.
    const [{ rows: before }, { rows: after }] = (await Promise.all(
      [1, 2].map(version => get<DatasetVersion>(`/v1/datasets/ready/versions/${version}`)),
    )) as [DatasetVersion, DatasetVersion]
    expect(after! - before!).toBe(may.length)
    const path = `/v1/datasets/ready/versions/2/rows?limit=1&offset=${before}`
    const joined = await get<Rows>(path)
    const { rows: made } = (
      await api.call('POST', '/v1/transformations/ready/versions/1/rows', { body: { rows: [may[0]] } })
    ).body as TransformedRows
    for (const name of FEATURES) expect(joined.rows[0]![joined.columns.indexOf(name)]).toBe(made[0]![name])
  })
})
