import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import type { PlanArm } from '../../domain/routing/plan.js'
import { planTopic, RunWakes } from '../../stores/redis/wake.js'
import { eventually } from '../support/eventually.js'
import { Proxy } from '../support/proxy.js'
import { features, World } from './support/world.js'

const alone = (version: number): PlanArm[] => [{ version, role: 'stable', weight: 100 }]
/** So long that no look of a test is one of the poll. */
const NEVER_POLL = { MLFORGE_SERVING_POLL_SECONDS: '3600' }
const UNHEARD = /redis does not answer/g

describe('a replica that Redis tells of new plans', () => {
  let world: World
  let proxy: Proxy
  let wakes: RunWakes
  beforeEach(async () => {
    world = await World.create()
    proxy = await Proxy.before(process.env['TEST_REDIS_URL']!)
    wakes = new RunWakes(process.env['TEST_REDIS_URL']!, { warn: () => undefined })
  })
  afterEach(async () => {
    wakes.close()
    await proxy.close()
    await world.close()
  })

  /** Told of plans until it is ready, where its first look may have failed and no other one follows. */
  const started = async (env: Record<string, string>) => {
    const replica = await world.replica({ env: { MLFORGE_REDIS_URL: proxy.url, ...env } })
    const telling = setInterval(() => wakes.publish(planTopic('default')), 1_000)
    try {
      return await replica.ready()
    } finally {
      clearInterval(telling)
    }
  }
  /** Published until it has been heard: whether anybody is subscribed yet is nobody's to know. */
  const told = (id: string, revision: number) =>
    eventually(async () => {
      wakes.publish(planTopic('default'))
      const replicas = await world.deployments.replicas(id)
      expect(replicas.map(replica => replica.revision)).toEqual([revision])
    })

  it('looks at once, and again after Redis was away, which it says once', async () => {
    const { id } = await world.deploy('bike', alone(1))
    const replica = await started(NEVER_POLL)
    await told(id, await world.issue(id, alone(2)))
    await proxy.close()
    await eventually(() => expect(replica.output.match(UNHEARD)).toHaveLength(1))
    const revision = await world.issue(id, alone(3))
    expect((await replica.predict('bike', [{ features: features() }])).body.revision).toBe(2)
    await proxy.open()
    await told(id, revision)
    expect((await replica.predict('bike', [{ features: features() }])).body.revision).toBe(3)
    expect(replica.output.match(UNHEARD)).toHaveLength(1)
  })

  it('polls as before where Redis is away, also from its start on, and ends when it is told to', async () => {
    await proxy.close()
    const { id } = await world.deploy('bike', alone(1))
    const replica = await started({})
    await world.inForce(id, await world.issue(id, alone(2)))
    expect(replica.output.match(UNHEARD)).toHaveLength(1)
    expect(await replica.terminate()).toBe(0)
  })
})
