import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { writeSequence } from '../../domain/runs/run-status.js'
import { OutboxStore } from '../../stores/postgres/outbox-store.js'
import { RunStore } from '../../stores/postgres/run-store.js'
import { TestApi } from './support/api.js'
import { eventsOf, type ServerEvent } from './support/events.js'
import { seedDataset, table, TRAINING } from './support/seed.js'

interface RunBody {
  id: string
  status: string
  links: { self: string; events: string }
}

const named = (name: string) => (event: ServerEvent) => event.event === name

describe('runs while Temporal is away', () => {
  let api: TestApi
  let runs: RunStore
  beforeAll(async () => {
    api = await TestApi.start()
    runs = new RunStore(api.database.dataSource)
    await seedDataset(api, 'bikes', table(10))
  })
  afterAll(() => api.close())

  const start = async (key?: string, change: object = {}) =>
    api.call('POST', '/v1/trainings', {
      body: { ...TRAINING, ...change },
      ...(key === undefined ? {} : { headers: { 'idempotency-key': key } }),
    })
  const owed = async (id: string) => {
    const found: string[] = []
    await new OutboxStore(api.database.dataSource).relay(100, ({ run }) => {
      found.push(run.id)
      return Promise.reject(new Error('only looking'))
    })
    return found.includes(id)
  }

  it('accepts a training with its complete specification, and owes its start', async () => {
    const answer = await start()
    const run = answer.body as RunBody
    expect(answer).toMatchObject({
      status: 202,
      body: {
        status: 'accepted',
        model: 'rides',
        spec: { dataset: { name: 'bikes', version: 1 }, rounds: 10, features: ['hour', 'temp'] },
        workflow: { workflowId: `default/training/rides/${run.id}`, webUrl: null },
        live: null,
        version: null,
      },
    })
    expect(answer.headers.get('location')).toBe(`/v1/trainings/${run.id}`)
    expect((await api.call('GET', `/v1/trainings/${run.id}`)).body).toEqual(answer.body)
    expect((await api.call('GET', `/v1/operations/${run.id}`)).body).toMatchObject({ kind: 'training' })
    expect(await owed(run.id)).toBe(true)
  })

  it.each(['1', 'latest', 'main', '{2100-01-01}'])('pins the version that %s selects', async version => {
    const code = { commit: 'abc123', dirty: true }
    const answer = await start(undefined, { dataset: { name: 'bikes', version }, code })
    expect(answer).toMatchObject({
      status: 202,
      body: { spec: { dataset: { name: 'bikes', version: 1 }, code } },
    })
  })

  it('accepts a dataset commit, and finds it under its dataset only', async () => {
    const upload = await api.call('POST', '/v1/uploads', {
      body: table(3),
      headers: { 'content-type': 'text/csv' },
    })
    const { id } = upload.body as { id: string }
    const body = { upload: id, expectations: [{ kind: 'range', column: 'cnt', min: 0 }] }
    const answer = await api.call('POST', '/v1/datasets/other/versions', { body })
    const run = answer.body as RunBody
    expect(answer).toMatchObject({
      status: 202,
      body: { dataset: 'other', status: 'accepted', created: null },
    })
    expect(answer.headers.get('location')).toBe(`/v1/datasets/other/commits/${run.id}`)
    expect((await api.call('GET', run.links.self)).status).toBe(200)
    expect((await api.call('GET', `/v1/datasets/bikes/commits/${run.id}`)).status).toBe(404)
    expect((await api.call('GET', `/v1/trainings/${run.id}`)).status).toBe(404)
  })

  it('refuses a commit that names what is not there', async () => {
    const upload = await api.call('POST', '/v1/uploads', {
      body: table(3),
      headers: { 'content-type': 'text/csv' },
    })
    const { id } = upload.body as { id: string }
    const commit = (body: object, name = 'new') => api.call('POST', `/v1/datasets/${name}/versions`, { body })
    expect(await commit({ upload: '01a20974-b37c-74dc-9d83-239f755329f3' })).toMatchObject({ status: 404 })
    expect(await commit({ upload: id, columns: { dya: { type: 'date' } } })).toMatchObject({
      status: 422,
      body: { code: 'unknown_column', problems: [{ message: expect.stringMatching(/"day"/) }] },
    })
    expect(await commit({ upload: id, columns: { day: { type: 'dat' } } })).toMatchObject({
      status: 400,
      body: { problems: [{ at: 'columns.day.type', message: expect.stringMatching(/"date"/) }] },
    })
    expect(
      await commit({ upload: id, expectations: [{ kind: 'range', column: 'cn', min: 0 }] }),
    ).toMatchObject({
      status: 422,
      body: { code: 'unknown_column', problems: [{ at: 'expectations[0].column' }] },
    })
    expect(await commit({ upload: id, expectations: [{ kind: 'range', column: 'cnt' }] })).toMatchObject({
      status: 400,
      body: { problems: [{ at: 'expectations[0]' }] },
    })
    expect(await commit({ upload: id }, 'Bad%20Name')).toMatchObject({
      status: 400,
      body: { code: 'invalid_request' },
    })
  })

  it('gives the same run for the same Idempotency-Key and body, whatever their order, also at once', async () => {
    const answers = await Promise.all(Array.from({ length: 5 }, () => start('once')))
    const ids = new Set(answers.map(answer => (answer.body as RunBody).id))
    expect(answers.map(answer => answer.status)).toEqual([202, 202, 202, 202, 202])
    expect(ids.size).toBe(1)
    const reordered = await api.call('POST', '/v1/trainings', {
      body: Object.fromEntries(Object.entries(TRAINING).reverse()),
      headers: { 'idempotency-key': 'once' },
    })
    expect([...ids]).toEqual([(reordered.body as RunBody).id])
  })

  it('refuses the key with another body, and keys that are none; another route or principal is another key', async () => {
    const first = (await start('k')).body as RunBody
    const reused = await start('k', { rounds: 20 })
    expect(reused).toMatchObject({ status: 409, body: { code: 'idempotency_key_reused', runId: first.id } })
    expect(await start('with space')).toMatchObject({ status: 400, body: { code: 'invalid_request' } })
    const other = await api.call('POST', '/v1/trainings', {
      key: 'mlf_admin',
      body: { ...TRAINING, rounds: 20 },
      headers: { 'idempotency-key': 'k' },
    })
    expect(other.status).toBe(202)
    expect((other.body as RunBody).id).not.toBe(first.id)
  })

  it('cancels what has not started, so that it never does, and can retry it', async () => {
    const { id } = (await start()).body as RunBody
    const cancelled = await api.call('POST', `/v1/trainings/${id}/cancel`)
    expect(cancelled).toMatchObject({
      status: 202,
      body: { status: 'cancelled', error: { code: 'cancelled' } },
    })
    expect(await owed(id)).toBe(false)
    const again = await api.call('POST', `/v1/operations/${id}/cancel`)
    expect(again).toMatchObject({ status: 409, body: { code: 'wrong_state' } })
    expect(await api.call('POST', `/v1/trainings/${id}/retry`)).toMatchObject({
      status: 202,
      body: { status: 'accepted', attempt: 2 },
    })
    expect(await owed(id)).toBe(true)
    expect(await api.call('POST', `/v1/trainings/${id}/retry`)).toMatchObject({
      status: 409,
      body: { code: 'wrong_state' },
    })
  })

  it('cannot steer what runs: 503 and when to try again', async () => {
    const { id } = (await start()).body as RunBody
    await runs.update(id, writeSequence(1, 1), { status: 'running', stage: 'train', executionId: 'exec' })
    const cancel = await api.call('POST', `/v1/trainings/${id}/cancel`)
    expect(cancel).toMatchObject({ status: 503, body: { code: 'unavailable' } })
    expect(Number(cancel.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(await api.call('GET', `/v1/operations/${id}/history`)).toMatchObject({ status: 503 })
    const seen = await api.call('GET', `/v1/trainings/${id}`)
    const path = encodeURIComponent(`default/training/rides/${id}`)
    expect(seen).toMatchObject({
      status: 200,
      body: {
        status: 'running',
        live: null,
        workflow: {
          webUrl: `http://web.example/namespaces/default/workflows/${path}/exec/timeline`,
          webUntil: null,
        },
      },
    })
  })

  it('streams changes until the end, and takes a broken stream up where it was', async () => {
    const { id, links } = (await start()).body as RunBody
    const first = await eventsOf(api, links.events, named('state'))
    expect(first).toMatchObject([{ id: '1000', event: 'state', data: { status: 'accepted' } }])
    const rest = eventsOf(api, links.events, named('end'), '1000')
    await runs.update(id, writeSequence(1, 1), { status: 'running', stage: 'train' })
    await wait(0)
    await runs.update(id, writeSequence(1, 'closing'), {
      status: 'succeeded',
      stage: 'done',
      result: { version: 3 },
    })
    const seen = await rest
    expect(seen.every(each => each.id !== '1000')).toBe(true)
    expect(seen.at(-2)).toMatchObject({
      data: { status: 'succeeded', links: { result: '/v1/models/rides/versions/3' } },
    })
    expect(seen.at(-1)).toMatchObject({ event: 'end', data: { status: 'succeeded' } })
    const last = seen.at(-2)!.id!
    const response = await fetch(api.url + links.events, {
      headers: { authorization: 'Bearer mlf_viewer', 'last-event-id': last },
    })
    expect(response.status).toBe(204)
  })
})
