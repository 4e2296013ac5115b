import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { SensorReconciler } from '../../api/sensors/sensor-reconciler.js'
import type { Sensor, SensorTick } from '../../contracts/rest/sensors.js'
import { eventually } from '../support/eventually.js'
import { Harness } from '../support/harness.js'
import { SensorBench } from '../support/sensor-bench.js'
import { type Answer, TestApi } from './support/api.js'
import { problemsOf } from './support/pipeline-calls.js'

const HOOK = { webhook: {} }

describe('sensors', () => {
  let harness: Harness
  let bench: SensorBench
  let api: TestApi
  beforeAll(async () => {
    harness = await Harness.start({
      queues: ['workflows', 'io', 'watch'],
      relay: false,
      env: { MLFORGE_ROLLOUTS_LOOK_EVERY_SECONDS: '0.05' },
    })
    bench = new SensorBench(harness)
    await bench.apply('any')
    await bench.apply('other')
    api = await TestApi.beside(harness)
  })
  afterAll(async () => {
    await api.stop()
    await harness.stop()
  })

  const create = (name: string, change: object = {}) =>
    api.call('POST', '/v1/sensors', {
      body: {
        name,
        source: HOOK,
        pipeline: { name: 'any', parameters: { what: '${{ tick.day }}', count: '${{ tick.rows }}' } },
        intervalSeconds: 3600,
        ...change,
      },
    })
  const send = (name: string, key: string, body: unknown) =>
    api.call('POST', `/v1/sensors/${name}/events`, { body, headers: { 'idempotency-key': key } })
  const get = async (name: string): Promise<Sensor> => (await api.call('GET', `/v1/sensors/${name}`)).body
  const ticks = async (name: string): Promise<SensorTick[]> =>
    ((await api.call('GET', `/v1/sensors/${name}/ticks`)).body as { items: SensorTick[] }).items
  const untilTicks = (name: string, count: number) =>
    eventually(async () => {
      const found = await ticks(name)
      expect(found).toHaveLength(count)
      return found
    })
  const untilState = (name: string, state: Sensor['state']) =>
    eventually(async () => {
      const found = await get(name)
      expect(found.state).toBe(state)
      return found
    })
  const verb = (name: string, what: string, body: object = {}): Promise<Answer> =>
    api.call('POST', `/v1/sensors/${name}/${what}`, { body })

  it('are created, shown, and once for each name', async () => {
    const answer = await create('shown', { note: 'by the test' })
    expect(answer).toMatchObject({
      status: 201,
      body: {
        name: 'shown',
        source: { webhook: {} },
        pipeline: { name: 'any', parameters: { what: '${{ tick.day }}' } },
        intervalSeconds: 3600,
        maxOpenRuns: 1,
        paused: false,
        note: 'by the test',
        incarnation: 1,
        cursor: { event: 0 },
        openRuns: 0,
        ticks: { started: 0, skipped: 0, refused: 0 },
        webUrl: expect.stringMatching(/\/workflows\/default%2Fsensor%2Fshown$/),
      },
    })
    expect(answer.headers.get('location')).toBe('/v1/sensors/shown')
    expect(await untilState('shown', 'watching')).toMatchObject({ lookedAt: expect.any(String) })
    expect(await create('shown')).toMatchObject({ status: 409, body: { code: 'already_exists' } })
    const { items } = (await api.call('GET', '/v1/sensors?limit=1')).body as { items: Sensor[] }
    expect(items).toMatchObject([{ name: 'shown' }])
    expect((await api.call('DELETE', '/v1/sensors/shown')).status).toBe(204)
    expect((await api.call('GET', '/v1/sensors/shown')).status).toBe(404)
    await bench.handle('shown').result()
    expect((await create('shown')).status).toBe(201)
  })

  it('need an operator to be steered, and a viewer to be seen', async () => {
    const viewer = { key: 'mlf_viewer' }
    for (const path of ['', '/shown/pause', '/shown/resume', '/shown/reset', '/shown/events']) {
      expect(await api.call('POST', `/v1/sensors${path}`, viewer)).toMatchObject({ status: 403 })
    }
    expect(await api.call('GET', '/v1/sensors', viewer)).toMatchObject({ status: 200 })
  })

  it('keep what is sent, start one run for it, and refuse another body under its key', async () => {
    await create('orders')
    const first = await send('orders', 'day-1', { day: 'mon', rows: 3 })
    expect(first).toMatchObject({ status: 202, body: { key: 'day-1', number: 1, replayed: false } })
    expect(await send('orders', 'day-1', { rows: 3, day: 'mon' })).toMatchObject({
      status: 202,
      body: { number: 1, replayed: true },
    })
    expect(await send('orders', 'day-1', { day: 'tue' })).toMatchObject({
      status: 409,
      body: { code: 'idempotency_key_reused' },
    })
    const [tick] = await untilTicks('orders', 1)
    expect(tick).toMatchObject({ key: 'day-1', outcome: 'started', payload: { day: 'mon', rows: 3 } })
    const run = await api.call('GET', `/v1/operations/${tick!.runId}`)
    expect(run).toMatchObject({ status: 200, body: { trigger: 'sensor', principal: 'sensor:orders' } })
    expect(await harness.row({ id: tick!.runId! })).toMatchObject({
      request: { parameters: { what: 'mon', count: 3 } },
    })
    expect(await untilState('orders', 'full')).toMatchObject({ openRuns: 1, ticks: { started: 1 } })
    expect(await api.call('POST', '/v1/sensors/orders/events', { body: {} })).toMatchObject({
      status: 400,
      body: { problems: [{ at: 'header Idempotency-Key' }] },
    })
  })

  it('record what does not fit the pipeline as refused, and go on', async () => {
    await create('unfit')
    await send('unfit', 'text', { day: 1, rows: 'many' })
    await send('unfit', 'lacks', { day: 1 })
    await send('unfit', 'fits', { day: 1, rows: 1 })
    const [fits, lacks, text] = await untilTicks('unfit', 3)
    expect(text).toMatchObject({ outcome: 'refused', runId: null, problems: [{ at: 'parameters.count' }] })
    expect(lacks).toMatchObject({
      outcome: 'refused',
      reason: expect.stringContaining('has nothing at rows'),
    })
    expect(fits).toMatchObject({ outcome: 'started', reason: null })
  })

  it('refuse each tick of a pipeline that was deleted', async () => {
    await bench.apply('short-lived')
    await create('orphan', { pipeline: { name: 'short-lived' } })
    await api.call('DELETE', '/v1/pipelines/short-lived')
    await send('orphan', '1', null)
    expect(await untilTicks('orphan', 1)).toMatchObject([
      { outcome: 'refused', reason: expect.stringContaining('was deleted') },
    ])
  })

  it('look no more while they are paused, and see what came meanwhile when they are resumed', async () => {
    await create('paused')
    expect(await verb('paused', 'pause', { note: 'holidays' })).toMatchObject({
      status: 200,
      body: { paused: true, state: 'paused', note: 'holidays', nextLookAt: null },
    })
    await bench.handle('paused').result()
    await send('paused', '1', { day: 'x', rows: 1 })
    expect(await ticks('paused')).toEqual([])
    expect(await verb('paused', 'resume')).toMatchObject({ status: 200, body: { paused: false } })
    await untilTicks('paused', 1)
  })

  it('go on where they are with another interval, and begin anew with another source or a reset', async () => {
    await create('changed', { maxOpenRuns: 10 })
    await send('changed', '1', { day: 'x', rows: 1 })
    await untilTicks('changed', 1)
    const patch = (body: object) => api.call('PATCH', '/v1/sensors/changed', { body })
    expect(await patch({ intervalSeconds: 1800, pipeline: { name: 'other' } })).toMatchObject({
      status: 200,
      body: { intervalSeconds: 1800, incarnation: 1, cursor: { event: 1 }, revision: 2 },
    })
    await send('changed', '2', null)
    const [second] = await untilTicks('changed', 2)
    expect(await harness.row({ id: second!.runId! })).toMatchObject({ name: 'other' })
    expect(await verb('changed', 'reset', { from: 'beginning', reason: 'once more' })).toMatchObject({
      status: 200,
      body: { incarnation: 2, cursor: { event: 0 }, note: 'once more' },
    })
    const again = await untilTicks('changed', 4)
    expect(again.slice(0, 2)).toMatchObject([
      { key: '2', incarnation: 2 },
      { key: '1', incarnation: 2 },
    ])
    expect(new Set(again.map(({ runId }) => runId)).size).toBe(4)
    expect(await patch({ source: { dataset: { name: 'bikes' } } })).toMatchObject({
      status: 200,
      body: { incarnation: 3, cursor: null, source: { dataset: { name: 'bikes' } } },
    })
    expect(await untilState('changed', 'failing')).toMatchObject({
      lastError: { code: 'not_found', message: expect.stringContaining('bikes') },
    })
    expect((await verb('changed', 'reset', { from: 'latest' })).status).toBe(400)
  })

  it('are started again by the reconciler, unless they are paused', async () => {
    await create('lost')
    await create('left', { paused: true })
    await untilState('lost', 'watching')
    await bench.handle('lost').terminate('by mistake')
    await api.app.get(SensorReconciler).reconcile()
    await eventually(async () => expect((await bench.live('lost')).stage).toBe('wait'))
    await expect(bench.handle('left').describe()).rejects.toThrow(/not found/i)
    await send('lost', '1', { day: 'x', rows: 1 })
    await untilTicks('lost', 1)
  })

  it('say all that is wrong at once', async () => {
    const wrong = await create('Wrong', {
      intervalSeconds: 0,
      source: { webhok: {} },
      pipeline: { name: 'any' },
    })
    expect(wrong.status).toBe(400)
    expect(problemsOf(wrong).map(({ at }) => at)).toEqual(
      expect.arrayContaining(['name', 'intervalSeconds', 'source.webhok']),
    )
    expect(problemsOf(wrong).find(({ at }) => at === 'source.webhok')!.message).toContain('"webhook"')
    const parameters = { what: '${{ tick.pth }}', coun: 1 }
    const unfit = await create('unfit-2', {
      source: { directory: { path: '../out' } },
      pipeline: { name: 'any', parameters },
    })
    expect(problemsOf(unfit)).toMatchObject([
      { at: 'source.directory.path' },
      { at: 'pipeline.parameters.coun', message: expect.stringContaining('"count"') },
      { at: 'pipeline.parameters.what', message: expect.stringContaining('"path"') },
    ])
  })

  it.each([
    ['none', {}, 'source'],
    ['two', { webhook: {}, dataset: { name: 'x' } }, 'source.webhook'],
    ['no limit', { metric: { model: 'm', metric: 'rmse' } }, 'source.metric'],
    ['two limits', { metric: { model: 'm', metric: 'rmse', above: 1, below: 2 } }, 'source.metric'],
    ['an unknown figure', { metric: { model: 'm', metric: 'rsme', above: 1 } }, 'source.metric.metric'],
    ['itself', { pipeline: { name: 'any' } }, 'source.pipeline.name'],
    ['what MLForge writes', { objects: { prefix: 'sha256/' } }, 'source.objects.prefix'],
    ['more than nothing', { webhook: { secret: 'x' } }, 'source.webhook.secret'],
  ])('refuse a source that is %s', async (_what, source, at) => {
    const answer = await create('refused', { source, pipeline: { name: 'any' } })
    expect(answer.status).toBe(400)
    expect(problemsOf(answer).map(problem => problem.at)).toContain(at)
  })

  it('refuse events that cannot be kept, or that are for another source', async () => {
    await create('strict')
    expect(await send('strict', 'nul', { text: 'a\u0000b' })).toMatchObject({ status: 400 })
    expect(await send('strict', 'large', { text: 'x'.repeat(40_000) })).toMatchObject({ status: 413 })
    const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`
    const nested = await api.call('POST', '/v1/sensors/strict/events', {
      body: deep,
      headers: { 'idempotency-key': 'deep', 'content-type': 'application/json' },
    })
    expect(nested).toMatchObject({ status: 400 })
    await create('table', { source: { dataset: { name: 'x' } }, pipeline: { name: 'any' } })
    expect(await send('table', '1', {})).toMatchObject({ status: 409, body: { code: 'wrong_state' } })
    expect(await send('nobody', '1', {})).toMatchObject({ status: 404 })
  })
})

describe('sensors while Temporal is away', () => {
  let api: TestApi
  beforeAll(async () => {
    api = await TestApi.start()
    const body = { pipelines: { any: { steps: { ask: { uses: 'wait', with: { event: true } } } } } }
    await api.call('POST', '/v1/pipelines', { body, key: 'mlf_admin' })
  })
  afterAll(() => api.close())

  it('are created, changed and deleted, and keep what is sent', async () => {
    const body = { name: 'hook', source: HOOK, pipeline: { name: 'any' } }
    expect(await api.call('POST', '/v1/sensors', { body })).toMatchObject({
      status: 201,
      body: { state: 'waiting_for_worker' },
    })
    const sent = await api.call('POST', '/v1/sensors/hook/events', {
      body: { n: 1 },
      headers: { 'idempotency-key': 'one' },
    })
    expect(sent).toMatchObject({ status: 202, body: { number: 1 } })
    expect(await api.database.dataSource.query('SELECT key, payload FROM sensor_events')).toEqual([
      { key: 'one', payload: { n: 1 } },
    ])
    const patched = await api.call('PATCH', '/v1/sensors/hook', { body: { intervalSeconds: 5 } })
    expect(patched).toMatchObject({ status: 200, body: { intervalSeconds: 5 } })
    expect((await api.call('DELETE', '/v1/sensors/hook')).status).toBe(204)
  })
})
