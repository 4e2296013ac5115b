import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { PlanArm } from '../../../domain/routing/plan.js'
import type { ServedVersion } from '../../../domain/serving/served-version.js'
import { uuidv7 } from '../../../stores/ids.js'
import {
  DeploymentStore,
  type NewPlan,
  REPLICA_ALIVE_SECONDS,
} from '../../../stores/postgres/deployment-store.js'
import type { Deployment } from '../../../stores/postgres/entities/deployment.js'
import { type TestDatabase, testDatabase } from '../../support/postgres.js'

const ROLLOUT = uuidv7()
const SERVED: ServedVersion = {
  model: 'bike',
  version: 1,
  signature: { features: [{ name: 'hour', type: 'integer' }], target: 'cnt', output: { name: 'cnt' } },
  onnx: { uri: 'file:///model.onnx', sha256: 'a', bytes: 12 },
}

describe('DeploymentStore', () => {
  let database: TestDatabase
  let store: DeploymentStore
  beforeAll(async () => {
    database = await testDatabase()
    store = new DeploymentStore(database.dataSource)
  })
  afterAll(() => database.drop())

  let count = 0
  const create = (project = 'default'): Promise<Deployment> =>
    store.create(project, `bike-${++count}`, 'bike', 'key:ann')
  const content = (effectKey: string, weight = 10): NewPlan => ({
    plan: {
      salt: ROLLOUT,
      arms: [
        { version: 1, role: 'stable', weight: 100 - weight },
        { version: 2, role: 'candidate', weight },
      ] satisfies PlanArm[],
    },
    versions: [SERVED, { ...SERVED, version: 2 }],
    reason: `weight ${weight}`,
    rolloutId: ROLLOUT,
    effectKey,
  })
  const issue = ({ id }: Deployment, effectKey = uuidv7(), weight?: number) =>
    database.dataSource.transaction(transaction => store.issue(transaction, id, content(effectKey, weight)))

  describe('a deployment', () => {
    it('is the same when it is created again, also at the same time', async () => {
      const all = await Promise.all(
        Array.from({ length: 6 }, () => store.create('default', 'twins', 'bike', 'key:ann')),
      )
      expect(new Set(all.map(each => each.id)).size).toBe(1)
      expect(await store.get('default', 'twins')).toMatchObject({ model: 'bike', principal: 'key:ann' })
    })

    it('does not change its model', async () => {
      await store.create('default', 'fixed', 'bike', 'key:ann')
      await expect(store.create('default', 'fixed', 'taxi', 'key:ann')).rejects.toMatchObject({
        code: 'already_exists',
        message: expect.stringContaining('serves model "bike"'),
      })
      expect((await store.get('default', 'fixed')).model).toBe('bike')
    })

    it('belongs to a project, and is looked for by a near name', async () => {
      await store.create('default', 'demand', 'bike', 'key:ann')
      await expect(store.get('default', 'demnad')).rejects.toThrow('Did you mean "demand"?')
      await expect(store.get('other', 'demand')).rejects.toMatchObject({ code: 'not_found' })
    })

    it('is listed, newest first', async () => {
      const made: string[] = []
      for (let i = 0; i < 5; i++) made.unshift((await create('paged')).name)
      const first = await store.list('paged', { limit: 3 })
      const second = await store.list('paged', { limit: 3, cursor: first.nextCursor! })
      expect([...first.items, ...second.items].map(each => each.name)).toEqual(made)
      expect(second.nextCursor).toBeUndefined()
    })
  })

  describe('plans', () => {
    it('are counted from 1; the newest is in force', async () => {
      const deployment = await create()
      expect(await store.plan(deployment.id)).toBeNull()
      expect((await issue(deployment)).revision).toBe(1)
      expect((await issue(deployment, uuidv7(), 50)).revision).toBe(2)
      expect(await store.plan(deployment.id)).toMatchObject({
        revision: 2,
        reason: 'weight 50',
        rolloutId: ROLLOUT,
        plan: content('', 50).plan,
        versions: content('').versions,
      })
    })

    it('are issued once for an effect, which returns to the plan it had', async () => {
      const deployment = await create()
      const key = uuidv7()
      await issue(deployment, key)
      await issue(deployment)
      const again = await issue(deployment, key, 50)
      expect(again).toMatchObject({ revision: 1, reason: 'weight 10' })
      expect((await store.plan(deployment.id))!.revision).toBe(2)
    })

    it('of writers at the same time have revisions without gaps, each effect one', async () => {
      const deployment = await create()
      const keys = Array.from({ length: 4 }, () => uuidv7())
      const issued = await Promise.all([...keys, ...keys].map(key => issue(deployment, key)))
      expect(issued.slice(0, 4).map(each => each.revision)).toEqual(
        issued.slice(4).map(each => each.revision),
      )
      expect(new Set(issued.map(each => each.revision))).toEqual(new Set([1, 2, 3, 4]))
    })

    it('of a transaction that fails were never there', async () => {
      const deployment = await create()
      const failing = database.dataSource.transaction(async transaction => {
        await store.issue(transaction, deployment.id, content(uuidv7()))
        throw new Error('the step failed')
      })
      await expect(failing).rejects.toThrow('the step failed')
      expect(await store.plan(deployment.id)).toBeNull()
      expect((await issue(deployment)).revision).toBe(1)
    })

    it('are listed, newest first', async () => {
      const deployment = await create()
      for (let i = 0; i < 5; i++) await issue(deployment)
      const first = await store.plans(deployment.id, { limit: 2 })
      expect(first.items.map(each => each.revision)).toEqual([5, 4])
      const second = await store.plans(deployment.id, { cursor: first.nextCursor! })
      expect(second.items.map(each => each.revision)).toEqual([3, 2, 1])
    })

    it('in force are those of the deployments of a project that have one', async () => {
      const [one, two] = [await create('fleet'), await create('fleet')]
      await create('fleet')
      await issue(one)
      await issue(one, uuidv7(), 50)
      await issue(two)
      const plans = await store.plansInForce('fleet')
      expect(new Map(plans.map(each => [each.deployment, each.revision]))).toEqual(
        new Map([
          [one.name, 2],
          [two.name, 1],
        ]),
      )
      expect(plans.find(each => each.deploymentId === one.id)).toEqual({
        deploymentId: one.id,
        deployment: one.name,
        revision: 2,
        plan: content('', 50).plan,
        versions: content('').versions,
      })
      expect(await store.revisionsInForce('fleet')).toEqual(
        new Map([
          [one.id, 2],
          [two.id, 1],
        ]),
      )
      expect(await store.plansInForce('nobody')).toEqual([])
    })
  })

  describe('replicas', () => {
    const report = (
      deployment: Deployment,
      replica: string,
      revision: number,
      problem: string | null = null,
    ) =>
      store.report('default', [
        { replica, deploymentId: deployment.id, revision, problem, address: 'http://127.0.0.1:7100' },
      ])
    const alive = async (deployment: Deployment) =>
      (await store.replicas(deployment.id)).map(({ replica, revision, problem }) => [
        replica,
        revision,
        problem,
      ])

    it('are known by their last report, for each deployment', async () => {
      const [one, two] = [await create(), await create()]
      const replica = uuidv7()
      await report(one, replica, 1)
      await report(one, replica, 1, 'version 2 does not load')
      await report(two, replica, 7)
      expect(await alive(one)).toEqual([[replica, 1, 'version 2 does not load']])
      await report(one, replica, 2)
      expect(await alive(one)).toEqual([[replica, 2, null]])
      expect(await alive(two)).toEqual([[replica, 7, null]])
      await store.report('default', [])
    })

    it('are gone when they have not reported for a while, and back with the next report', async () => {
      const deployment = await create()
      const [silent, speaking] = [uuidv7(), uuidv7()]
      await report(deployment, silent, 1)
      await report(deployment, speaking, 1)
      await database.dataSource.query(
        `UPDATE serving_replicas SET seen_at = seen_at - make_interval(secs => $2) WHERE replica = $1`,
        [silent, REPLICA_ALIVE_SECONDS + 1],
      )
      expect(await alive(deployment)).toEqual([[speaking, 1, null]])
      await report(deployment, silent, 2)
      expect(await alive(deployment)).toHaveLength(2)
    })

    it('that leave are waited for by nobody', async () => {
      const deployment = await create()
      const replica = uuidv7()
      await report(deployment, replica, 1)
      await store.leave(replica)
      expect(await alive(deployment)).toEqual([])
    })
  })
})
