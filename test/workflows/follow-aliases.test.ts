import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { FollowResult } from '../../activities/following.js'
import type { RolloutSpec } from '../../domain/rollouts/spec.js'
import { writeSequence } from '../../domain/runs/run-status.js'
import { sha256Hex, uuidv7 } from '../../stores/ids.js'
import type { Deployment } from '../../stores/postgres/entities/deployment.js'
import { Harness, PROJECT } from '../support/harness.js'
import { record } from '../support/histories.js'

describe('followAliases', () => {
  let harness: Harness
  let serial = 0
  beforeAll(async () => {
    // Nothing is started: the rollouts that are taken on stay open until a test ends them.
    harness = await Harness.start({ queues: ['workflows', 'io'], relay: false })
    for (const version of [1, 2, 3]) await register(version)
  })
  afterAll(() => harness.stop())

  const register = (version: number) =>
    harness.database.dataSource.transaction(transaction =>
      harness.ports.models.register(transaction, PROJECT, 'bike', {
        engine: 'xgboost',
        sha256: sha256Hex(`version ${version}`),
        artifacts: {},
        signature: {},
        metrics: {},
        gate: {},
        parity: {},
        lineage: {},
        runId: uuidv7(),
        effectKey: uuidv7(),
      }),
    )
  /** A deployment that follows an alias of its own. */
  async function follower(): Promise<Deployment & { alias: string }> {
    const name = `bikes-${++serial}`
    const { id } = await harness.ports.deployments.create(PROJECT, name, 'bike', 'key:test')
    const alias = `alias-${serial}`
    await harness.ports.deployments.follow(id, { alias, strategy: { kind: 'canary' } })
    return { ...(await harness.ports.deployments.get(PROJECT, name)), alias }
  }
  const move = (alias: string, version: number | null) =>
    harness.ports.models.moveAlias(PROJECT, 'bike', alias, { version, principal: 'key:ann', reason: 'best' })
  const tick = (workflowId?: string) => harness.tick<FollowResult>('followAliases', workflowId)
  const end = async (id: string) => {
    await harness.ports.runs.update(id, writeSequence(1, 1), { status: 'running', stage: 'running' })
    await harness.ports.runs.update(id, writeSequence(1, 'closing'), { status: 'refused', stage: 'refused' })
  }
  const serves = (id: string, version: number) =>
    harness.database.dataSource.transaction(transaction =>
      harness.ports.deployments.issue(transaction, id, {
        plan: { salt: 's', arms: [{ version, role: 'stable', weight: 100 }] },
        versions: [],
        reason: 'test',
        rolloutId: uuidv7(),
        effectKey: uuidv7(),
      }),
    )

  it('starts one rollout for a move, in the name of who moved the alias', async () => {
    const { name, alias } = await follower()
    expect((await tick()).started).toEqual([])
    await move(alias, 2)
    const workflowId = `${PROJECT}/system/followAliases/${uuidv7()}`
    const { started } = await tick(workflowId)
    expect(started).toHaveLength(1)
    const run = await harness.ports.runs.get(PROJECT, started[0]!)
    expect(run).toMatchObject({ kind: 'rollout', name, principal: 'key:ann', trigger: 'alias' })
    expect(run.request as RolloutSpec).toEqual({
      deployment: name,
      model: 'bike',
      candidate: { version: 2 },
      strategy: { kind: 'canary' },
      force: null,
      reason: `follows alias ${alias}: best`,
    })
    expect((await tick()).started).toEqual([])
    await record(harness.client, workflowId, 'followAliases.started')
  })

  it('lets an open rollout end, then follows by what serves; a move is tried once', async () => {
    const { id, alias } = await follower()
    await move(alias, 1)
    const [first] = (await tick()).started
    await move(alias, 2)
    await move(alias, 3)
    expect((await tick()).started).toEqual([])
    await end(first!)
    await serves(id, 1)
    const [second] = (await tick()).started
    expect((await harness.ports.runs.get(PROJECT, second!)).request).toMatchObject({
      candidate: { version: 3 },
    })
    await end(second!)
    expect((await tick()).started).toEqual([])
    // Moved away and back again is another move.
    await move(alias, 2)
    await move(alias, 3)
    expect((await tick()).started).toHaveLength(1)
  })

  it('has nothing to do where the version serves, and none after it stops following', async () => {
    const { id, alias } = await follower()
    await serves(id, 2)
    await move(alias, 2)
    expect((await tick()).started).toEqual([])
    await harness.ports.deployments.follow(id, null)
    await move(alias, 3)
    expect((await tick()).started).toEqual([])
  })
})
