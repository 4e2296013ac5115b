import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { writeSequence } from '../../../domain/runs/run-status.js'
import { uuidv7 } from '../../../stores/ids.js'
import { OutboxStore, START_DEADLINE_MS } from '../../../stores/postgres/outbox-store.js'
import { RetryStore } from '../../../stores/postgres/retry-store.js'
import type { AcceptRun } from '../../../stores/postgres/run-acceptance.js'
import { RunStore } from '../../../stores/postgres/run-store.js'
import { type TestDatabase, testDatabase } from '../../support/postgres.js'

describe('RunStore', () => {
  let database: TestDatabase
  let runs: RunStore
  let outbox: OutboxStore
  beforeAll(async () => {
    database = await testDatabase()
    runs = new RunStore(database.dataSource)
    outbox = new OutboxStore(database.dataSource)
  })
  afterAll(() => database.drop())

  const request = (more: Partial<AcceptRun> = {}): AcceptRun => ({
    project: 'default',
    kind: 'training',
    name: 'bike',
    request: { rounds: 10 },
    principal: 'key:admin',
    trigger: 'api',
    retryPolicy: { codes: ['object_missing'], maxAttempts: 3, delaySeconds: 0 },
    ...more,
  })
  const drain = async () => {
    const started: string[] = []
    await outbox.relay(100, async ({ run }) => {
      started.push(run.id)
      await Promise.resolve()
    })
    return started
  }

  it('accepts a run together with the promise to start it', async () => {
    const { run, replayed } = await runs.accept(request())
    expect(replayed).toBe(false)
    expect(run).toMatchObject({
      status: 'accepted',
      attempt: 1,
      workflowId: `default/training/bike/${run.id}`,
    })
    expect(await runs.isStartOwed(run.id)).toBe(true)
    expect(await drain()).toEqual([run.id])
    expect(await runs.isStartOwed(run.id)).toBe(false)
  })

  it('answers the same key and body with the same run, and refuses another body', async () => {
    const idempotency = { route: 'POST /v1/trainings', key: uuidv7(), bodySha256: 'a' }
    const both = await Promise.all([
      runs.accept(request({ idempotency })),
      runs.accept(request({ idempotency })),
    ])
    expect(new Set(both.map(answer => answer.run.id)).size).toBe(1)
    expect(both.map(answer => answer.replayed).sort()).toEqual([false, true])
    await expect(
      runs.accept(request({ idempotency: { ...idempotency, bodySha256: 'b' } })),
    ).rejects.toMatchObject({ code: 'idempotency_key_reused', details: { runId: both[0].run.id } })
    expect((await drain()).length).toBe(1)
  })

  it('forgets a key after its seven days', async () => {
    const idempotency = { route: 'POST /v1/trainings', key: uuidv7(), bodySha256: 'a' }
    const first = await runs.accept(request({ idempotency }))
    await database.dataSource.query(`UPDATE idempotency_keys SET expires_at = now() - interval '1 second'`)
    const second = await runs.accept(request({ idempotency: { ...idempotency, bodySha256: 'b' } }))
    expect(second.run.id).not.toBe(first.run.id)
    await drain()
  })

  it('takes the tick of a schedule once', async () => {
    const id = uuidv7()
    await runs.accept(request({ id, trigger: 'schedule', startedByCaller: true }))
    const again = await runs.accept(request({ id, trigger: 'schedule', startedByCaller: true }))
    expect(again).toMatchObject({ replayed: true, run: { id } })
    expect(await runs.isStartOwed(id)).toBe(false)
  })

  it('ignores writes that come late', async () => {
    const { run } = await runs.accept(request())
    expect(await runs.update(run.id, writeSequence(1, 1), { status: 'running', stage: 'train' })).toBe(true)
    expect(await runs.update(run.id, writeSequence(1, 'closing'), { status: 'succeeded' })).toBe(true)
    expect(await runs.update(run.id, writeSequence(1, 2), { status: 'running' })).toBe(false)
    expect(await runs.get('default', run.id)).toMatchObject({ status: 'succeeded', stage: 'train' })
    await drain()
  })

  it('plans an automatic retry for the codes of the policy until its attempts are used up', async () => {
    const { run } = await runs.accept(request())
    const error = { code: 'object_missing', message: 'gone' }
    for (let attempt = 1; attempt <= 3; attempt++) {
      expect(await runs.update(run.id, writeSequence(attempt, 1), { status: 'running' })).toBe(true)
      await runs.update(run.id, writeSequence(attempt, 'closing'), { status: 'failed', error })
      const due = (await new RetryStore(database.dataSource).due('default', 10)).map(({ id }) => id)
      expect(due.includes(run.id)).toBe(attempt < 3)
      if (attempt === 3) break
      // Two supervisors that see the same failure start it once.
      await Promise.all([
        runs.retry('default', run.id, { attempt }),
        runs.retry('default', run.id, { attempt }),
      ])
      expect(await runs.get('default', run.id)).toMatchObject({ status: 'accepted', attempt: attempt + 1 })
    }
    expect(await runs.get('default', run.id)).toMatchObject({
      status: 'failed',
      nextAttemptAt: null,
      retryNote: '3 of 3 attempts are used up',
    })
    await drain()
  })

  it('retries by hand only what has ended badly', async () => {
    const { run } = await runs.accept(request())
    await expect(runs.retry('default', run.id)).rejects.toMatchObject({ code: 'wrong_state' })
    await runs.update(run.id, writeSequence(1, 'closing'), {
      status: 'refused',
      error: { code: 'gate_refused', message: 'no' },
    })
    await expect(runs.retry('default', run.id)).rejects.toMatchObject({ code: 'wrong_state' })
    await drain()
  })

  it('cancels a run that has not started, so that it never starts', async () => {
    const { run } = await runs.accept(request())
    expect(await runs.cancelAccepted('default', run.id)).toBe(true)
    expect(await drain()).toEqual([])
    expect(await runs.get('default', run.id)).toMatchObject({ status: 'cancelled', nextAttemptAt: null })
    const other = await runs.accept(request())
    await runs.started(other.run.id, 1, 'execution')
    expect(await runs.cancelAccepted('default', other.run.id)).toBe(false)
  })

  it('tries a failed start again later', async () => {
    const { run } = await runs.accept(request())
    const fail = () => Promise.reject(new Error('Temporal is away'))
    const before = Date.now()
    expect(await outbox.relay(1, fail)).toBe(1)
    const [row] = await database.dataSource.query<{ due_at: Date; tries: number }[]>(
      'SELECT due_at, tries FROM outbox WHERE run_id = $1',
      [run.id],
    )
    expect(row!.tries).toBe(1)
    expect(row!.due_at.getTime()).toBeGreaterThanOrEqual(before + 1_000)
    await database.dataSource.query(`UPDATE outbox SET due_at = now() + interval '1 hour'`)
    expect(await outbox.relay(10, fail)).toBe(0)
    expect(await runs.isStartOwed(run.id)).toBe(true)
    await database.dataSource.query(`UPDATE outbox SET due_at = now()`)
    expect(await drain()).toEqual([run.id])
    expect(START_DEADLINE_MS).toBe(3_600_000)
  })

  it('pages without losing or repeating rows, newest first', async () => {
    for (let i = 0; i < 7; i++) await runs.accept(request({ name: 'paged' }))
    const seen: string[] = []
    let cursor: string | undefined
    do {
      const page = await runs.list('default', { name: 'paged', limit: 3, ...(cursor ? { cursor } : {}) })
      seen.push(...page.items.map(({ id }) => id))
      cursor = page.nextCursor
    } while (cursor)
    expect(seen.length).toBe(7)
    expect(new Set(seen).size).toBe(7)
    await expect(runs.list('default', { cursor: 'nonsense' })).rejects.toMatchObject({
      code: 'invalid_request',
    })
    await drain()
  })
})
