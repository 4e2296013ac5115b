import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { uuidv7 } from '../../../stores/ids.js'
import { LedgerStore } from '../../../stores/postgres/ledger-store.js'
import { ModelStore } from '../../../stores/postgres/model-store.js'
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
  const versions = async () => (await models.versions('default', 'bike', {})).items.length

  it('commits a step and its effect once, however often it is finished', async () => {
    const runId = uuidv7()
    const ref = { runId, step: 'register', generation: 1, attempt: 1 }
    const fence = await ledger.takeRun(runId, 'worker 1')
    const first = await ledger.finish(ref, fence, register(runId))
    const again = await ledger.finish({ ...ref, attempt: 2 }, fence, register(runId))
    expect(again).toEqual(first)
    expect(await ledger.outcome(ref)).toEqual(first)
    expect(await versions()).toBe(1)
  })

  it('lets only the latest of two writers write', async () => {
    const before = await versions()
    const runId = uuidv7()
    const ref = { runId, step: 'register', generation: 1, attempt: 1 }
    const zombie = await ledger.takeRun(runId, 'a worker thought dead')
    const heir = await ledger.takeRun(runId, 'its heir')
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
    const fence = await ledger.takeRun(runId, 'worker')
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
        const fence = await ledger.takeRun(runId, 'worker')
        return ledger.finish({ runId, step: 'register', generation: 1, attempt: 1 }, fence, register(runId))
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
