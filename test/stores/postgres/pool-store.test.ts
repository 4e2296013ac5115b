import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { writeSequence } from '../../../domain/runs/run-status.js'
import { uuidv7 } from '../../../stores/ids.js'
import { type ClaimKey, releaseIn } from '../../../stores/postgres/pool-claims.js'
import { PoolStore } from '../../../stores/postgres/pool-store.js'
import { RunStore } from '../../../stores/postgres/run-store.js'
import { type TestDatabase, testDatabase } from '../../support/postgres.js'

const PROJECT = 'default'

describe('PoolStore', () => {
  let database: TestDatabase
  let pools: PoolStore
  let runs: RunStore
  const woken: string[] = []
  beforeAll(async () => {
    database = await testDatabase()
    pools = new PoolStore(database.dataSource)
    runs = new RunStore(database.dataSource, runId => woken.push(runId))
  })
  afterAll(() => database.drop())

  const put = (name: string, slots: number) => pools.put(PROJECT, name, { slots, description: null })
  const open = async (priority: number | null = null): Promise<string> => {
    const { run } = await runs.accept({
      project: PROJECT,
      kind: 'pipeline',
      name: 'p',
      request: { version: 1, parameters: {} },
      principal: 'key:test',
      trigger: 'api',
      retryPolicy: { codes: [], maxAttempts: 1, delaySeconds: 1 },
      priority,
    })
    return run.id
  }
  const keyOf = (runId: string, step = 'a'): ClaimKey => ({ runId, step, generation: 1 })
  const ask = (key: ClaimKey, pool: string, slots = 1) => pools.ask(key, { project: PROJECT, pool, slots })
  const release = (...keys: ClaimKey[]) =>
    database.dataSource.transaction(transaction => releaseIn(transaction, keys))
  const end = (runId: string) =>
    runs.update(runId, writeSequence(1, 'closing'), { status: 'failed', stage: 'failed' })
  const useOf = async (name: string) => (await pools.use(PROJECT, [name])).get(name) ?? { held: 0, queued: 0 }

  it('grants no more than there is, whoever asks and gives back at the same time', async () => {
    await put('busy', 3)
    const runId = await open()
    const seen: number[] = []
    const work = async (i: number): Promise<void> => {
      const key = keyOf(runId, `s${i}`)
      const slots = 1 + (i % 2)
      while (!(await ask(key, 'busy', slots))) await pools.stateOf(key)
      seen.push((await useOf('busy')).held)
      await release(key)
    }
    await Promise.all(Array.from({ length: 24 }, (_, i) => work(i)))
    expect(seen).toHaveLength(24)
    expect(Math.max(...seen)).toBeLessThanOrEqual(3)
    expect(await useOf('busy')).toEqual({ held: 0, queued: 0 })
  })

  it('keeps a claim that is asked for again, with its place', async () => {
    await put('kept', 1)
    const [a, b, c] = [await open(), await open(), await open()]
    expect(await ask(keyOf(a), 'kept')).toBe(true)
    expect(await ask(keyOf(a), 'kept')).toBe(true)
    expect(await ask(keyOf(b), 'kept')).toBe(false)
    expect(await ask(keyOf(c), 'kept')).toBe(false)
    expect(await ask(keyOf(b), 'kept')).toBe(false)
    expect(await useOf('kept')).toEqual({ held: 1, queued: 2 })
    expect(await pools.queuedOf(b)).toEqual([{ ...keyOf(b), pool: 'kept', slots: 1, position: 1 }])
    expect(await release(keyOf(a))).toEqual([b])
    expect(await pools.stateOf(keyOf(b))).toBe('granted')
    expect(await pools.stateOf(keyOf(c))).toBe('queued')
    expect(await pools.stateOf(keyOf(a))).toBe('gone')
  })

  it('is given back with the end of the run, in its transaction, and refuses what comes after it', async () => {
    await put('ended', 1)
    const [a, b] = [await open(), await open(1)]
    expect(await ask(keyOf(a), 'ended')).toBe(true)
    expect(await ask(keyOf(b), 'ended')).toBe(false)
    woken.length = 0
    expect(await end(a)).toBe(true)
    expect(woken).toEqual([b])
    expect(await pools.stateOf(keyOf(b))).toBe('granted')
    await expect(ask(keyOf(a), 'ended')).rejects.toMatchObject({ code: 'wrong_state' })
    await end(b)
    expect(await useOf('ended')).toEqual({ held: 0, queued: 0 })
  })

  it('leaves nothing behind where a step asks while its run ends', async () => {
    await put('raced', 5)
    const ids = await Promise.all(Array.from({ length: 10 }, () => open()))
    await Promise.all(
      ids.flatMap(id => [
        end(id),
        ...['a', 'b', 'c'].map(step => ask(keyOf(id, step), 'raced').catch((error: unknown) => error)),
      ]),
    )
    expect(await useOf('raced')).toEqual({ held: 0, queued: 0 })
  })

  it('gives more room to those that wait, and takes none from those that hold it', async () => {
    await put('sized', 1)
    const [a, b, c] = [await open(), await open(), await open()]
    for (const id of [a, b, c]) await ask(keyOf(id), 'sized')
    expect((await put('sized', 2)).granted).toEqual([b])
    expect((await put('sized', 1)).granted).toEqual([])
    expect(await useOf('sized')).toEqual({ held: 2, queued: 1 })
    expect(await release(keyOf(a))).toEqual([])
    expect(await release(keyOf(b))).toEqual([c])
  })

  it('tells those that ask for what cannot be', async () => {
    await put('small', 2)
    const id = await open()
    await expect(ask(keyOf(id), 'smal')).rejects.toMatchObject({
      code: 'pool_unknown',
      message: expect.stringContaining('Did you mean "small"?'),
    })
    await expect(ask(keyOf(id), 'small', 3)).rejects.toMatchObject({ code: 'pool_too_small' })
    await ask(keyOf(id, 'x'), 'small', 2)
    expect(await ask(keyOf(id), 'small', 2)).toBe(false)
    await put('small', 1)
    // It can never be granted any more: whoever waits is sent to ask again, and is told.
    expect(await pools.stateOf(keyOf(id))).toBe('gone')
    await expect(ask(keyOf(id), 'small', 2)).rejects.toMatchObject({ code: 'pool_too_small' })
  })

  it('is deleted by nobody while it is used', async () => {
    await put('used', 1)
    const id = await open()
    await ask(keyOf(id), 'used')
    await expect(pools.remove(PROJECT, 'used')).rejects.toMatchObject({
      code: 'pool_in_use',
      details: { runs: [id] },
    })
    await release(keyOf(id))
    await pools.remove(PROJECT, 'used')
    await expect(pools.get(PROJECT, 'used')).rejects.toMatchObject({ code: 'not_found' })
  })

  it('sweeps what was left by hand, and grants what it left', async () => {
    await put('swept', 1)
    const [a, b] = [await open(), await open()]
    await ask(keyOf(a), 'swept')
    await ask(keyOf(b), 'swept')
    await database.dataSource.query(`UPDATE runs SET status = 'terminated' WHERE id = $1`, [a])
    await database.dataSource.query(
      `INSERT INTO pool_claims SELECT $1, step, generation, project, pool, slots, priority, asked_at, NULL, false
       FROM pool_claims WHERE run_id = $2`,
      [uuidv7(), a],
    )
    expect(await pools.sweep(PROJECT)).toEqual([b])
    expect(await useOf('swept')).toEqual({ held: 1, queued: 0 })
    expect(await pools.stateOf(keyOf(b))).toBe('granted')
  })
})
