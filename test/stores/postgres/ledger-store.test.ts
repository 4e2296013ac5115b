import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { writeSequence } from '../../../domain/runs/run-status.js'
import { uuidv7 } from '../../../stores/ids.js'
import type { Fence } from '../../../stores/postgres/leases.js'
import { LedgerStore, type StepRef } from '../../../stores/postgres/ledger-store.js'
import { ModelStore } from '../../../stores/postgres/model-store.js'
import { RunStore } from '../../../stores/postgres/run-store.js'
import { type TestDatabase, testDatabase } from '../../support/postgres.js'

describe('LedgerStore', () => {
  let database: TestDatabase
  let ledger: LedgerStore
  let models: ModelStore
  beforeAll(async () => {
    database = await testDatabase()
    ledger = new LedgerStore(database.dataSource)
    models = new ModelStore(database.dataSource)
  })
  afterAll(() => database.drop())

  const register = (runId: string) => async (transaction: Parameters<ModelStore['register']>[0]) => {
    const { version } = await models.register(transaction, 'default', 'bike', {
      engine: 'xgboost',
      sha256: 'a',
      artifacts: {},
      signature: {},
      metrics: {},
      gate: {},
      parity: {},
      lineage: {},
      runId,
      effectKey: `${runId}/register/g1`,
    })
    return { version }
  }
  const taken = async (ref: StepRef, owner: string): Promise<Fence> => {
    const begun = await ledger.begin(ref, owner)
    if ('fence' in begun) return begun.fence
    throw new Error(`Step ${ref.step} is finished already.`)
  }
  const versions = async () => (await models.versions('default', 'bike', {})).items.length

  it('commits a step and its effect once, however often it is finished', async () => {
    const runId = uuidv7()
    const ref = { runId, step: 'register', generation: 1, attempt: 1 }
    const fence = await taken(ref, 'worker 1')
    const first = await ledger.finish(ref, fence, register(runId))
    const again = await ledger.finish({ ...ref, attempt: 2 }, fence, register(runId))
    expect(again).toEqual(first)
    expect(await ledger.outcome(ref)).toEqual(first)
    expect(await versions()).toBe(1)
    // It does not begin again, and the lease stays where it was.
    expect(await ledger.begin(ref, 'worker 2')).toEqual({ outcome: first })
    await expect(ledger.fenced(fence, () => Promise.resolve('still the writer'))).resolves.toBe(
      'still the writer',
    )
  })

  it('shows the step that begins as the stage of the run, for the attempt that runs alone', async () => {
    const runs = new RunStore(database.dataSource)
    const { run } = await runs.accept({
      project: 'default',
      kind: 'training',
      name: 'bike',
      request: {},
      principal: 'key:ann',
      trigger: 'api',
      retryPolicy: { codes: [], maxAttempts: 1, delaySeconds: 1 },
    })
    const stage = async () => (await runs.get('default', run.id)).stage
    const ref = { runId: run.id, step: 'train', generation: 1, attempt: 1 }
    await taken(ref, 'worker')
    expect(await stage()).toBe('accepted')
    await runs.update(run.id, writeSequence(1, 1), { status: 'running', stage: 'prepare' })
    await taken({ ...ref, attempt: 2 }, 'of another attempt')
    expect(await stage()).toBe('prepare')
    await taken(ref, 'worker')
    expect(await stage()).toBe('train')
    await runs.update(run.id, writeSequence(1, 'closing'), { status: 'succeeded', stage: 'succeeded' })
    await taken(ref, 'a worker thought dead')
    expect(await stage()).toBe('succeeded')
  })

  it('lets only the latest of two writers write', async () => {
    const before = await versions()
    const runId = uuidv7()
    const ref = { runId, step: 'register', generation: 1, attempt: 1 }
    const zombie = await taken(ref, 'a worker thought dead')
    const heir = await taken(ref, 'its heir')
    await expect(ledger.finish(ref, zombie, register(runId))).rejects.toMatchObject({
      code: 'lease_lost',
      message: expect.stringContaining('taken over by its heir'),
    })
    expect(await ledger.outcome(ref)).toBeUndefined()
    await ledger.finish(ref, heir, register(runId))
    expect(await versions()).toBe(before + 1)
  })

  it('leaves nothing of an effect that fails', async () => {
    const before = await versions()
    const runId = uuidv7()
    const ref = { runId, step: 'register', generation: 1, attempt: 1 }
    const fence = await taken(ref, 'worker')
    const failing = ledger.finish(ref, fence, async transaction => {
      await register(runId)(transaction)
      throw new Error('the last statement failed')
    })
    await expect(failing).rejects.toThrow('the last statement failed')
    expect(await versions()).toBe(before)
    expect(await ledger.steps(runId)).toEqual([])
  })

  it('numbers the versions of concurrent runs without gaps', async () => {
    const before = await versions()
    const runIds = Array.from({ length: 8 }, () => uuidv7())
    const made = await Promise.all(
      runIds.map(async runId => {
        const ref = { runId, step: 'register', generation: 1, attempt: 1 }
        return ledger.finish(ref, await taken(ref, 'worker'), register(runId))
      }),
    )
    expect(made.map(({ version }) => version).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 8 }, (_, i) => before + i + 1),
    )
  })

  it('keeps who moved an alias, when, and why', async () => {
    const move = { principal: 'key:ann', reason: 'better on the holdout' }
    await models.moveAlias('default', 'bike', 'champion', { ...move, version: 1 })
    await models.moveAlias('default', 'bike', 'champion', { ...move, version: 2 })
    await models.moveAlias('default', 'bike', 'champion', { ...move, version: 2 })
    await models.moveAlias('default', 'bike', 'champion', { ...move, version: null, reason: 'withdrawn' })
    const { items } = await models.aliasHistory('default', 'bike', 'champion', {})
    expect(items.map(({ fromVersion, toVersion, reason }) => [fromVersion, toVersion, reason])).toEqual([
      [2, null, 'withdrawn'],
      [1, 2, 'better on the holdout'],
      [null, 1, 'better on the holdout'],
    ])
    await expect(
      models.moveAlias('default', 'bike', 'champion', { ...move, version: 99 }),
    ).rejects.toMatchObject({ code: 'not_found' })
    await expect(models.get('default', 'bkie')).rejects.toThrow('Did you mean "bike"?')
  })
})
