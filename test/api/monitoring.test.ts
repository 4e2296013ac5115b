import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { canonicalJson, type Json } from '../../domain/canonical-json.js'
import { completePolicy } from '../../domain/drift/monitoring-policy.js'
import { reportPage } from '../../domain/drift/report/page.js'
import {
  compareColumn,
  type ReferenceFacts,
  reportWindow,
  type WindowValues,
} from '../../domain/drift/window-report.js'
import { windowOfId } from '../../domain/drift/windows.js'
import type { ModelSignature } from '../../domain/models/signature.js'
import { uuidv7 } from '../../stores/ids.js'
import { DeploymentStore } from '../../stores/postgres/deployment-store.js'
import { DriftStore } from '../../stores/postgres/drift-store.js'
import { PredictionFile } from '../../stores/postgres/entities/prediction.js'
import { ModelStore } from '../../stores/postgres/model-store.js'
import { TestApi } from './support/api.js'
import { objectsOf } from './support/seed.js'

interface ProblemBody {
  code: string
  detail: string
  problems: { at: string; message: string }[]
}

const SIGNATURE: ModelSignature = {
  features: [
    { name: 'hr', type: 'integer' },
    { name: 'temp', type: 'number' },
    { name: 'holiday', type: 'boolean' },
  ],
  target: 'cnt',
  output: { name: 'cnt' },
}

describe('monitoring', () => {
  let api: TestApi
  let store: DriftStore
  let deployments: DeploymentStore
  beforeAll(async () => {
    api = await TestApi.start()
    store = new DriftStore(api.database.dataSource)
    deployments = new DeploymentStore(api.database.dataSource)
    await register('bike', SIGNATURE)
  })
  afterAll(() => api.close())

  async function register(model: string, signature: ModelSignature): Promise<void> {
    const models = new ModelStore(api.database.dataSource)
    await api.database.dataSource.transaction(transaction =>
      models.register(transaction, 'default', model, {
        engine: 'xgboost',
        sha256: 'a',
        artifacts: {},
        signature,
        metrics: {},
        gate: { passed: true },
        parity: {},
        lineage: {},
        runId: uuidv7(),
        effectKey: uuidv7(),
      }),
    )
  }
  let count = 0
  const create = async (model = 'bike') => {
    const name = `demand-${++count}`
    const { id } = await deployments.create('default', name, model, 'key:test')
    return { id, name, path: `/v1/deployments/${name}` }
  }
  const put = (path: string, body: unknown, key = 'mlf_operator') =>
    api.call('PUT', `${path}/monitoring`, { body, key })
  const problemsOf = (answer: { body: unknown }) => (answer.body as ProblemBody).problems

  describe('the policy', () => {
    it('is complete in the answer, and the same when asked for', async () => {
      const { path } = await create()
      const body = { columns: [{ name: 'hr', role: 'time' }], quartilesOf: 'temp', breach: { maxWape: 0.5 } }
      const answer = await put(path, body)
      expect(answer).toMatchObject({
        status: 200,
        body: {
          window: { every: 'month' },
          minLabelled: 500,
          minLabelledShare: 0.95,
          breach: { maxRelativeBias: 0.2, maxWape: 0.5 },
          breachesInARow: 2,
          reference: { kind: 'sameSeason' },
          columns: [
            { name: 'cnt', role: 'label', type: 'numeric' },
            { name: 'prediction', role: 'prediction', type: 'numeric' },
            { name: 'hr', role: 'time', type: 'numeric' },
            { name: 'temp', role: 'feature', type: 'numeric' },
            { name: 'holiday', role: 'feature', type: 'categorical' },
          ],
          quartilesOf: 'temp',
          pending: [],
          lookedAt: null,
        },
      })
      const got = await api.call('GET', `${path}/monitoring`, { key: 'mlf_viewer' })
      expect(got.body).toEqual(answer.body)
    })

    it('is set as a whole: what is left out gets its default', async () => {
      const { path } = await create()
      await put(path, { breachesInARow: 3, window: { every: 'fixed', lengthMs: 3_600_000, originMs: 5 } })
      expect((await put(path, {})).body).toMatchObject({ breachesInARow: 2, window: { every: 'month' } })
    })

    it('shows which windows wait, as of the last look', async () => {
      const { path, id } = await create()
      await put(path, {})
      const window = windowOfId({ every: 'month' }, '2012-01')!
      const reason = '700 of 741 rows are labelled, less than 95 %'
      await store.saveLook(id, 'seen', [{ ...window, state: 'waiting_for_labels', reason }])
      expect((await api.call('GET', `${path}/monitoring`)).body).toMatchObject({
        pending: [{ id: '2012-01', start: '2012-01-01T00:00:00.000Z', state: 'waiting_for_labels', reason }],
        lookedAt: expect.any(String),
      })
    })

    it('is refused with all that is wrong at once', async () => {
      const { path } = await create()
      const fields = await put(path, {
        windw: {},
        minLabelled: 0,
        minLabelledShare: 1.5,
        breach: { maxWape: -1 },
        breachesInARow: 'two',
        window: { every: 'mnth' },
        reference: { kind: 'version', version: 0 },
        columns: [{ name: 'hr', role: 'label' }],
      })
      expect(fields).toMatchObject({ status: 400, body: { code: 'invalid_request' } })
      expect(
        problemsOf(fields)
          .map(each => each.at)
          .sort(),
      ).toEqual([
        'breach.maxWape',
        'breachesInARow',
        'columns[0].role',
        'minLabelled',
        'minLabelledShare',
        'reference.version',
        'window.every',
        'windw',
      ])
      const kinds = await put(path, {
        window: { every: 'fixed', originMs: 1 },
        reference: { kind: 'training', windows: 2 },
      })
      expect(problemsOf(kinds)).toEqual([
        { at: 'window.lengthMs', message: 'This field is needed.' },
        { at: 'reference.windows', message: 'is no field of training; it takes none.' },
      ])
      const names = await put(path, { columns: [{ name: 'tmp' }], quartilesOf: 'holiday' })
      expect(problemsOf(names)).toEqual([
        { at: 'columns[0].name', message: '"tmp" is no feature of the model. Did you mean "temp"?' },
        { at: 'quartilesOf', message: expect.stringContaining('only numbers have quartiles') },
      ])
      const version = await put(path, { reference: { kind: 'version', version: 7 } })
      expect(problemsOf(version)).toMatchObject([
        { at: 'reference.version', message: expect.stringContaining('no version 7') },
      ])
      expect((await api.call('GET', `${path}/monitoring`)).status).toBe(404)
    })

    it('takes the columns of the version that serves, not of a newer one', async () => {
      await register('changing', SIGNATURE)
      const { path, id } = await create('changing')
      const onnx = { uri: 'x', sha256: 'a', bytes: 1 }
      await api.database.dataSource.transaction(transaction =>
        deployments.issue(transaction, id, {
          plan: { salt: 's', arms: [{ version: 1, role: 'stable', weight: 100 }] },
          versions: [{ model: 'changing', version: 1, signature: SIGNATURE, onnx }],
          reason: 'first',
          rolloutId: uuidv7(),
          effectKey: uuidv7(),
        }),
      )
      await register('changing', { ...SIGNATURE, features: [{ name: 'rain', type: 'number' }] })
      expect(problemsOf(await put(path, { columns: [{ name: 'rain' }] }))).toMatchObject([
        { at: 'columns[0].name' },
      ])
      expect((await put(path, { columns: [{ name: 'temp' }] })).status).toBe(200)
    })

    it('needs an operator, and a deployment', async () => {
      const { path } = await create()
      expect(await put(path, {}, 'mlf_viewer')).toMatchObject({ status: 403, body: { code: 'forbidden' } })
      expect(await put('/v1/deployments/demnd-1', {})).toMatchObject({ status: 404 })
      const none = await api.call('GET', `${path}/monitoring`)
      expect((none.body as ProblemBody).detail).toMatch(/has no monitoring policy. Set one with PUT/)
    })
  })

  describe('windows', () => {
    let path: string
    let id: string
    const policy = completePolicy({ quartilesOf: 'temp', minLabelled: 2 }, SIGNATURE)
    beforeAll(async () => {
      const made = await create()
      path = made.path
      id = made.id
      await put(path, {})
      for (const month of ['2011-11', '2011-12', '2012-01']) await assess(made.name, month, [20, 40])
      await assess(made.name, '2011-12', [11, 19])
    })

    async function assess(deployment: string, windowId: string, label: number[]): Promise<void> {
      const window = windowOfId({ every: 'month' }, windowId)!
      const gaps = [{ from: window.start, to: window.start + 60_000, dropped: 3 }]
      const values: WindowValues = {
        output: [10, 20],
        label,
        version: [1, 1],
        versions: [{ version: 1, rows: 2, share: 1 }],
        quartilesOf: [0.1, 0.2],
      }
      const absent = `the training data has no period like ${windowId}`
      const reference: ReferenceFacts = { of: { kind: 'sameSeason' }, absent }
      const report = reportWindow(
        {
          deployment,
          model: 'bike',
          window,
          policy,
          state: 'assessable',
          reason: '2 of 2 rows are labelled',
          watermark: window.end,
          gaps,
        },
        values,
        reference,
        policy.columns.map(column => compareColumn(column, [1, 2], reference)),
      )
      const objects = objectsOf(api)
      const json = await objects.write('default', Buffer.from(canonicalJson(report as unknown as Json)))
      const html = await objects.write('default', Buffer.from(reportPage(report)))
      await api.database.dataSource.transaction(transaction =>
        store.record(transaction, {
          deploymentId: id,
          windowId,
          startsAt: new Date(window.start),
          endsAt: new Date(window.end),
          state: report.state,
          reason: report.reason,
          breached: report.breached,
          rows: report.rows,
          labelled: report.labelled,
          dropped: 3,
          versions: [{ version: 1, share: 1 }],
          metrics: report.errors!.metrics,
          checks: report.errors!.checks,
          reference: report.reference,
          report: { json, html },
          fingerprint: uuidv7(),
          asOf: { files: 1, labels: 1 },
          runId: uuidv7(),
          effectKey: uuidv7(),
        }),
      )
    }

    it('are listed, the newest first, in pages', async () => {
      const first = (await api.call('GET', `${path}/windows?limit=2`, { key: 'mlf_viewer' })).body as {
        items: { id: string; revision: number; breached: boolean; links: Record<string, string> }[]
        nextCursor: string
      }
      expect(first.items.map(each => [each.id, each.revision, each.breached])).toEqual([
        ['2012-01', 1, true],
        ['2011-12', 2, false],
      ])
      expect(first.items[1]!.links).toMatchObject({
        self: `${path}/windows/2011-12?revision=2`,
        report: `${path}/windows/2011-12/report?revision=2`,
        json: `${path}/windows/2011-12/report.json?revision=2`,
      })
      const second = await api.call('GET', `${path}/windows?limit=2&cursor=${first.nextCursor}`)
      expect(second.body).toMatchObject({ items: [{ id: '2011-11' }] })
      expect(second.body).not.toHaveProperty('nextCursor')
    })

    it('come with all their evidence, the latest revision or another', async () => {
      const latest = await api.call('GET', `${path}/windows/2011-12`, { key: 'mlf_viewer' })
      expect(latest).toMatchObject({
        status: 200,
        body: {
          id: '2011-12',
          start: '2011-12-01T00:00:00.000Z',
          end: '2012-01-01T00:00:00.000Z',
          revision: 2,
          state: 'assessable',
          breached: false,
          rows: 2,
          labelled: 2,
          dropped: 3,
          versions: [{ version: 1, share: 1 }],
          checks: [{ metric: 'relativeBias', breached: false }, { metric: 'wape' }],
          reference: 'the training data has no period like 2011-12',
          quartiles: { column: 'temp', groups: [{ rows: 1 }, { rows: 1 }] },
          gaps: [{ from: '2011-12-01T00:00:00.000Z', to: '2011-12-01T00:01:00.000Z', dropped: 3 }],
        },
      })
      const { columns } = latest.body as { columns: { column: string; status: string; reason: string }[] }
      expect(columns.map(each => [each.column, each.status])).toEqual([
        ['cnt', 'not_assessed'],
        ['prediction', 'not_assessed'],
        ['hr', 'not_assessed'],
        ['temp', 'not_assessed'],
        ['holiday', 'not_assessed'],
      ])
      const before = await api.call('GET', `${path}/windows/2011-12?revision=1`)
      expect(before.body).toMatchObject({ revision: 1, breached: true })
    })

    it('have a page for people that runs nothing', async () => {
      const { status, headers, body } = await api.call('GET', `${path}/windows/2012-01/report`)
      expect(status).toBe(200)
      expect(headers.get('content-type')).toBe('text/html; charset=utf-8')
      expect(headers.get('content-security-policy')).toMatch(/default-src 'none'.*sandbox/)
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(headers.get('content-disposition')).toMatch(/^inline; filename="demand-\d+-2012-01.html"$/)
      expect(headers.get('cache-control')).toBe('private, no-cache')
      expect(body as string).toContain('<h1>Window 2012-01</h1>')
      const pinned = await api.call('GET', `${path}/windows/2011-12/report?revision=1`)
      expect(pinned.headers.get('cache-control')).toMatch(/immutable/)
      expect(pinned.body as string).toContain('Breached')
      const latest = await api.call('GET', `${path}/windows/2011-12/report`)
      expect(latest.body as string).toContain('Within its bounds')
    })

    it('have the same as JSON', async () => {
      const { headers, body } = await api.call('GET', `${path}/windows/2012-01/report.json`)
      expect(headers.get('content-type')).toMatch(/^application\/json/)
      expect(body).toMatchObject({ schema: 1, window: { id: '2012-01' }, breached: true })
    })

    it.each(['', '/report', '/report.json'])('are not found where they are not: %s', async end => {
      const unknown = await api.call('GET', `${path}/windows/2012-02${end}`)
      expect(unknown).toMatchObject({ status: 404, body: { code: 'not_found' } })
      expect((unknown.body as ProblemBody).detail).toMatch(/There are: 3 from "2011-11" to "2012-01"/)
      const revision = await api.call('GET', `${path}/windows/2012-01${end}?revision=9`)
      expect((revision.body as ProblemBody).detail).toMatch(/no revision 9; its latest is 1/)
      const bad = await api.call('GET', `${path}/windows/2012-01${end}?revision=x`)
      expect(bad).toMatchObject({ status: 400, body: { problems: [{ at: 'revision' }] } })
    })
  })

  describe('asking for a check', () => {
    const file = (deploymentId: string, from: string, to: string) =>
      api.database.dataSource.getRepository(PredictionFile).insert({
        id: uuidv7(),
        deploymentId,
        uri: 'default/x',
        sha256: 'a',
        bytes: '1',
        rows: 10,
        minEventTime: new Date(from),
        maxEventTime: new Date(to),
        minRevision: 1,
        maxRevision: 1,
        segments: [],
        gaps: [],
        effectKey: uuidv7(),
        createdAt: new Date(),
      })

    it('takes it on, once for a key', async () => {
      const { path, id, name } = await create()
      await put(path, {})
      await file(id, '2012-01-01T00:00:00Z', '2012-01-05T00:00:00Z')
      const headers = { 'idempotency-key': 'one' }
      const first = await api.call('POST', `${path}/windows/2012-01/check`, { headers })
      expect(first).toMatchObject({
        status: 202,
        body: { kind: 'drift', name, status: 'accepted', principal: 'key:operator', trigger: 'api' },
      })
      const run = first.body as { id: string; links: { self: string; result: string | null } }
      expect(first.headers.get('location')).toBe(`/v1/operations/${run.id}`)
      expect(run.links).toMatchObject({ self: `/v1/operations/${run.id}`, result: null })
      const again = await api.call('POST', `${path}/windows/2012-01/check`, { headers })
      expect((again.body as { id: string }).id).toBe(run.id)
      expect((await api.call('GET', '/v1/operations?kind=drift')).body).toMatchObject({
        items: [{ id: run.id }],
      })
    })

    it('is refused where there is nothing to check', async () => {
      const { path, id } = await create()
      const check = (window: string, key = 'mlf_operator') =>
        api.call('POST', `${path}/windows/${window}/check`, { key })
      expect(await check('2012-01')).toMatchObject({ status: 409, body: { code: 'wrong_state' } })
      await put(path, {})
      const early = await check('2012-01')
      expect((early.body as ProblemBody).detail).toMatch(/no predictions of window "2012-01"; none has come/)
      await file(id, '2012-01-01T00:00:00Z', '2012-01-05T00:00:00Z')
      expect(((await check('2012-02')).body as ProblemBody).detail).toMatch(/newest is of 2012-01-05T00/)
      const wrong = await check('2012-W05')
      expect(wrong).toMatchObject({ status: 404, body: { code: 'not_found' } })
      expect((wrong.body as ProblemBody).detail).toMatch(/named like "2012-01"/)
      expect((await check('2012-01', 'mlf_viewer')).status).toBe(403)
    })
  })
})
