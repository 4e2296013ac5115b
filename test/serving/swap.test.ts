import { readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { PlanArm } from '../../domain/routing/plan.js'
import { eventually } from '../support/eventually.js'
import { storeVersion } from './support/models.js'
import type { Answer, ReplicaProcess } from './support/replica-process.js'
import { expectStatus, features, World } from './support/world.js'

const alone = (version: number): PlanArm[] => [{ version, role: 'stable', weight: 100 }]
const pair = (stable: number, candidate: number, weight: number): PlanArm[] => [
  { version: stable, role: 'stable', weight: 100 - weight },
  { version: candidate, role: 'candidate', weight },
]

describe('a new plan', () => {
  let world: World
  let replica: ReplicaProcess
  beforeAll(async () => {
    world = await World.create()
    replica = await (await world.replica()).ready()
  })
  afterAll(() => world.close())

  /** A deployment whose first plan answers. */
  const served = async (name: string): Promise<{ id: string }> => {
    const { id, revision } = await world.deploy(name, alone(1))
    await world.inForce(id, revision)
    return { id }
  }

  it('is taken up by a replica that had none, which is ready all the same', async () => {
    expect((await replica.predict('first', [{ features: features() }])).status).toBe(404)
    const { id, revision } = await world.deploy('first', alone(1))
    await world.inForce(id, revision)
    expect((await replica.predict('first', [{ features: features() }])).status).toBe(200)
    const [reported] = await world.deployments.replicas(id)
    expect(reported).toMatchObject({
      revision: 1,
      problem: null,
      address: `http://127.0.0.1:${replica.port}`,
    })
  })

  it('changes no request but those that come after it: 2,000 across 5 swaps, each by a plan in force', async () => {
    const plans = [alone(1), pair(1, 2, 10), pair(1, 2, 50), alone(2), pair(2, 3, 30), alone(3)]
    const { id } = await world.deploy('busy', plans[0]!)
    await world.inForce(id, 1)
    const answers: { before: number; answer: Answer; after: number }[] = []
    let issued = 1
    let inForce = 1
    let next = 0
    const client = async (): Promise<void> => {
      // However slow the swaps are, there is load until the last is done.
      while (next < 2000 || inForce < plans.length) {
        const row = { id: `busy-${next++}`, features: features() }
        const before = inForce
        answers.push({ before, answer: await replica.predict('busy', [row]), after: issued })
      }
    }
    const clients = Array.from({ length: 8 }, client)
    for (const plan of plans.slice(1)) {
      const due = (issued * 2000) / plans.length
      await eventually(() => expect(answers.length).toBeGreaterThan(due), { everyMs: 5 })
      issued++
      await world.issue(id, plan)
      await world.inForce(id, issued)
      await eventually(() => expect(answers.at(-1)!.answer.body.revision).toBe(issued), { everyMs: 5 })
      inForce = issued
    }
    await Promise.all(clients)
    expect(answers.length).toBeGreaterThanOrEqual(2000)
    for (const { before, answer, after } of answers) {
      expectStatus(answer, 200)
      const { revision, predictions } = answer.body
      expect(revision).toBeGreaterThanOrEqual(before)
      expect(revision).toBeLessThanOrEqual(after)
      const { version, value } = predictions[0]!
      expect(plans[revision - 1]!.map(arm => arm.version)).toContain(version)
      expect(value).toBe(100 * version)
    }
    expect(new Set(answers.map(({ answer }) => answer.body.revision)).size).toBe(plans.length)
    // And the one of the test before.
    const records = (await world.sentUntil(answers.length + 1)).filter(record => record.deployment === 'busy')
    expect(new Set(records.map(record => record.id)).size).toBe(answers.length)
    expect(records).toHaveLength(answers.length)
  })

  it.each<[string, RegExp, (name: string) => Promise<{ id: string; heal: () => Promise<void> }>]>([
    [
      'whose model is missing',
      /is not in the object store/,
      async name => {
        const { id } = await served(name)
        const broken = await storeVersion(world.objects, 7)
        await rm(join(world.directory, 'objects', broken.onnx.uri))
        await world.issue(id, alone(7), [broken])
        return { id, heal: async () => void (await storeVersion(world.objects, 7)) }
      },
    ],
    [
      'whose model is corrupt',
      /is corrupt/,
      async name => {
        const { id } = await served(name)
        const broken = await storeVersion(world.objects, 8)
        const file = join(world.directory, 'objects', broken.onnx.uri)
        await rm(file)
        await writeFile(file, 'rotten')
        await world.issue(id, alone(8), [broken])
        return { id, heal: async () => void (await storeVersion(world.objects, 8)) }
      },
    ],
    [
      'whose model does not load',
      /cannot be loaded as an ONNX model/,
      async name => {
        const { id } = await served(name)
        const onnx = await world.objects.write('default', Buffer.from('no model'))
        const broken = { ...(await storeVersion(world.objects, 9)), onnx }
        await world.issue(id, alone(9), [broken])
        return { id, heal: async () => void (await world.issue(id, alone(9))) }
      },
    ],
  ])(
    '%s is reported, the one before goes on, and it is taken once it can be',
    async (what, problem, make) => {
      const name = what.replaceAll(' ', '-')
      const { id, heal } = await make(name)
      await eventually(async () => {
        const [reported] = await world.deployments.replicas(id)
        expect(reported).toMatchObject({ revision: 1, problem: expect.stringMatching(problem) })
      })
      const { status, body } = await replica.predict(name, [{ features: features() }])
      expect([status, body.revision, body.predictions[0]?.version]).toEqual([200, 1, 1])
      await heal()
      const latest = (await world.deployments.plan(id))!.revision
      await world.inForce(id, latest)
      expect((await replica.predict(name, [{ features: features() }])).status).toBe(200)
    },
  )

  it('leaves no half-fetched models behind', async () => {
    const names = await readdir(join(world.replicaDirectory(), 'models'))
    expect(names.filter(name => !/^[0-9a-f]{64}\.onnx$/.test(name))).toEqual([])
  })
})
