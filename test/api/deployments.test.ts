import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { uuidv7 } from '../../stores/ids.js'
import { DeploymentStore } from '../../stores/postgres/deployment-store.js'
import { PredictionFile, PredictionSegment } from '../../stores/postgres/entities/prediction.js'
import { KeyStore } from '../../stores/postgres/key-store.js'
import { TestApi } from './support/api.js'
import { seedModel } from './support/seed.js'

interface ProblemBody {
  code: string
  detail: string
  problems: { at: string; message: string }[]
}

describe('deployments', () => {
  let api: TestApi
  let store: DeploymentStore
  beforeAll(async () => {
    api = await TestApi.start()
    store = new DeploymentStore(api.database.dataSource)
    await seedModel(api, 'rides', 'model bytes')
    await seedModel(api, 'taxis', 'other bytes')
  })
  afterAll(() => api.close())

  const create = (name: string, model = 'rides') =>
    api.call('POST', '/v1/deployments', { body: { name, model } })
  const get = async (name: string) => (await api.call('GET', `/v1/deployments/${name}`)).body as object
  const issue = async (name: string, weight: number) => {
    const { id } = await store.get('default', name)
    return api.database.dataSource.transaction(transaction =>
      store.issue(transaction, id, {
        plan: {
          salt: 's',
          arms: [
            { version: 1, role: 'stable', weight: 100 - weight },
            { version: 2, role: 'candidate', weight },
            { version: 2, role: 'shadow', weight: 0, sample: 25 },
          ],
        },
        versions: [],
        reason: `canary: ${weight} %`,
        rolloutId: uuidv7(),
        effectKey: uuidv7(),
      }),
    )
  }

  describe('creating one', () => {
    it('answers it, empty', async () => {
      const answer = await create('bike-demand')
      const expected = {
        name: 'bike-demand',
        model: 'rides',
        principal: 'key:operator',
        createdAt: expect.any(String),
        plan: null,
        freeze: null,
        following: null,
        replicas: [],
        predictions: { rows: 0, until: null, waitingSegments: 0 },
        labels: { labels: 0, corrections: 0, held: 0, unknown: 0 },
      }
      expect(answer).toMatchObject({ status: 201, body: expected })
      expect(answer.headers.get('location')).toBe('/v1/deployments/bike-demand')
      expect(await get('bike-demand')).toEqual(expected)
    })

    it('answers the same one when it is sent again, also at the same time', async () => {
      const answers = await Promise.all(Array.from({ length: 5 }, () => create('again')))
      expect(answers.map(each => each.status)).toEqual([201, 201, 201, 201, 201])
      for (const { body } of answers) expect(body).toEqual(answers[0]!.body)
    })

    it('refuses a name that serves another model', async () => {
      await create('taken')
      const answer = await create('taken', 'taxis')
      expect(answer).toMatchObject({ status: 409, body: { code: 'already_exists' } })
      expect((answer.body as ProblemBody).detail).toMatch(/serves model "rides"/)
      expect(await get('taken')).toMatchObject({ model: 'rides' })
    })

    it('needs a model that there is', async () => {
      const answer = await create('modelless', 'ride')
      expect(answer).toMatchObject({ status: 404, body: { code: 'not_found' } })
      expect((answer.body as ProblemBody).detail).toMatch(/no model "ride".*Did you mean "rides"\?/)
      expect(await api.call('GET', '/v1/deployments/modelless')).toMatchObject({ status: 404 })
    })

    it.each(['', 'Bike', '-bike', 'bike demand', 'bike/x', '../x', 'b'.repeat(101), 7, null, ['bike']])(
      'refuses the name %j',
      async name => {
        const answer = await api.call('POST', '/v1/deployments', { body: { name, model: 'rides' } })
        expect(answer).toMatchObject({
          status: 400,
          body: { code: 'invalid_request', problems: [{ at: 'name' }] },
        })
      },
    )

    it('lists all problems at once', async () => {
      const answer = await api.call('POST', '/v1/deployments', { body: { nam: 'bike', model: 'A B' } })
      expect(answer.status).toBe(400)
      const { problems } = answer.body as ProblemBody
      expect(problems.map(each => each.at).sort()).toEqual(['model', 'nam', 'name'])
      expect(problems.find(each => each.at === 'nam')!.message).toMatch(/Did you mean "name"\?/)
    })

    it('takes no plan: traffic is for rollouts', async () => {
      const body = { name: 'planned', model: 'rides', plan: { arms: [] } }
      const answer = await api.call('POST', '/v1/deployments', { body })
      expect(answer).toMatchObject({ status: 400, body: { problems: [{ at: 'plan' }] } })
      expect((await api.call('POST', '/v1/deployments/bike-demand/plans', { body: {} })).status).toBe(404)
    })

    it('needs an operator', async () => {
      const body = { name: 'by-a-viewer', model: 'rides' }
      const answer = await api.call('POST', '/v1/deployments', { body, key: 'mlf_viewer' })
      expect(answer).toMatchObject({ status: 403, body: { code: 'forbidden', needed: 'operator' } })
    })
  })

  describe('reading', () => {
    it('shows the plan in force, and the replicas that are there', async () => {
      await create('served')
      await issue('served', 10)
      await issue('served', 50)
      const { id: deploymentId } = await store.get('default', 'served')
      const [one, gone] = [uuidv7(), uuidv7()]
      await store.report(
        'default',
        [one, gone].map(replica => ({
          replica,
          deploymentId,
          revision: 1,
          problem: replica === one ? 'version 2 does not load' : null,
          address: 'http://127.0.0.1:7100',
        })),
      )
      await store.leave(gone)
      expect(await get('served')).toMatchObject({
        plan: {
          revision: 2,
          arms: [
            { version: 1, role: 'stable', weight: 50 },
            { version: 2, role: 'candidate', weight: 50 },
            { version: 2, role: 'shadow', weight: 0, sample: 25 },
          ],
          reason: 'canary: 50 %',
        },
        replicas: [{ id: one, revision: 1, problem: 'version 2 does not load' }],
      })
    })

    it('counts what has been ingested, and what waits', async () => {
      await create('ingested')
      const { id: deploymentId } = await store.get('default', 'ingested')
      const content = { uri: 'file:///x', sha256: 'a', bytes: '1', gaps: [] }
      const at = (day: number) => new Date(Date.UTC(2011, 10, day))
      for (const day of [3, 1]) {
        await api.database.dataSource.getRepository(PredictionFile).insert({
          ...content,
          id: uuidv7(),
          deploymentId,
          rows: 24,
          minEventTime: at(day),
          maxEventTime: at(day + 1),
          minRevision: 1,
          maxRevision: 1,
          segments: [],
          effectKey: uuidv7(),
          createdAt: new Date(),
        })
      }
      await api.database.dataSource.getRepository(PredictionSegment).insert({
        ...content,
        project: 'default',
        replica: uuidv7(),
        segment: 1,
        records: 1,
        firstSequence: '1',
        lastSequence: '1',
        sealedAt: new Date(),
        ingestedAt: null,
        problem: null,
      })
      expect(await get('ingested')).toMatchObject({
        predictions: { rows: 48, until: '2011-11-04T00:00:00.000Z', waitingSegments: 1 },
      })
    })

    it('pages through plans, newest first', async () => {
      await create('moved')
      for (const weight of [10, 20, 30, 40, 50]) await issue('moved', weight)
      const path = '/v1/deployments/moved/plans'
      const first = (await api.call('GET', `${path}?limit=3`, { key: 'mlf_viewer' })).body as {
        items: { revision: number; reason: string; rolloutId: string }[]
        nextCursor: string
      }
      expect(first.items.map(({ revision, reason }) => [revision, reason])).toEqual([
        [5, 'canary: 50 %'],
        [4, 'canary: 40 %'],
        [3, 'canary: 30 %'],
      ])
      const second = await api.call('GET', `${path}?limit=3&cursor=${first.nextCursor}`)
      expect(second.body).toMatchObject({ items: [{ revision: 2 }, { revision: 1 }] })
      expect(second.body).not.toHaveProperty('nextCursor')
    })

    it('lists deployments, newest first, with their plans', async () => {
      for (const name of ['list-1', 'list-2', 'list-3']) await create(name)
      await issue('list-2', 5)
      const first = (await api.call('GET', '/v1/deployments?limit=2', { key: 'mlf_viewer' })).body as {
        items: { name: string; plan: { revision: number } | null }[]
        nextCursor: string
      }
      expect(first.items.map(({ name, plan }) => [name, plan?.revision])).toEqual([
        ['list-3', undefined],
        ['list-2', 1],
      ])
      const second = await api.call('GET', `/v1/deployments?limit=1&cursor=${first.nextCursor}`)
      expect(second.body).toMatchObject({ items: [{ name: 'list-1', plan: null }] })
    })

    it('stays within the project of the key', async () => {
      const keys = new KeyStore(api.database.dataSource)
      const other = { project: 'other', name: 'theirs', role: 'operator', key: 'mlf_theirs' } as const
      await keys.create({ ...other, expiresAt: null })
      const key = 'mlf_theirs'
      expect(await api.call('GET', '/v1/deployments', { key })).toMatchObject({ body: { items: [] } })
      expect((await api.call('GET', '/v1/deployments/bike-demand', { key })).status).toBe(404)
      const body = { labels: [{ predictionId: 'bike-1', value: 1, at: '2012-01-02T13:00:00Z' }] }
      const sent = await api.call('POST', '/v1/deployments/bike-demand/labels', { key, body })
      expect(sent.status).toBe(404)
    })

    it.each(['/v1/deployments', '/v1/deployments/bike-demand/plans'])(
      'refuses bad cursors and query fields of %s',
      async path => {
        for (const cursor of ['x', Buffer.from('["a","b"]').toString('base64url'), 'bnVsbA']) {
          const answer = await api.call('GET', `${path}?cursor=${cursor}`)
          expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_request' } })
        }
        const answer = await api.call('GET', `${path}?limit=0&curso=x`)
        expect((answer.body as ProblemBody).problems.map(each => each.at).sort()).toEqual(['curso', 'limit'])
      },
    )

    it.each(['', '/plans', '/labels/bike-1'])('names the deployment that was meant: %s', async path => {
      const answer = await api.call('GET', `/v1/deployments/bike-demnd${path}`)
      expect(answer).toMatchObject({ status: 404, body: { code: 'not_found' } })
      expect((answer.body as ProblemBody).detail).toMatch(/Did you mean "bike-demand"\?/)
    })
  })
})
