import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { PipelineRun } from '../../contracts/rest/pipeline-runs.js'
import type { Pool, PoolClaim } from '../../contracts/rest/pools.js'
import type { Schedule } from '../../contracts/rest/schedules.js'
import { eventually } from '../support/eventually.js'
import { Harness } from '../support/harness.js'
import { held } from '../support/pipeline-runs.js'
import { type Answer, TestApi } from './support/api.js'
import { pipelineCalls, problemsOf } from './support/pipeline-calls.js'

describe('pools and limits', () => {
  let harness: Harness
  let api: TestApi
  beforeAll(async () => {
    harness = await Harness.start()
    api = await TestApi.beside(harness)
  })
  afterAll(async () => {
    await api.stop()
    await harness.stop()
  })

  const { apply, post, start, get, ended, verb } = pipelineCalls(() => api)
  const put = (name: string, body: unknown, key = 'mlf_operator') =>
    api.call('PUT', `/v1/pools/${encodeURIComponent(name)}`, { body, key })
  const pool = async (name: string) =>
    (await api.call('GET', `/v1/pools/${name}`, { key: 'mlf_viewer' })).body as Pool
  const claims = async (name: string, query = '') =>
    (await api.call('GET', `/v1/pools/${name}/claims${query}`, { key: 'mlf_viewer' })).body as {
      items: PoolClaim[]
      nextCursor?: string
    }
  const works = (id: string) =>
    eventually(async () => expect((await get(id)).steps[0]!.state).toBe('running'))
  const seen = (id: string, expected: object) =>
    eventually(async () => expect(await get(id)).toMatchObject(expected))
  const release = (id: string) =>
    eventually(async () => expect(await verb(id, 'steps/work/release', {})).toMatchObject({ status: 200 }))

  it('are made, changed, listed and deleted', async () => {
    expect(await put('gpu', { slots: 2, description: 'cards of this machine' })).toMatchObject({
      status: 200,
      body: { name: 'gpu', slots: 2, description: 'cards of this machine', held: 0, queued: 0 },
    })
    expect(await put('gpu', { slots: 1 })).toMatchObject({ body: { slots: 1, description: null } })
    await put('licences', { slots: 0 })
    const first = await api.call('GET', '/v1/pools?limit=1')
    const { items, nextCursor } = first.body as { items: Pool[]; nextCursor?: string }
    const second = await api.call('GET', `/v1/pools?limit=1&cursor=${nextCursor}`)
    expect([...items, ...(second.body as { items: Pool[] }).items].map(({ name }) => name)).toEqual([
      'licences',
      'gpu',
    ])
    expect(await api.call('DELETE', '/v1/pools/licences')).toMatchObject({ status: 204 })
    expect(await api.call('DELETE', '/v1/pools/gpus')).toMatchObject({
      status: 404,
      body: { code: 'not_found', detail: expect.stringContaining('Did you mean "gpu"?') },
    })
  })

  it.each<[string, unknown, string[]]>([
    ['gpu', {}, ['slots']],
    ['gpu', { slots: -1 }, ['slots']],
    ['gpu', { slots: 1.5, description: '', more: 1 }, ['more', 'slots', 'description']],
    ['gpu', { slots: '2' }, ['slots']],
    ['gpu', { slots: 10_001 }, ['slots']],
    ['GPU/1', { slots: 1 }, ['path {name}']],
  ])('refuse what no pool can be: %s %j', async (name, body, at) => {
    const answer = await put(name, body)
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_request' } })
    expect(new Set(problemsOf(answer).map(problem => problem.at))).toEqual(new Set(at))
  })

  it('are changed by operators only, and tell bad queries', async () => {
    expect((await put('gpu', { slots: 1 }, 'mlf_viewer')).status).toBe(403)
    for (const query of ['?limit=0', '?cursor=nonsense', '?state=lost']) {
      expect(await api.call('GET', `/v1/pools/gpu/claims${query}`)).toMatchObject({ status: 400 })
    }
    expect((await api.call('GET', '/v1/pools/none/claims')).status).toBe(404)
  })

  it('show who has slots and who waits for them, and where each stands', async () => {
    await put('shown', { slots: 1 })
    const first = await start('shown', { steps: { work: held({ pool: 'shown' }) } })
    await works(first.id)
    const second = (await post('shown')).body as PipelineRun
    const queued = { pool: 'shown', slots: 1, position: 1 }
    await seen(second.id, { queued: null, steps: [{ state: 'waiting', startedAt: null, queued }] })
    const urgent = (await post('shown', { priority: 1 })).body as PipelineRun
    expect(urgent.priority).toBe(1)
    await seen(second.id, { steps: [{ queued: { position: 2 } }] })
    expect(await pool('shown')).toMatchObject({ slots: 1, held: 1, queued: 2 })
    expect((await claims('shown')).items).toMatchObject([
      { state: 'queued', run: urgent.id, step: 'work', priority: 1, position: 1, grantedAt: null },
      { state: 'queued', run: second.id, priority: 3, position: 2, parked: false },
      { state: 'held', run: first.id, position: null, grantedAt: expect.any(String) },
    ])
    expect((await claims('shown', '?state=held')).items).toMatchObject([{ run: first.id }])
    const page = await claims('shown', '?limit=2')
    expect((await claims('shown', `?limit=2&cursor=${page.nextCursor}`)).items).toMatchObject([
      { run: first.id },
    ])
    expect(await api.call('DELETE', '/v1/pools/shown')).toMatchObject({
      status: 409,
      body: { code: 'pool_in_use', runs: expect.arrayContaining([first.id, second.id, urgent.id]) },
    })
    await put('shown', { slots: 3 })
    for (const { id } of [urgent, second]) await works(id)
    for (const { id } of [first, urgent, second]) {
      await release(id)
      await ended(id, 'succeeded')
    }
    expect(await api.call('DELETE', '/v1/pools/shown')).toMatchObject({
      status: 409,
      body: { code: 'pool_in_use', pipelines: ['shown'] },
    })
    await api.call('DELETE', '/v1/pipelines/shown')
    const undo = { uses: 'compare', with: { candidate: 1, reference: 1 }, pool: 'shown' }
    await apply('undoing', { steps: { work: { ...undo, pool: undefined, compensate: undo } } })
    expect(await api.call('DELETE', '/v1/pools/shown')).toMatchObject({
      status: 409,
      body: { code: 'pool_in_use', pipelines: ['undoing'] },
    })
    await api.call('DELETE', '/v1/pipelines/undoing')
    expect((await api.call('DELETE', '/v1/pools/shown')).status).toBe(204)
  })

  it('queue the runs of a pipeline beyond its limit, and show the place of each', async () => {
    const first = await start('one', { concurrency: { limit: 1 }, steps: { work: held() } })
    await works(first.id)
    const second = (await post('one')).body as PipelineRun
    expect(second).toMatchObject({ queued: { position: 1 } })
    await seen(second.id, { status: 'running', stage: 'queued', queued: { position: 1 } })
    expect((await verb(second.id, 'pause')).status).toBe(200)
    await seen(second.id, { live: { paused: { by: 'key:operator' } } })
    expect((await verb(second.id, 'resume')).status).toBe(200)
    expect((await verb(second.id, 'cancel')).status).toBe(202)
    await ended(second.id, 'cancelled')
    await release(first.id)
    await ended(first.id, 'succeeded')
  })

  it('refuse a run where they are told to, naming those that are open, and take the same request once', async () => {
    const first = await start('sole', {
      concurrency: { limit: 1, whenFull: 'refuse' },
      steps: { work: held() },
    })
    await works(first.id)
    const again = (): Promise<Answer> => post('sole', {}, { 'idempotency-key': 'full' })
    expect(await again()).toMatchObject({
      status: 409,
      body: { code: 'pipeline_full', runs: [first.id], limit: 1 },
    })
    await release(first.id)
    await ended(first.id, 'succeeded')
    // What was refused was not taken on: the same key is free.
    const second = await again()
    expect(second).toMatchObject({ status: 202, body: { queued: null } })
    expect(await again()).toMatchObject({ status: 202, body: { id: (second.body as PipelineRun).id } })
    await release((second.body as PipelineRun).id)
    await ended((second.body as PipelineRun).id, 'succeeded')
  })

  it('take priorities of 1 to 5, for runs, pipelines and schedules', async () => {
    await apply('ranked', { priority: 4, steps: { work: held() } })
    for (const priority of [0, 6, 1.5, 'high']) {
      expect(await post('ranked', { priority })).toMatchObject({ status: 400 })
    }
    const run = (await post('ranked')).body as PipelineRun
    expect(run.priority).toBe(4)
    await works(run.id)
    await release(run.id)
    const body = {
      name: 'ranked',
      pipeline: { name: 'ranked', priority: 2 },
      timing: { cron: '0 3 * * *' },
    }
    const created = await api.call('POST', '/v1/schedules', { body })
    expect(created).toMatchObject({ status: 201 })
    expect((created.body as Schedule).pipeline).toEqual({
      name: 'ranked',
      onNoNewData: 'skip',
      parameters: {},
      priority: 2,
    })
    const wrong = { ...body, name: 'wrong', pipeline: { name: 'ranked', priority: 9 } }
    expect(await api.call('POST', '/v1/schedules', { body: wrong })).toMatchObject({ status: 400 })
    await ended(run.id, 'succeeded')
  })
})
