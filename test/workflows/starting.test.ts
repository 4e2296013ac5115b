import { gunzipSync } from 'node:zlib'
import { Client, Connection } from '@temporalio/client'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { QUEUES } from '../../contracts/temporal/queues.js'
import { writeSequence } from '../../domain/runs/run-status.js'
import { uuidv7 } from '../../stores/ids.js'
import type { Run } from '../../stores/postgres/entities/run.js'
import { relayStarts } from '../../worker/relay.js'
import { TemporalRuns } from '../../worker/temporal-runs.js'
import { bikeCsv, bikeTraining } from '../support/bike-data.js'
import { eventually } from '../support/eventually.js'
import { Harness, PROJECT } from '../support/harness.js'
import { record } from '../support/histories.js'
import { Proxy } from '../support/proxy.js'

const ENDLESS = { rounds: 100_000, checkpointEvery: 50 }
describe('starts and ends that somebody else must see to', () => {
  let harness: Harness
  beforeAll(async () => {
    harness = await Harness.start()
    const run = await harness.commit('bike', bikeCsv(4), { columns: { dteday: { format: '%m/%d/%Y' } } })
    await harness.ended(run)
  })
  afterAll(() => harness.stop())

  const training = (model: string, more: Parameters<typeof harness.train>[1] = {}) =>
    harness.train(bikeTraining({ model, ...ENDLESS }), more)
  const started = (run: Run) =>
    harness.until(run, row =>
      expect(row).toMatchObject({ status: 'running', executionId: expect.any(String) }),
    )
  const cancel = async (run: Run) => {
    await harness.client.workflow.getHandle(run.workflowId).cancel()
    return harness.ended(run)
  }

  it('closes the row of a run that was terminated, and archives its history', async () => {
    const run = await training('terminated')
    await started(run)
    await harness.client.workflow.getHandle(run.workflowId).terminate('no longer wanted')
    await eventually(async () => {
      const result = await harness.tick<{ closed: string[] }>('reconcile')
      expect(result.closed).toEqual([run.id])
    })
    const row = await harness.row(run)
    expect(row).toMatchObject({
      status: 'terminated',
      error: { code: 'terminated', message: 'no longer wanted' },
      nextAttemptAt: null,
    })
    const archived = await eventually(async () => {
      await harness.tick('reconcile')
      const { history } = await harness.row(run)
      expect(history).not.toBeNull()
      return history!
    })
    const chunks: Uint8Array[] = []
    for await (const chunk of await harness.ports.objects.open(archived)) chunks.push(chunk as Uint8Array)
    const { events } = JSON.parse(gunzipSync(Buffer.concat(chunks)).toString()) as {
      events: { eventType: string }[]
    }
    expect(events[0]!.eventType).toBe('EVENT_TYPE_WORKFLOW_EXECUTION_STARTED')
    expect(events.at(-1)!.eventType).toBe('EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED')
    await record(harness.client, run.workflowId, 'trainModel.terminated')
  })

  it('calls a run lost that Temporal has never heard of, but not one whose start is still owed', async () => {
    const lost = await training('lost', { startedByCaller: true })
    const workflowId = `${PROJECT}/system/reconcile/${uuidv7()}`
    const result = await eventually(async () => {
      const found = await harness.tick<{ lost: string[] }>('reconcile', workflowId)
      expect(found.lost).toEqual([lost.id])
      return found
    })
    expect(result.lost).toEqual([lost.id])
    await record(harness.client, workflowId, 'reconcile.succeeded')
    expect(await harness.row(lost)).toMatchObject({ status: 'lost', error: { code: 'lost' } })
    // Its policy picks it up: it was nobody's wish that it is gone.
    const retries = `${PROJECT}/system/superviseRetries/${uuidv7()}`
    await eventually(async () => {
      const { retried } = await harness.tick<{ retried: string[] }>('superviseRetries', retries)
      expect(retried).toEqual([lost.id])
    })
    await record(harness.client, retries, 'superviseRetries.succeeded')
    await started(lost)
    await cancel({ ...lost, attempt: 2 })
  })

  it('puts the start of a failed run off where the budget of the day is used up', async () => {
    const { runs, retries } = harness.ports
    const run = await training('costly')
    await started(run)
    await cancel(run)
    await runs.retry(PROJECT, run.id)
    const again = { ...run, attempt: 2 }
    await harness.until(again, row => expect(row).toMatchObject({ status: 'running', attempt: 2 }))
    const row = await harness.row(run)
    expect(await retries.whenInBudget(row, 2)).toBeNull()
    const until = (await retries.whenInBudget(row, 1))!
    expect(until.getTime() - Date.now()).toBeGreaterThan(23 * 3_600_000)
    await cancel(again)
    // Not one that waits for a start: nothing is put off.
    await retries.postpone(await harness.row(run), until, 'note')
    expect(await harness.row(run)).toMatchObject({ nextAttemptAt: null })
    const error = { code: 'lost', message: 'gone' }
    await harness.database.dataSource.query(
      `UPDATE runs SET status = 'lost', error = $2, next_attempt_at = now() WHERE id = $1`,
      [run.id, error],
    )
    await retries.postpone(await harness.row(run), until, 'the budget is used up')
    expect(await harness.row(run)).toMatchObject({ nextAttemptAt: until, retryNote: 'the budget is used up' })
    expect(await retries.due(PROJECT, 10)).toEqual([])
  })

  it('joins a start of what is running', async () => {
    const run = await training('joined')
    const { executionId } = await started(run)
    expect(await harness.startNow(await harness.row(run))).toBe(executionId)
    await cancel(run)
  })

  it('does nothing when an attempt is started that is over, and ignores writes that come late', async () => {
    const run = await training('late')
    await started(run)
    const row = await cancel(run)
    const { type, input, options } = harness.optionsOf(run)
    const again = await harness.client.workflow.start(type, { ...options, args: [input] })
    await expect(again.result()).rejects.toMatchObject({ cause: { type: 'wrong_state' } })
    await record(harness.client, run.workflowId, 'trainModel.superseded')
    const { runs } = harness.ports
    expect(await runs.update(run.id, writeSequence(1, 5), { stage: 'train' })).toBe(false)
    expect(await harness.row(run)).toEqual(row)
  })

  it('takes the answer of a write for granted that was made but not answered', async () => {
    const run = await training('repeated', { startedByCaller: true })
    const first = { status: 'running', stage: 'prepare', executionId: 'one' } as const
    const { runs } = harness.ports
    expect(await runs.update(run.id, writeSequence(1, 1), first)).toBe(true)
    expect(await runs.update(run.id, writeSequence(1, 1), first)).toBe(true)
    expect(await runs.update(run.id, writeSequence(1, 1), { ...first, executionId: 'two' })).toBe(false)
    expect(await runs.update(run.id, writeSequence(1, 2), { stage: 'train', warnings: ['a'] })).toBe(true)
    await expect(runs.update(run.id, writeSequence(1, 3), { status: 'accepted' })).rejects.toMatchObject({
      code: 'wrong_state',
    })
    const error = { code: 'cancelled', message: '' }
    expect(
      await runs.update(run.id, writeSequence(1, 'closing'), {
        status: 'cancelled',
        error,
        warnings: ['b', 'a'],
      }),
    ).toBe(true)
    expect(await harness.row(run)).toMatchObject({
      status: 'cancelled',
      stage: 'train',
      warnings: ['a', 'b'],
    })
  })

  it('runs one training for a tick of a schedule, under an id that follows from the tick', async () => {
    const name = 'nightly'
    await harness.ports.schedules.create({
      project: PROJECT,
      name,
      kind: 'training',
      training: bikeTraining({ model: 'scheduled' }),
      deployment: null,
      pipeline: null,
      timing: { cron: '0 3 * * *' },
      paused: false,
      note: null,
      principal: 'key:test',
    })
    const workflowId = `${PROJECT}/schedule/${name}/2026-03-01T03:00:00Z`
    const tick = await harness.client.workflow.start('scheduledTraining', {
      workflowId,
      taskQueue: QUEUES.workflows,
      args: [{ project: PROJECT, schedule: name }],
    })
    expect(await tick.result()).toMatchObject({ outcome: 'succeeded', version: 1 })
    await record(harness.client, workflowId, 'scheduledTraining.succeeded')
    const { items } = await harness.ports.runs.list(PROJECT, { name: 'scheduled' })
    expect(items).toMatchObject([{ status: 'succeeded', principal: 'schedule:nightly', trigger: 'schedule' }])
    await record(harness.client, items[0]!.workflowId, 'trainModel.succeeded-as-child')
    // The same tick once more, as by a backfill or a reset: the same run, which is done.
    const again = await harness.client.workflow.start('scheduledTraining', {
      workflowId,
      taskQueue: QUEUES.workflows,
      args: [{ project: PROJECT, schedule: name }],
    })
    expect(await again.result()).toMatchObject({ outcome: 'succeeded', version: 1 })
    expect((await harness.ports.runs.list(PROJECT, { name: 'scheduled' })).items).toHaveLength(1)
    expect((await harness.ports.models.versions(PROJECT, 'scheduled', {})).items).toHaveLength(1)
  })
})

describe('starts that are owed', () => {
  let harness: Harness
  let proxy: Proxy
  beforeAll(async () => {
    // Nobody relays until a test does.
    harness = await Harness.start({ queues: ['workflows', 'io'], relay: false })
    proxy = await Proxy.before(`tcp://${harness.config.temporal.address}`)
  })
  afterAll(async () => {
    await proxy.close()
    await harness.stop()
  })

  const unreachable = () => Connection.lazy({ address: proxy.address, interceptors: [] })

  it('does not close a retried run with how the attempt before has ended', async () => {
    // Without a specification the run fails at its first step.
    const run = await harness.accept('training', 'owed', {})
    const first = await harness.startNow(run)
    await harness.ports.runs.started(run.id, 1, first)
    expect(await harness.ended(run)).toMatchObject({ status: 'failed', executionId: first })
    await harness.ports.runs.retry(PROJECT, run.id)
    await eventually(async () => {
      const { looked } = await harness.tick<{ looked: number }>('reconcile')
      expect(looked).toBe(1)
    })
    expect(await harness.row(run)).toMatchObject({ status: 'accepted', attempt: 2, executionId: first })
    const second = await harness.startNow(await harness.row(run))
    expect(second).not.toBe(first)
    await harness.ports.runs.started(run.id, 2, second)
    expect(await harness.ended({ ...run, attempt: 2 })).toMatchObject({
      status: 'failed',
      executionId: second,
    })
  })

  it('gives a start up after an hour of trying, says why, and plans another by the policy', async () => {
    await proxy.close()
    const connection = unreachable()
    const workflows = new TemporalRuns(new Client({ connection }))
    const run = await harness.accept('training', 'unstarted', {})
    await harness.database.dataSource.query(
      `UPDATE outbox SET created_at = now() - interval '61 minutes', tries = 60 WHERE run_id = $1`,
      [run.id],
    )
    const stop = new AbortController()
    const { outbox, logger, ports } = harness
    const relay = relayStarts({ ...ports, workflows, outbox, logger }, stop.signal)
    try {
      const row = await harness.until(run, current => expect(current.status).not.toBe('accepted'))
      expect(row).toMatchObject({
        status: 'start_failed',
        error: {
          code: 'start_failed',
          message: expect.stringMatching(/61 tries.*(UNAVAILABLE|ECONNREFUSED)/),
        },
      })
      expect(row.nextAttemptAt).toBeInstanceOf(Date)
      expect(await ports.runs.isStartOwed(run.id)).toBe(false)
    } finally {
      stop.abort()
      await relay
      await connection.close()
      await proxy.open()
    }
  })

  it('makes the start that was promised while Temporal was away, once', async () => {
    const connection = unreachable()
    const workflows = new TemporalRuns(
      new Client({ connection, namespace: harness.config.temporal.namespace }),
    )
    const stop = new AbortController()
    const { outbox, logger, ports } = harness
    await proxy.close()
    const relays = [1, 2].map(() => relayStarts({ ...ports, workflows, outbox, logger }, stop.signal))
    try {
      const run = await harness.accept('training', 'away', {})
      const owed = async () =>
        harness.database.dataSource.query<{ tries: number; last_error: string; done_at: Date | null }[]>(
          'SELECT tries, last_error, done_at FROM outbox WHERE run_id = $1',
          [run.id],
        )
      await eventually(async () => expect((await owed())[0]!.tries).toBeGreaterThan(0))
      expect((await owed())[0]!.last_error).toMatch(/UNAVAILABLE|ECONNREFUSED/)
      expect(await harness.row(run)).toMatchObject({ status: 'accepted', executionId: null })
      await proxy.open()
      await eventually(async () => expect((await owed())[0]!.done_at).not.toBeNull())
      const row = await harness.row(run)
      const description = await harness.client.workflow.getHandle(run.workflowId).describe()
      expect(description.runId).toBe(row.executionId)
      expect(await owed()).toHaveLength(1)
    } finally {
      stop.abort()
      await Promise.all(relays)
      await connection.close()
    }
  })
})
