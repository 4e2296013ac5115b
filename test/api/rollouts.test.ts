import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { uuidv7 } from '../../stores/ids.js'
import { DeploymentStore } from '../../stores/postgres/deployment-store.js'
import { TestApi } from './support/api.js'
import { seedModel } from './support/seed.js'

interface Body {
  id: string
  code: string
  detail: string
  lines: string[]
  problems: { at: string; message: string }[]
}

// Temporal is away for these: starts are accepted all the same, verbs are not.
describe('rollouts', () => {
  let api: TestApi
  let store: DeploymentStore
  let serial = 0
  beforeAll(async () => {
    api = await TestApi.start()
    store = new DeploymentStore(api.database.dataSource)
    await seedModel(api, 'rides', 'model bytes')
  })
  afterAll(() => api.close())

  /** A deployment of its own for each test, with a version that serves where one is given. */
  async function deployment(serves?: number): Promise<string> {
    const name = `rides-${++serial}`
    const { id } = await store.create('default', name, 'rides', 'key:operator')
    if (serves !== undefined) await issue(id, serves)
    return name
  }
  const issue = (id: string, version: number) =>
    api.database.dataSource.transaction(transaction =>
      store.issue(transaction, id, {
        plan: { salt: 's', arms: [{ version, role: 'stable', weight: 100 }] },
        versions: [],
        reason: 'test',
        rolloutId: uuidv7(),
        effectKey: uuidv7(),
      }),
    )
  const post = async (path: string, body: object, key?: string) => {
    const headers = key === undefined ? {} : { 'idempotency-key': key }
    const answer = await api.call('POST', path, { body, headers })
    return { status: answer.status, body: answer.body as Body }
  }
  const start = (name: string, body: object, key?: string) =>
    post(`/v1/deployments/${name}/rollouts`, { reason: 'test', ...body }, key)

  it('are taken on once, and the same request gets the same answer whatever has happened since', async () => {
    const name = await deployment()
    const first = await start(name, { version: 1 }, 'first')
    expect(first).toMatchObject({ status: 202, body: { kind: 'rollout', deployment: name, outcome: null } })
    const { id } = await store.get('default', name)
    await issue(id, 1)
    expect(await start(name, { version: 1 }, 'first')).toMatchObject({
      status: 202,
      body: { id: first.body.id },
    })
    expect(await start(name, { version: 1, reason: 'other' }, 'first')).toMatchObject({
      status: 409,
      body: { code: 'idempotency_key_reused' },
    })
  })

  it('go one by one', async () => {
    const name = await deployment()
    const { body } = await start(name, { version: 1 })
    expect(await start(name, { version: 1 })).toMatchObject({
      status: 409,
      body: { code: 'rollout_in_progress', rolloutId: body.id },
    })
    const answers = await Promise.all(
      [await deployment()].flatMap(other => [1, 2, 3].map(() => start(other, { version: 1 }))),
    )
    expect(answers.map(({ status }) => status).sort()).toEqual([202, 409, 409])
  })

  it('say what they would do, and do nothing of it', async () => {
    const name = await deployment()
    const { status, body } = await post(`/v1/deployments/${name}/rollouts/dry-run`, {
      version: 1,
      reason: 'test',
    })
    expect([status, body.lines[0]]).toEqual([200, expect.stringContaining('the first version')])
    expect(await start(name, { version: 1 })).toMatchObject({ status: 202 })
  })

  it.each<[string, object, number, string, string]>([
    ['neither version nor training', {}, 400, 'invalid_request', 'version'],
    ['a version that is not there', { version: 9 }, 404, 'not_found', ''],
    ['a version that serves', { version: 1 }, 422, 'strategy_invalid', 'version'],
    [
      'a field of no strategy',
      { version: 1, strategy: { kind: 'canary', stop: 1 } },
      400,
      'invalid_request',
      'strategy.stop',
    ],
    [
      'a field of another strategy',
      { version: 1, strategy: { kind: 'instant', percent: 5 } },
      400,
      'invalid_request',
      'strategy.percent',
    ],
    [
      'a shadow without rows',
      { version: 1, strategy: { kind: 'shadow', percent: 5 } },
      400,
      'invalid_request',
      'strategy.minRows',
    ],
    ['force by an operator', { version: 1, force: { reason: 'now' } }, 403, 'forbidden', ''],
    ['a training without force', { training: uuidv7() }, 400, 'invalid_request', 'force'],
  ])('refuse %s', async (_what, body, status, code, at) => {
    const answer = await start(await deployment(1), body)
    expect([answer.status, answer.body.code]).toEqual([status, code])
    if (at !== '') expect(answer.body.problems.map(problem => problem.at)).toContain(at)
  })

  it('take no verb while Temporal is away, and none without being there', async () => {
    const { body } = await start(await deployment(), { version: 1 })
    expect(await post(`/v1/rollouts/${body.id}/pause`, {})).toMatchObject({
      status: 503,
      body: { code: 'unavailable' },
    })
    expect(await post(`/v1/rollouts/${uuidv7()}/pause`, {})).toMatchObject({ status: 404 })
  })

  it('are frozen by a period that ends after it begins', async () => {
    const path = `/v1/deployments/${await deployment()}/freeze`
    const freeze = { from: '2026-12-24T00:00:00Z', until: '2026-12-27T00:00:00Z', reason: 'holidays' }
    expect(await api.call('PUT', path, { body: freeze })).toMatchObject({ status: 204 })
    const turned = { ...freeze, until: '2026-12-20T00:00:00Z' }
    expect(await api.call('PUT', path, { body: turned })).toMatchObject({ status: 400 })
    const shown = () => api.call('GET', path.replace('/freeze', ''))
    expect((await shown()).body).toMatchObject({ freeze })
    expect(await api.call('DELETE', path)).toMatchObject({ status: 204 })
    expect((await shown()).body).toMatchObject({ freeze: null })
  })

  it('are started by an alias where a deployment follows it, with a strategy that can be compiled', async () => {
    const name = await deployment()
    const path = `/v1/deployments/${name}/following`
    const shown = async () => (await api.call('GET', `/v1/deployments/${name}`)).body
    expect(await shown()).toMatchObject({ following: null })
    const stops = [50, 10].map(percent => ({ percent, minRows: 40 }))
    expect(await api.call('PUT', path, { body: { strategy: { kind: 'canary', stops } } })).toMatchObject({
      status: 422,
      body: { code: 'strategy_invalid' },
    })
    expect(await api.call('PUT', path, { body: { strategy: { kind: 'instant', stops } } })).toMatchObject({
      status: 400,
    })
    expect(await api.call('PUT', path, { body: {} })).toMatchObject({ status: 204 })
    expect(await shown()).toMatchObject({ following: { alias: 'champion', strategy: { kind: 'canary' } } })
    expect(await api.call('DELETE', path)).toMatchObject({ status: 204 })
    expect(await shown()).toMatchObject({ following: null })
  })
})
