import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { RetrainingPolicy } from '../../domain/retraining/policy.js'
import { writeSequence } from '../../domain/runs/run-status.js'
import { uuidv7 } from '../../stores/ids.js'
import { DeploymentStore } from '../../stores/postgres/deployment-store.js'
import { PredictionFile } from '../../stores/postgres/entities/prediction.js'
import { RunStore } from '../../stores/postgres/run-store.js'
import { TestApi } from './support/api.js'

const POLICY = { dataset: 'bikes', holdout: 'month', strategy: { kind: 'canary' }, incident: {} }

interface RunBody {
  id: string
  workflow: { workflowId: string }
}

describe('retrainings of a deployment', () => {
  let api: TestApi
  beforeAll(async () => {
    api = await TestApi.start()
    const deployments = new DeploymentStore(api.database.dataSource)
    const { id } = await deployments.create('default', 'bike', 'bike', 'key:test')
    await deployments.setRetraining(id, POLICY as RetrainingPolicy)
    await deployments.create('default', 'bare', 'bike', 'key:test')
    await api.database.dataSource.getRepository(PredictionFile).insert({
      id: uuidv7(),
      deploymentId: id,
      uri: 'default/sha256/00/none',
      sha256: '0'.repeat(64),
      bytes: '1',
      rows: 1,
      minEventTime: new Date('2012-04-01T00:00:00Z'),
      maxEventTime: new Date('2012-04-30T23:00:00Z'),
      minRevision: 1,
      maxRevision: 1,
      segments: [],
      gaps: [],
      effectKey: uuidv7(),
      createdAt: new Date(),
    } as never)
  })
  afterAll(() => api.close())

  const start = (body: unknown, name = 'bike', more: object = {}) =>
    api.call('POST', `/v1/deployments/${name}/retrainings`, { body, ...more })

  it('are accepted while Temporal is away, once for a key, and found again', async () => {
    const body = { reason: 'a new month', dataUntil: '2012-05-01T00:00:00Z' }
    const headers = { 'Idempotency-Key': 'may' }
    const answer = await start(body, 'bike', { headers })
    const { id, workflow } = answer.body as RunBody
    expect(answer).toMatchObject({
      status: 202,
      body: {
        kind: 'retraining',
        name: 'bike',
        status: 'accepted',
        principal: 'key:operator',
        trigger: 'api',
        reason: 'a new month',
        dataUntil: '2012-05-01T00:00:00.000Z',
        message: null,
        skipped: null,
        dataset: null,
        training: null,
        pipelineRun: null,
        version: null,
        rollout: null,
        links: { self: `/v1/operations/${id}`, result: '/v1/deployments/bike' },
      },
    })
    expect(workflow.workflowId).toBe(`default/retraining/bike/${id}`)
    expect(answer.headers.get('location')).toBe(`/v1/operations/${id}`)
    expect(await start(body, 'bike', { headers })).toMatchObject({ status: 202, body: { id } })
    expect(await start({ ...body, reason: 'other' }, 'bike', { headers })).toMatchObject({
      status: 409,
      body: { code: 'idempotency_key_reused' },
    })
    expect(await api.call('GET', `/v1/operations/${id}`)).toMatchObject({ body: { id, kind: 'retraining' } })
    expect(await api.call('GET', '/v1/operations?kind=retraining')).toMatchObject({
      body: { items: [{ id }] },
    })
  })

  it('are listed newest first, with what has come of them', async () => {
    const second = ((await start({ reason: 'again' })).body as RunBody).id
    const runs = new RunStore(api.database.dataSource)
    const [training, rollout] = [uuidv7(), uuidv7()]
    await runs.update(second, writeSequence(1, 1), { status: 'running', stage: 'plan' })
    await runs.update(second, writeSequence(1, 'closing'), {
      status: 'succeeded',
      stage: 'succeeded',
      result: {
        outcome: 'succeeded',
        message: 'version 4 was rolled out',
        dataUntil: Date.UTC(2012, 4, 1),
        dataset: { name: 'bikes', version: 3 },
        training,
        version: 4,
        rollout,
      },
    })
    const list = (query = '') =>
      api.call('GET', `/v1/deployments/bike/retrainings${query}`, { key: 'mlf_viewer' })
    const page = await list('?limit=1')
    expect(page).toMatchObject({
      status: 200,
      body: {
        items: [
          {
            id: second,
            reason: 'again',
            message: 'version 4 was rolled out',
            dataUntil: '2012-05-01T00:00:00.000Z',
            dataset: { name: 'bikes', version: 3 },
            training,
            version: 4,
            rollout,
          },
        ],
      },
    })
    const { nextCursor } = page.body as { nextCursor: string }
    expect(await list(`?limit=1&cursor=${nextCursor}`)).toMatchObject({
      body: { items: [{ reason: 'a new month' }] },
    })
  })

  it.each([
    ['none', { reason: 'x' }, 404, 'not_found', /no deployment "none"/],
    ['bare', { reason: 'x' }, 409, 'wrong_state', /PUT \/v1\/deployments\/bare\/retraining/],
    ['bike', {}, 400, 'invalid_request', /reason/],
    [
      'bike',
      { reason: 'x', dataUntil: 'May' },
      400,
      'invalid_request',
      /dataUntil: Must be an ISO 8601 time/,
    ],
    [
      'bike',
      { reason: 'x', dataUntil: '2012-05-01T00:00:00.001Z' },
      400,
      'invalid_request',
      /after the day of the newest prediction; the newest is of 2012-04-30T23:00/,
    ],
    ['bike', { reason: 'x', until: 1 }, 400, 'invalid_request', /no field "until"/],
  ])('of %s are refused as %j', async (name, body, status, code, message) => {
    expect(await start(body, name)).toMatchObject({
      status,
      body: { code, detail: expect.stringMatching(message) },
    })
  })

  it('are for operators, and of a deployment that is there', async () => {
    expect((await start({ reason: 'x' }, 'bike', { key: 'mlf_viewer' })).status).toBe(403)
    expect((await api.call('GET', '/v1/deployments/none/retrainings')).status).toBe(404)
  })
})
