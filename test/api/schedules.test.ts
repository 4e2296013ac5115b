import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { ScheduleReconciler } from '../../api/schedules/schedule-reconciler.js'
import type { RetrainingPolicy } from '../../domain/retraining/policy.js'
import { DeploymentStore } from '../../stores/postgres/deployment-store.js'
import { DriftStore } from '../../stores/postgres/drift-store.js'
import { eventually } from '../support/eventually.js'
import { type TestTemporal, testTemporal } from '../support/temporal.js'
import { MONTHLY } from '../support/windows.js'
import { TestApi } from './support/api.js'
import { seedDataset, table, TRAINING } from './support/seed.js'

interface ScheduleBody {
  name: string
  training?: unknown
  paused: boolean
  note: string | null
  nextRuns: string[] | null
  recentRuns: { workflowId: string }[] | null
}

const RETRAINING: RetrainingPolicy = {
  dataset: 'bikes',
  timeColumn: 'day',
  training: { rounds: 10, checkpointEvery: 5, features: ['hour', 'temp'], target: 'cnt' },
  holdout: 'month',
  strategy: { kind: 'canary' },
  incident: {},
} as RetrainingPolicy

describe('schedules on a real Temporal server', () => {
  let temporal: TestTemporal
  let api: TestApi
  let name: string
  beforeAll(async () => {
    temporal = await testTemporal()
    api = await TestApi.start({ MLFORGE_TEMPORAL_ADDRESS: temporal.address })
    await seedDataset(api, 'bikes', table(10))
    name = temporal.unique('weekly')
  })
  afterAll(async () => {
    await api.close()
    await temporal.close()
  })

  const create = (change: object = {}) =>
    api.call('POST', '/v1/schedules', {
      body: {
        name,
        training: TRAINING,
        timing: { cron: '30 3 * * mon', timeZone: 'Europe/Berlin' },
        ...change,
      },
    })
  const get = async (of = name) => (await api.call('GET', `/v1/schedules/${of}`)).body as ScheduleBody
  const handle = (of = name) => temporal.client.schedule.getHandle(`default/schedule/${of}`)

  it('creates one, with its next times in its time zone', async () => {
    const answer = await create({ note: 'by the test' })
    expect(answer).toMatchObject({
      status: 201,
      body: {
        name,
        paused: false,
        note: 'by the test',
        timing: { cron: '30 3 * * mon', timeZone: 'Europe/Berlin', overlap: 'skip', catchUpSeconds: 3600 },
        webUrl: `http://web.example/namespaces/default/schedules/default%2Fschedule%2F${name}`,
      },
    })
    // Nothing is said of them where Temporal does not answer within a second.
    const nextRuns = await eventually(async () => {
      const { body } = await api.call('GET', `/v1/schedules/${name}`)
      const next = (body as ScheduleBody).nextRuns ?? []
      expect(next.length).toBeGreaterThan(3)
      return next
    })
    for (const time of nextRuns) {
      const local = new Date(time).toLocaleString('en-GB', { timeZone: 'Europe/Berlin', weekday: 'short' })
      expect(local).toMatch('Mon')
      expect(new Date(time).toLocaleTimeString('en-GB', { timeZone: 'Europe/Berlin' })).toBe('03:30:00')
    }
    expect(answer.headers.get('location')).toBe(`/v1/schedules/${name}`)
    expect(await create()).toMatchObject({ status: 409, body: { code: 'already_exists' } })
  })

  it('starts what the worker knows, by the row, within the time it may be late', async () => {
    const { action, policies } = await handle().describe()
    expect(action).toMatchObject({
      workflowType: 'scheduledTraining',
      taskQueue: 'mlforge-workflows',
      args: [{ project: 'default', schedule: name }],
    })
    expect(policies).toMatchObject({ overlap: 'SKIP', catchupWindow: 3_600_000, pauseOnFailure: false })
  })

  it('pauses, resumes and triggers', async () => {
    expect(
      await api.call('POST', `/v1/schedules/${name}/pause`, { body: { note: 'holidays' } }),
    ).toMatchObject({
      status: 200,
      body: { paused: true, note: 'holidays' },
    })
    expect((await handle().describe()).state.paused).toBe(true)
    expect(await api.call('POST', `/v1/schedules/${name}/resume`)).toMatchObject({
      status: 200,
      body: { paused: false },
    })
    expect((await api.call('POST', `/v1/schedules/${name}/trigger`)).status).toBe(202)
    const [run] = await eventually(async () => {
      const { recentRuns } = await get()
      expect(recentRuns).toHaveLength(1)
      return recentRuns!
    })
    expect(run!.workflowId).toMatch(`default/schedule/${name}`)
    await temporal.client.workflow.getHandle(run!.workflowId).terminate('the test is over')
  })

  it('changes timing without changing whether it is paused', async () => {
    await api.call('POST', `/v1/schedules/${name}/pause`)
    const changed = await api.call('PATCH', `/v1/schedules/${name}`, {
      body: { timing: { everySeconds: 7200 } },
    })
    expect(changed).toMatchObject({
      status: 200,
      body: { paused: true, timing: { everySeconds: 7200, timeZone: 'UTC' } },
    })
    const { spec, state } = await handle().describe()
    expect(spec.intervals).toMatchObject([{ every: 7_200_000 }])
    expect(state.paused).toBe(true)
  })

  it('makes again what is missing in Temporal, and takes over a pause made there', async () => {
    const reconciler = api.app.get(ScheduleReconciler)
    await handle().delete()
    await reconciler.reconcile()
    expect((await handle().describe()).spec.intervals).toMatchObject([{ every: 7_200_000 }])
    await handle().unpause()
    await reconciler.reconcile()
    const rows = await api.database.dataSource.query('SELECT paused FROM schedules WHERE name = $1', [name])
    expect(rows).toEqual([{ paused: false }])
  })

  it('is gone from both after a delete', async () => {
    expect((await api.call('DELETE', `/v1/schedules/${name}`)).status).toBe(204)
    expect((await api.call('GET', `/v1/schedules/${name}`)).status).toBe(404)
    await expect(handle().describe()).rejects.toThrow(/not found/i)
    expect((await api.call('DELETE', `/v1/schedules/${name}`)).status).toBe(404)
  })

  it.each([
    [{ cron: '61 3 * * *' }, 'cron_invalid', 'timing.cron', /minute "61"/],
    [{ cron: '0 3 * *' }, 'cron_invalid', 'timing.cron', /4 fields/],
    [{ cron: '0 0 31 2 *' }, 'cron_invalid', 'timing.cron', /never comes/],
    [
      { cron: '0 3 * * *', timeZone: 'Europe/Berln' },
      'time_zone_invalid',
      'timing.timeZone',
      /Europe\/Berlin/,
    ],
    [{ cron: '0 3 * * *', everySeconds: 60 }, 'invalid_request', 'timing', /exactly one/],
    [{}, 'invalid_request', 'timing', /exactly one/],
    [{ everySeconds: 1 }, 'invalid_request', 'timing.everySeconds', /10/],
    [{ everySeconds: 60, overlap: 'skipp' }, 'invalid_request', 'timing.overlap', /"skip"/],
  ])('refuses timing %j', async (timing, code, at, message) => {
    const answer = await create({ name: temporal.unique('bad'), timing })
    expect(answer).toMatchObject({
      body: { code, problems: [{ at, message: expect.stringMatching(message) }] },
    })
    expect(answer.status).toBe(code === 'invalid_request' ? 400 : 422)
  })

  it('refuses a training that could never start, and keeps nothing', async () => {
    const bad = temporal.unique('bad')
    const answer = await create({ name: bad, training: { ...TRAINING, target: 'nothing' } })
    expect(answer).toMatchObject({ status: 422, body: { code: 'unknown_column' } })
    expect((await api.call('GET', `/v1/schedules/${bad}`)).status).toBe(404)
  })
})

describe('schedules of a deployment', () => {
  let temporal: TestTemporal
  let api: TestApi
  beforeAll(async () => {
    temporal = await testTemporal()
    api = await TestApi.start({ MLFORGE_TEMPORAL_ADDRESS: temporal.address })
    await seedDataset(api, 'bikes', table(10))
    const deployments = new DeploymentStore(api.database.dataSource)
    const { id } = await deployments.create('default', 'bike', 'bike', 'key:test')
    await new DriftStore(api.database.dataSource).setPolicy(id, MONTHLY)
    await deployments.setRetraining(id, RETRAINING)
    await deployments.create('default', 'bare', 'bike', 'key:test')
  })
  afterAll(async () => {
    await api.close()
    await temporal.close()
  })

  const create = (name: string, what: object, change: object = {}) =>
    api.call('POST', '/v1/schedules', {
      body: { name, ...what, timing: { everySeconds: 3600 }, ...change },
    })
  const handle = (name: string) => temporal.client.schedule.getHandle(`default/schedule/${name}`)

  it.each([
    ['retraining', 'scheduledRetraining', 'Retrain deployment bike'],
    ['driftCheck', 'scheduledDriftCheck', 'Check windows of deployment bike'],
  ])('has a %s', async (kind, workflowType, summary) => {
    const name = temporal.unique(kind.toLowerCase())
    const what = { [kind]: { deployment: 'bike' } }
    const timing = { everySeconds: 3600, overlap: 'buffer_one', catchUpSeconds: 60, pauseOnFailure: true }
    const created = await create(name, what, { timing })
    expect(created).toMatchObject({ status: 201, body: { name, ...what, timing } })
    expect((created.body as ScheduleBody).training).toBeUndefined()
    const { action, policies } = await handle(name).describe()
    expect(action).toMatchObject({
      workflowType,
      args: [{ project: 'default', schedule: name }],
      staticSummary: `${summary}, by schedule ${name}`,
    })
    expect(policies).toMatchObject({ overlap: 'BUFFER_ONE', catchupWindow: 60_000, pauseOnFailure: true })

    const patch = (body: object) => api.call('PATCH', `/v1/schedules/${name}`, { body })
    expect(await patch({ note: 'n' })).toMatchObject({ status: 200, body: what })
    expect(await patch({ training: TRAINING })).toMatchObject({
      status: 400,
      body: {
        problems: [{ at: 'training', message: expect.stringContaining(`has a ${kind}, and keeps it`) }],
      },
    })
    expect(await patch({ [kind]: { deployment: 'bare' } })).toMatchObject({ status: 409 })
    expect((await api.call('DELETE', `/v1/schedules/${name}`)).status).toBe(204)
  })

  it('has a pipeline, with parameters that its newest version takes', async () => {
    const [pipeline, name] = [temporal.unique('pipe'), temporal.unique('nightly')]
    const parameters = { n: { type: 'integer' } }
    const steps = { check: { uses: 'compare', with: { candidate: '${{ parameters.n }}', reference: 1 } } }
    await api.call('POST', '/v1/pipelines', { body: { pipelines: { [pipeline]: { parameters, steps } } } })
    const what = { pipeline: { name: pipeline, parameters: { n: 1 } } }
    expect(await create(name, { pipeline: { name: pipeline } })).toMatchObject({
      status: 400,
      body: { problems: [{ at: 'pipeline.parameters.n' }] },
    })
    expect(await create(name, { pipeline: { name: 'none' } })).toMatchObject({ status: 404 })
    expect(await create(name, what)).toMatchObject({
      status: 201,
      body: { name, pipeline: { ...what.pipeline, onNoNewData: 'skip' } },
    })
    expect(await create('other', { pipeline: { ...what.pipeline, onNoNewData: 'never' } })).toMatchObject({
      status: 400,
      body: { problems: [{ at: 'pipeline.onNoNewData' }] },
    })
    expect(await api.call('GET', `/v1/schedules/${name}/ticks`)).toMatchObject({
      status: 200,
      body: { items: [] },
    })
    expect(await api.call('GET', '/v1/schedules/none/ticks')).toMatchObject({ status: 404 })
    const { action } = await handle(name).describe()
    expect(action).toMatchObject({
      workflowType: 'scheduledPipeline',
      args: [{ project: 'default', schedule: name }],
      staticSummary: `Run pipeline ${pipeline}, by schedule ${name}`,
    })
    expect((await api.call('DELETE', `/v1/schedules/${name}`)).status).toBe(204)
  })

  it.each([
    [
      {},
      400,
      'invalid_request',
      /training: needs exactly one of training, retraining, driftCheck and pipeline/,
    ],
    [
      { retraining: { deployment: 'bike' }, driftCheck: { deployment: 'bike' } },
      400,
      'invalid_request',
      /driftCheck: needs exactly one/,
    ],
    [{ retraining: { deployment: 'none' } }, 404, 'not_found', /no deployment "none"/],
    [{ driftCheck: { deployment: 'none' } }, 404, 'not_found', /no deployment "none"/],
    [{ retraining: { deployment: 'bare' } }, 409, 'wrong_state', /PUT \/v1\/deployments\/bare\/retraining/],
    [{ driftCheck: { deployment: 'bare' } }, 409, 'wrong_state', /PUT \/v1\/deployments\/bare\/monitoring/],
    [{ driftCheck: { model: 'bike' } }, 400, 'invalid_request', /driftCheck/],
  ])('is refused as %j', async (what, status, code, message) => {
    const name = temporal.unique('bad')
    expect(await create(name, what)).toMatchObject({
      status,
      body: { code, detail: expect.stringMatching(message) },
    })
    expect((await api.call('GET', `/v1/schedules/${name}`)).status).toBe(404)
  })

  describe('backfill', () => {
    let name: string
    const HOUR = 3_600_000
    const end = Math.floor(Date.now() / HOUR) * HOUR
    const hour = (back: number) => new Date(end - back * HOUR).toISOString()
    beforeAll(async () => {
      name = temporal.unique('hourly')
      await create(name, { driftCheck: { deployment: 'bike' } }, { paused: true })
    })
    afterAll(async () => {
      const { recentActions } = (await handle(name).describe()).info
      await api.call('DELETE', `/v1/schedules/${name}`)
      for (const { action } of recentActions) {
        await temporal.client.workflow.getHandle(action.workflow.workflowId).terminate('the test is over')
      }
    })

    const backfill = (body: object, key?: string) =>
      api.call('POST', `/v1/schedules/${name}/backfill`, {
        body,
        ...(key === undefined ? {} : { headers: { 'Idempotency-Key': key } }),
      })
    const started = async () =>
      (await handle(name).describe()).info.recentActions.map(({ scheduledAt }) => scheduledAt.toISOString())

    it('runs the ticks of a range, its ends included, once for a key, although the schedule is paused', async () => {
      const range = { from: hour(4), to: hour(2), overlap: 'allow_all' }
      const ticks = [hour(4), hour(3), hour(2)]
      expect(await backfill(range, 'one')).toMatchObject({
        status: 202,
        body: { schedule: name, overlap: 'allow_all', ticks },
      })
      await eventually(async () => expect(await started()).toEqual(ticks))
      expect((await backfill(range, 'one')).status).toBe(202)
      // One more, so that it is seen that nothing came before it.
      expect((await backfill({ ...range, from: hour(1), to: hour(1) }, 'two')).status).toBe(202)
      await eventually(async () => expect(await started()).toEqual([...ticks, hour(1)]))
    })

    it('runs one after the other where nothing else is said', async () => {
      const answer = await backfill({ from: hour(9), to: hour(8) })
      expect(answer).toMatchObject({
        status: 202,
        body: { overlap: 'buffer_all', ticks: [hour(9), hour(8)] },
      })
    })

    it.each([
      [{ from: hour(1), to: hour(2) }, 'to', /not be before from/],
      [{ from: hour(1), to: hour(-24) }, 'to', /in the future/],
      [{ from: hour(200), to: hour(1) }, 'to', /At most 100 ticks .* this range has more/],
      [{ from: '0001-01-01T00:00:00Z', to: hour(1) }, 'to', /At most 100 ticks/],
      [
        { from: new Date(end - HOUR + 1).toISOString(), to: new Date(end - 1).toISOString() },
        'from',
        /has no tick/,
      ],
      [{ from: 'yesterday', to: hour(1) }, 'from', /ISO 8601/],
      [{ from: hour(2), to: hour(1), overlap: 'skip' }, 'overlap', /buffer_all, allow_all/],
    ])('is refused as %j', async (body, at, message) => {
      expect(await backfill(body)).toMatchObject({
        status: 400,
        body: { code: 'invalid_request', problems: [{ at, message: expect.stringMatching(message) }] },
      })
    })

    it('is of a schedule that is there', async () => {
      const answer = await api.call('POST', '/v1/schedules/none/backfill', {
        body: { from: hour(2), to: hour(1) },
      })
      expect(answer).toMatchObject({ status: 404, body: { code: 'not_found' } })
    })
  })
})

describe('schedules while Temporal is away', () => {
  it('keeps a new one until Temporal is back, and refuses verbs with 503', async () => {
    const temporal = await testTemporal()
    const api = await TestApi.start()
    const name = temporal.unique('later')
    try {
      await seedDataset(api, 'bikes', table(10))
      const body = { name, training: TRAINING, timing: { everySeconds: 3600 }, paused: true }
      expect(await api.call('POST', '/v1/schedules', { body })).toMatchObject({
        status: 201,
        body: { paused: true, nextRuns: null, recentRuns: null },
      })
      for (const verb of ['pause', 'resume', 'trigger']) {
        const answer = await api.call('POST', `/v1/schedules/${name}/${verb}`)
        expect(answer).toMatchObject({ status: 503, body: { code: 'unavailable' } })
        expect(answer.headers.get('retry-after')).not.toBeNull()
      }
      expect((await api.call('DELETE', `/v1/schedules/${name}`)).status).toBe(503)
      expect((await api.call('GET', `/v1/schedules/${name}`)).status).toBe(200)
      const back = await api.restart({ MLFORGE_TEMPORAL_ADDRESS: temporal.address })
      try {
        await eventually(async () => {
          const { state } = await temporal.client.schedule.getHandle(`default/schedule/${name}`).describe()
          expect(state.paused).toBe(true)
        })
        expect((await back.call('DELETE', `/v1/schedules/${name}`)).status).toBe(204)
      } finally {
        await back.stop()
      }
    } finally {
      await api.close()
      await temporal.close()
    }
  })
})
