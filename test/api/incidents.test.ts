import type { NestFastifyApplication } from '@nestjs/platform-fastify'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { createApp } from '../../api/app.js'
import { uuidv7 } from '../../stores/ids.js'
import { DeploymentStore } from '../../stores/postgres/deployment-store.js'
import { DriftStore } from '../../stores/postgres/drift-store.js'
import { IncidentStore } from '../../stores/postgres/incident-store.js'
import { KeyStore } from '../../stores/postgres/key-store.js'
import { RunStore } from '../../stores/postgres/run-store.js'
import { months } from '../domain/drift/months.js'
import { eventually } from '../support/eventually.js'
import { Harness } from '../support/harness.js'
import { MONTHLY, recordWindow } from '../support/windows.js'
import { TestApi } from './support/api.js'
import { seedDataset, seedModel, table } from './support/seed.js'

const PROJECT = 'default'
const PATH = '/v1/deployments/rides/retraining'
const POLICY = {
  dataset: 'bikes',
  timeColumn: 'day',
  training: { rounds: 20, features: ['hour', 'temp'], target: 'cnt', gate: { maxRmseOfChampion: 0.95 } },
}

interface Body {
  id: string
  items: { id: string; status: string; message: string }[]
  problems: { at: string; message: string }[]
}

describe('incidents', () => {
  let api: TestApi
  let incidents: IncidentStore
  let deployments: DeploymentStore
  beforeAll(async () => {
    api = await TestApi.start()
    await seedDataset(api, 'bikes', table(10))
    await seedModel(api, 'rides', 'model')
    await api.call('POST', '/v1/deployments', { body: { name: 'rides', model: 'rides' } })
    incidents = new IncidentStore(api.database.dataSource)
    deployments = new DeploymentStore(api.database.dataSource)
  })
  afterAll(() => api.close())

  const put = async (body: unknown) => api.call('PUT', PATH, { body })
  const problemsOf = (answer: { body: unknown }) => (answer.body as Body).problems

  describe('the policy to retrain by', () => {
    it('is set as a whole and shown complete', async () => {
      const missing = await api.call('GET', PATH)
      expect(missing).toMatchObject({ status: 404, body: { detail: expect.stringContaining(`PUT ${PATH}`) } })
      const answer = await put({ ...POLICY, incident: { minLabelledRows: 100 } })
      const complete = {
        ...POLICY,
        holdout: 'month',
        strategy: { kind: 'canary' },
        incident: {
          minLabelledRows: 100,
          healthyToClose: 2,
          maxRetrainings: 2,
          retrainingsApartDays: 7,
          rolloutDeadlineHours: 24,
        },
      }
      expect(answer).toMatchObject({ status: 200, body: complete })
      expect((await api.call('GET', PATH)).body).toEqual(complete)
      expect((await put(POLICY)).body).toMatchObject({ incident: { minLabelledRows: 2800 } })
      expect(await api.call('PUT', PATH, { key: 'mlf_viewer', body: POLICY })).toMatchObject({ status: 403 })
    })

    it('is refused with everything that would keep a retraining from ending well', async () => {
      const form = await put({ ...POLICY, holdout: 'year', training: { ...POLICY.training, split: {} } })
      expect(
        problemsOf(form)
          .map(({ at }) => at)
          .toSorted(),
      ).toEqual(['holdout', 'training.split'])

      const wrong = await put({
        ...POLICY,
        timeColumn: 'hour',
        training: { features: ['hour', 'tempp'], target: 'label', gate: { maxRmseOfBaseline: 0 } },
        strategy: { kind: 'shadow', percent: 10, minRows: 10, observeSeconds: 1 },
      })
      expect(wrong).toMatchObject({ status: 400, body: { code: 'invalid_request' } })
      expect(problemsOf(wrong)).toEqual([
        { at: 'strategy.observeSeconds', message: expect.stringContaining('is no field of shadow') },
        { at: 'training.features[1]', message: expect.stringContaining('Did you mean "temp"') },
        { at: 'training.target', message: expect.stringContaining('needs a number') },
        { at: 'training.gate.maxRmseOfBaseline', message: '0 is not above 0.' },
        { at: 'timeColumn', message: expect.stringContaining('"hour" is an integer') },
        { at: 'strategy.kind', message: 'A shadow never takes traffic, so it ends no incident.' },
      ])
      const missing = await put({ ...POLICY, timeColumn: 'dayy', strategy: { kind: 'canary', stops: [] } })
      expect(problemsOf(missing)).toEqual([
        { at: 'timeColumn', message: expect.stringContaining('Did you mean "day"') },
        { at: 'strategy.stops', message: expect.stringContaining('give 1 to') },
      ])
      expect(await put({ ...POLICY, dataset: 'bikez' })).toMatchObject({ status: 404 })
    })

    it('names a pipeline instead of a training', async () => {
      const { training, ...data } = POLICY
      const steps = {
        train: {
          uses: 'train',
          with: { model: 'rides', dataset: 'bikes', version: 1, training: '${{ parameters.training }}' },
        },
      }
      const parameters = { set: { type: 'string' }, training: { type: 'json', default: {} }, rounds: 10 }
      const applied = await api.call('POST', '/v1/pipelines', {
        body: { pipelines: { again: { parameters, steps } } },
      })
      expect(applied).toMatchObject({ status: 200 })
      const pipeline = { name: 'again', parameters: { set: '${{ retraining.dataset }}' } }
      const answer = await put({ ...data, pipeline })
      expect(answer).toMatchObject({ status: 200, body: { ...data, pipeline, holdout: 'month' } })
      expect(answer.body).not.toHaveProperty('training')
      // What is shown can be sent as it is.
      expect(await put(answer.body)).toMatchObject({ status: 200, body: answer.body })

      expect(problemsOf(await put({ ...data, training, pipeline }))).toEqual([
        { at: 'pipeline', message: expect.stringContaining('either `training` or `pipeline`') },
      ])
      expect(problemsOf(await put(data))).toEqual([
        { at: 'training', message: expect.stringContaining('either `training` or `pipeline`') },
      ])
      const wrong = {
        name: 'again',
        parameters: { set: '${{ retraining.datset }}', rounds: 'many', trainin: {} },
        step: 'trian',
      }
      expect(problemsOf(await put({ ...data, pipeline: wrong }))).toEqual([
        { at: 'pipeline.parameters.trainin', message: expect.stringContaining('Did you mean "training"') },
        { at: 'pipeline.parameters.rounds', message: expect.any(String) },
        { at: 'pipeline.parameters.set', message: expect.stringContaining('Did you mean "dataset"') },
        { at: 'pipeline.step', message: expect.stringContaining('Did you mean "train"') },
      ])
      const unfit = { ...pipeline, parameters: { set: 'a\u0000b' } }
      expect(problemsOf(await put({ ...data, pipeline: unfit }))).toEqual([
        { at: 'pipeline.parameters.set', message: expect.any(String) },
      ])
      expect(await put({ ...data, pipeline: { ...pipeline, name: 'agian' } })).toMatchObject({
        status: 404,
        body: { detail: expect.stringContaining('Did you mean "again"') },
      })
      expect((await put(POLICY)).body).not.toHaveProperty('pipeline')
    })

    it('learns from nothing that callers do not send', async () => {
      await api.call('POST', '/v1/deployments', { body: { name: 'narrow', model: 'rides' } })
      const { id } = await deployments.get(PROJECT, 'narrow')
      const signature = {
        features: [{ name: 'hour', type: 'integer' as const }],
        target: 'cnt',
        output: { name: 'cnt' },
      }
      const onnx = { uri: 'default/sha256/00/none', sha256: '0'.repeat(64), bytes: 1 }
      await api.database.dataSource.transaction(transaction =>
        deployments.issue(transaction, id, {
          plan: { salt: 's', arms: [{ version: 1, role: 'stable', weight: 100 }] },
          versions: [{ model: 'rides', version: 1, signature, onnx }],
          reason: 'test',
          rolloutId: uuidv7(),
          effectKey: uuidv7(),
        }),
      )
      const answer = await api.call('PUT', '/v1/deployments/narrow/retraining', { body: POLICY })
      expect(problemsOf(answer)).toEqual([
        { at: 'training.features', message: expect.stringContaining('Callers do not send "temp"') },
      ])
    })
  })

  describe('while Temporal is away', () => {
    let id: string
    beforeAll(async () => {
      const deployment = await deployments.get(PROJECT, 'rides')
      await new DriftStore(api.database.dataSource).setPolicy(deployment.id, MONTHLY)
      for (const window of months('2012-01', ['breached', 'breached'], [741, 692])) {
        const opened = await recordWindow(api.database.dataSource, deployment, window)
        if (opened !== null) id = opened
      }
    })

    it('are listed, newest first, by deployment and status', async () => {
      const all = await api.call('GET', '/v1/incidents')
      expect((all.body as Body).items).toMatchObject([
        {
          id,
          deployment: 'rides',
          signal: 'errors',
          status: 'open',
          message: 'opened by 2012-01 and 2012-02',
          openedBy: [{ id: '2012-01', start: '2012-01-01T00:00:00.000Z' }, { id: '2012-02' }],
          acknowledged: null,
          closedAt: null,
          links: { self: `/v1/incidents/${id}`, page: `/v1/incidents/${id}/page` },
        },
      ])
      const of = async (query: string) =>
        ((await api.call('GET', `/v1/incidents?${query}`)).body as Body).items.map(item => item.id)
      expect(await of('deployment=rides&status=open')).toEqual([id])
      expect(await of('status=closed')).toEqual([])
      expect(await of('deployment=narrow')).toEqual([])
      expect(await api.call('GET', '/v1/incidents?deployment=ridez')).toMatchObject({ status: 404 })
      expect(await api.call('GET', '/v1/incidents?status=done')).toMatchObject({ status: 400 })
    })

    it('are shown with their evidence', async () => {
      const { body } = await api.call('GET', `/v1/incidents/${id}`)
      expect(body).toMatchObject({
        id,
        live: null,
        windows: [
          { id: '2012-02', breached: true, metrics: { rmse: 137 } },
          { id: '2012-01', labelled: 741 },
        ],
        retrainings: [],
        settledUntil: null,
        events: [
          { number: 1, status: 'open', evidence: { windows: [{ labelled: 741 }, { labelled: 692 }] } },
        ],
        operation: {
          kind: 'incident',
          status: 'accepted',
          trigger: 'incident',
          principal: 'deployment:rides',
        },
      })
      expect((await api.call('GET', `/v1/incidents/${id}/events?limit=1`)).body).toMatchObject({
        items: [{ number: 1, message: 'opened by 2012-01 and 2012-02' }],
      })
      expect((await api.call('GET', `/v1/operations/${id}`)).body).toMatchObject({
        links: { self: `/v1/incidents/${id}` },
      })
      const page = await api.call('GET', `/v1/incidents/${id}/page`)
      expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8')
      expect(page.headers.get('content-security-policy')).toContain("default-src 'none'")
      expect(page.body as string).toContain('Errors of rides went up in 2012-01 and 2012-02')
      expect(page.body as string).not.toMatch(/<script|src=/)
      const unknown = uuidv7()
      for (const path of ['', '/events', '/page']) {
        expect(await api.call('GET', `/v1/incidents/${unknown}${path}`)).toMatchObject({ status: 404 })
      }
    })

    it('take no verbs: those are not queued', async () => {
      const tell = (verb: string, body: unknown, key?: string) =>
        api.call('POST', `/v1/incidents/${id}/${verb}`, { body, ...(key ? { key } : {}) })
      expect(await tell('acknowledge', { reason: 'seen' })).toMatchObject({ status: 503 })
      expect(await tell('acknowledge', { reason: 'seen' }, 'mlf_viewer')).toMatchObject({ status: 403 })
      expect(problemsOf(await tell('retrain', { dataUntil: 'May' })).map(({ at }) => at)).toEqual([
        'reason',
        'dataUntil',
      ])
      expect(
        problemsOf(await tell('close', { reason: '', until: 1 }))
          .map(({ at }) => at)
          .toSorted(),
      ).toEqual(['reason', 'until'])
      const runs = new RunStore(api.database.dataSource)
      await runs.cancelAccepted(PROJECT, id)
      expect(await tell('suppress', { reason: 'known' })).toMatchObject({
        status: 409,
        body: { detail: expect.stringContaining(`POST /v1/operations/${id}/retry`) },
      })
      await runs.retry(PROJECT, id)
      await runs.update(id, 2001, { status: 'running' })
      const { state, events } = await incidents.get(PROJECT, id)
      const closed = { ...state, status: 'closed' as const, settledUntil: Date.UTC(2012, 2, 1) }
      const event = { at: Date.now(), status: 'closed' as const, message: 'over', evidence: {} }
      await incidents.record(
        { runId: id, attempt: 2 },
        { state: closed, message: 'over', first: events + 1, events: [event] },
      )
      expect(await tell('close', { reason: 'again' })).toMatchObject({
        status: 409,
        body: { detail: 'The incident is closed; it takes no verbs.' },
      })
    })
  })
})

describe('verbs of an incident that is followed', () => {
  let harness: Harness
  let app: NestFastifyApplication
  let url: string
  let id: string
  beforeAll(async () => {
    harness = await Harness.start({
      queues: ['workflows', 'io', 'watch'],
      env: { MLFORGE_ROLLOUTS_LOOK_EVERY_SECONDS: '0.05' },
    })
    const { dataSource } = harness.database
    const key = { project: PROJECT, name: 'ann', role: 'operator', key: 'mlf_ann', expiresAt: null } as const
    await new KeyStore(dataSource).create(key)
    app = await createApp(harness.config, pino({ level: 'silent' }))
    await app.listen(0, '127.0.0.1')
    url = await app.getUrl()
    const deployment = await harness.ports.deployments.create(PROJECT, 'rides', 'rides', 'key:ann')
    await harness.ports.drift.setPolicy(deployment.id, MONTHLY)
    for (const window of months('2012-01', ['breached', 'breached'], [741, 692])) {
      const opened = await recordWindow(dataSource, deployment, window)
      if (opened !== null) id = opened
    }
  })
  afterAll(async () => {
    await app.close()
    await harness.stop()
  })

  const call = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
    const response = await fetch(`${url}/v1/incidents/${id}${path}`, {
      method,
      headers: { authorization: 'Bearer mlf_ann', 'content-type': 'application/json', ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    return { status: response.status, body: (await response.json()) as object }
  }

  it('are taken or refused by its workflow, and shown', async () => {
    await eventually(async () => {
      expect((await call('GET', '')).body).toMatchObject({
        status: 'waiting_for_data',
        message: 'waiting for data 1433/2800',
        live: { status: 'waiting_for_data', message: 'waiting for data 1433/2800' },
      })
    })
    const once = { 'idempotency-key': 'one' }
    const answer = { incidentId: id, status: 'waiting_for_data', message: 'acknowledge by key:ann: seen' }
    expect(await call('POST', '/acknowledge', { reason: 'seen' }, once)).toEqual({
      status: 200,
      body: answer,
    })
    expect(await call('POST', '/acknowledge', { reason: 'seen' }, once)).toEqual({
      status: 200,
      body: answer,
    })
    expect(await call('POST', '/acknowledge', { reason: 'another' }, once)).toMatchObject({
      status: 409,
      body: { code: 'idempotency_key_reused' },
    })
    expect(await call('POST', '/retrain', { reason: 'x', dataUntil: '2011-01-01T00:00:00Z' })).toMatchObject({
      status: 400,
      body: { code: 'invalid_request', detail: expect.stringContaining('before 2012-01') },
    })
    expect(
      await call('POST', '/suppress', { reason: 'a strike', settledUntil: '2012-06-01T00:00:00Z' }),
    ).toMatchObject({ status: 200, body: { status: 'suppressed' } })
    await eventually(async () => {
      expect((await call('GET', '')).body).toMatchObject({
        status: 'suppressed',
        acknowledged: { by: 'key:ann', note: 'seen' },
        settledUntil: '2012-06-01T00:00:00.000Z',
        operation: { status: 'succeeded' },
      })
    })
    expect(await call('POST', '/close', { reason: 'x' })).toMatchObject({ status: 409 })
    // Who has not heard the answer asks when it is over.
    expect(await call('POST', '/acknowledge', { reason: 'seen' }, once)).toEqual({
      status: 200,
      body: answer,
    })
  })
})
