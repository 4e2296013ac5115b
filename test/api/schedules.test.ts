import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { ScheduleReconciler } from '../../api/schedules/schedule-reconciler.js'
import { eventually } from '../support/eventually.js'
import { type TestTemporal, testTemporal } from '../support/temporal.js'
import { TestApi } from './support/api.js'
import { seedDataset, table, TRAINING } from './support/seed.js'

interface ScheduleBody {
  name: string
  paused: boolean
  note: string | null
  nextRuns: string[] | null
  recentRuns: { workflowId: string }[] | null
}

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
    const { nextRuns } = answer.body as ScheduleBody
    expect(nextRuns!.length).toBeGreaterThan(3)
    for (const time of nextRuns!) {
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
