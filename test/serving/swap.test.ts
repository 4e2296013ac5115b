import { readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { chooseArm } from '../../domain/routing/choose-arm.js'
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

const OFTEN = { everyMs: 5 }

/**
 * Calls `send` at a fixed rate, however long what it has begun takes: what could not be sent in time is sent
 * at once.
 */
async function atRate(perSecond: number, going: () => boolean, send: () => void): Promise<void> {
  const began = performance.now()
  for (let sent = 0; going(); await wait(1)) {
    const due = ((performance.now() - began) * perSecond) / 1000
    for (; sent < due && going(); sent++) send()
  }
}

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

  it('changes no request but those that come after it: 10,000 at 1,000 a second across 20 swaps', async () => {
    // Each version is put beside the one before, given half, and made the only one; four of them take turns.
    const plans = [0, 1, 2, 3, 4, 5, 6].flatMap(turn => {
      const [stable, candidate] = [1 + (turn % 4), 1 + ((turn + 1) % 4)]
      return [alone(stable), pair(stable, candidate, 10), pair(stable, candidate, 50)]
    })
    const { id } = await world.deploy('busy', plans[0]!)
    await world.inForce(id, 1)
    const answers: Promise<{ id: string; before: number; answer: Answer; after: number }>[] = []
    let issued = 1
    let inForce = 1
    let newest = 1
    let answered = 0
    const ask = async (index: number) => {
      const row = { id: `busy-${index}`, key: `rider-${index % 500}`, features: features() }
      const before = inForce
      const answer = await replica.predict('busy', [row])
      answered++
      newest = Math.max(newest, answer.body.revision)
      return { id: row.id, before, answer, after: issued }
    }
    const swaps = async (): Promise<void> => {
      for (const plan of plans.slice(1)) {
        const due = (issued * 10_000) / plans.length
        await eventually(() => expect(answered).toBeGreaterThan(due), OFTEN)
        issued++
        await world.issue(id, plan)
        await world.inForce(id, issued)
        await eventually(() => expect(newest).toBe(issued), OFTEN)
        inForce = issued
      }
    }
    let swapping = true
    const swapped = swaps().finally(() => (swapping = false))
    await atRate(
      1_000,
      () => swapping || answers.length < 10_000,
      () => {
        // However slow the swaps are, there is load until the last is done; then no more than is answered.
        if (answers.length < 10_000 || answers.length - answered < 100) answers.push(ask(answers.length))
      },
    )
    await swapped
    const seen = await Promise.all(answers)
    expect(seen.length).toBeGreaterThanOrEqual(10_000)
    for (const [index, { id: asked, before, answer, after }] of seen.entries()) {
      expectStatus(answer, 200)
      const { revision, predictions } = answer.body
      expect(revision).toBeGreaterThanOrEqual(before)
      expect(revision).toBeLessThanOrEqual(after)
      // The version that this plan gives to this key, and no other.
      const { version } = chooseArm({ arms: plans[revision - 1]!, salt: 'salt' }, `rider-${index % 500}`)
      expect(predictions).toEqual([{ id: asked, version, value: 100 * version }])
    }
    expect(new Set(seen.map(({ answer }) => answer.body.revision)).size).toBe(plans.length)
    // And the one of the test before.
    const records = (await world.sentUntil(seen.length + 1)).filter(record => record.deployment === 'busy')
    expect(records.map(record => record.id).toSorted()).toEqual(seen.map(each => each.id).toSorted())
    const bodies = new Map(seen.map(({ id: asked, answer }) => [asked, answer.body]))
    for (const { id: asked, revision, version, output } of records) {
      const { revision: told, predictions } = bodies.get(asked)!
      expect([revision, version, output]).toEqual([told, predictions[0]!.version, predictions[0]!.value])
    }
  })

  it.each<[string, RegExp, (name: string) => Promise<{ id: string; heal: () => Promise<void> }>]>([
    [
      'whose model is missing',
      /is not in the object store/,
      async name => {
        const { id } = await served(name)
        const broken = await storeVersion(world.objects, 17)
        await rm(join(world.directory, 'objects', broken.onnx.uri))
        await world.issue(id, alone(17), [broken])
        return { id, heal: async () => void (await storeVersion(world.objects, 17)) }
      },
    ],
    [
      'whose model is corrupt',
      /is corrupt/,
      async name => {
        const { id } = await served(name)
        const broken = await storeVersion(world.objects, 18)
        const file = join(world.directory, 'objects', broken.onnx.uri)
        await rm(file)
        await writeFile(file, 'rotten')
        await world.issue(id, alone(18), [broken])
        return { id, heal: async () => void (await storeVersion(world.objects, 18)) }
      },
    ],
    [
      'whose model does not load',
      /cannot be loaded as an ONNX model/,
      async name => {
        const { id } = await served(name)
        const onnx = await world.objects.write('default', Buffer.from('no model'))
        const broken = { ...(await storeVersion(world.objects, 19)), onnx }
        await world.issue(id, alone(19), [broken])
        return { id, heal: async () => void (await world.issue(id, alone(19))) }
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
