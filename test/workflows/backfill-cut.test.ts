import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { Context } from '@temporalio/activity'
import { type BackfillLive, type BackfillRequest, backfillVerb } from '../../contracts/temporal/backfills.js'
import { liveQuery } from '../../contracts/temporal/messages.js'
import type { BackfillStore } from '../../stores/postgres/backfill-store.js'
import type { Run } from '../../stores/postgres/entities/run.js'
import { Assets } from '../support/assets.js'
import { eventually } from '../support/eventually.js'
import { executions } from '../support/executions.js'
import { Harness, PROJECT, type RunningWorker } from '../support/harness.js'
import { record } from '../support/histories.js'
import { Receiver } from '../support/receiver.js'
import { ShortHistories } from '../support/short-histories.js'

/** More than a backfill needs to begin, less than it has after some looks. */
const EVENTS = 50

describe('a backfill whose history is cut', () => {
  let temporal: ShortHistories
  let harness: Harness
  let receiver: Receiver
  let assets: Assets
  let io: RunningWorker
  beforeAll(async () => {
    temporal = await ShortHistories.start(EVENTS)
    harness = await Harness.start({
      queues: ['workflows', 'watch'],
      env: { MLFORGE_TEMPORAL_ADDRESS: temporal.address },
    })
    io = await harness.work('io')
    assets = new Assets(harness)
    await assets.pipeline('keyed', {
      parameters: { url: { type: 'string' } },
      steps: { send: { uses: 'http', with: { url: '${{ parameters.url }}' } } },
    })
  })
  beforeEach(async () => {
    receiver = await Receiver.start()
  })
  afterEach(() => receiver.stop())
  afterAll(async () => {
    await harness?.stop()
    await temporal?.stop()
  })

  /** An asset whose partitions are paths of the receiver. */
  async function start(name: string, keys: readonly string[], more: Partial<BackfillRequest>): Promise<Run> {
    await assets.apply({
      name,
      kind: 'report',
      make: { pipeline: 'keyed', parameters: { url: `${receiver.url('')}/\${{ partition.key }}` } },
      partitions: { type: 'static', keys },
    })
    return assets.backfill([name], { type: 'all' }, more)
  }
  const handleOf = ({ workflowId }: Run) => harness.client.workflow.getHandle(workflowId)
  const send = (run: Run, verb: 'pause' | 'resume', reason: string | null = null) =>
    handleOf(run).executeUpdate(backfillVerb, { args: [{ runId: run.id, verb, by: 'key:test', reason }] })
  const live = async (run: Run) => (await handleOf(run).query(liveQuery)) as BackfillLive
  const cuts = async (run: Run) => (await executions(harness.client, run.workflowId)).length - 1
  const sent = (key: string) => receiver.of(`/${key}`).length

  /** Sends a verb that changes nothing more until the history has been cut once more. */
  async function untilCut(run: Run, verb: 'pause' | 'resume', reason: string | null = null): Promise<void> {
    const before = await cuts(run)
    await eventually(
      async () => {
        await send(run, verb, reason)
        expect(await cuts(run)).toBeGreaterThan(before)
      },
      { everyMs: 1 },
    )
  }

  /** The run of each partition has begun once, and was not tried again. */
  async function expectOnce(run: Run, name: string, keys: readonly string[]): Promise<void> {
    const made = await assets.made()
    for (const [position, key] of keys.entries()) {
      expect([key, sent(key)]).toEqual([key, 1])
      const fails = key.startsWith('refuse/')
      expect([key, made[`${name}/${key}`]]).toEqual([key, fails ? undefined : 1])
      const child = await harness.ports.runs.get(PROJECT, assets.childOf(run, position))
      expect(child).toMatchObject({ status: fails ? 'refused' : 'succeeded', attempt: 1 })
      expect(await harness.ports.runs.find(PROJECT, assets.childOf(run, position, 2))).toBeNull()
    }
  }

  it('makes each partition once, over cuts with runs that are open and one that has failed', async () => {
    const others = Array.from({ length: 18 }, (_, n) => `ok/long/${n}`)
    const keys = ['hold/long', 'refuse/long', ...others]
    const run = await start('long', keys, { parallel: 3 })
    // All others take their turns beside the one that is held.
    await eventually(async () =>
      expect(await harness.ports.backfills.counts(run.id)).toMatchObject({
        ...{ running: 1, waiting: 0, failed: 1, succeeded: others.length },
      }),
    )
    expect(await cuts(run)).toBeGreaterThanOrEqual(2)
    await untilCut(run, 'resume')
    receiver.release()
    expect(await harness.ended(run)).toMatchObject({
      status: 'failed',
      attempt: 1,
      error: { code: 'backfill_failed', details: { asset: 'long', partition: 'refuse/long' } },
    })
    expect(await harness.ports.backfills.counts(run.id)).toMatchObject({
      ...{ succeeded: others.length + 1, failed: 1, running: 0, waiting: 0, blocked: 0, skipped: 0 },
    })
    await expectOnce(run, 'long', keys)
    const [first, second] = await executions(harness.client, run.workflowId)
    await record(harness.client, run.workflowId, 'runBackfill.cut', first)
    await record(harness.client, run.workflowId, 'runBackfill.continued', second)
    await record(harness.client, run.workflowId, 'runBackfill.ended-after-cuts')
  })

  it('stays paused over a cut, by whom and why, and goes on when it is resumed', async () => {
    const keys = ['hold/paused', 'ok/paused/1', 'ok/paused/2']
    const run = await start('paused', keys, { parallel: 1 })
    await eventually(() => expect(sent('hold/paused')).toBe(1))
    await untilCut(run, 'pause', 'lunch')
    await untilCut(run, 'pause', 'dinner')
    await eventually(async () =>
      expect(await live(run)).toMatchObject({
        ...{ stage: 'paused', paused: { by: 'key:test', reason: 'lunch' } },
        counts: { running: 1, waiting: 2 },
      }),
    )
    receiver.release()
    await eventually(async () =>
      expect(await live(run)).toMatchObject({ counts: { succeeded: 1, running: 0, waiting: 2 } }),
    )
    expect(sent('ok/paused/1')).toBe(0)
    // Nothing works, so that a verb alone can wake it.
    await untilCut(run, 'pause')
    await send(run, 'resume')
    expect(await harness.ended(run)).toMatchObject({
      ...{ status: 'succeeded', attempt: 1, result: { counts: { succeeded: 3, failed: 0 } } },
    })
    await expectOnce(run, 'paused', keys)
    await record(harness.client, run.workflowId, 'runBackfill.resumed-after-cuts')
  })

  it('is known to be paused from the cut on, before the items were looked at again', async () => {
    let open = () => {}
    const gate = new Promise<void>(resolve => (open = resolve))
    const { backfills } = harness.ports
    let first: string | undefined
    const late: BackfillStore = Object.create(backfills) as BackfillStore
    late.changing = async (...args) => {
      const { runId } = Context.current().info.workflowExecution!
      first ??= runId
      if (runId !== first) await gate
      return backfills.changing(...args)
    }
    await io.stop()
    io = await harness.work('io', { ...harness.ports, backfills: late })
    const keys = ['hold/known', 'ok/known']
    const run = await start('known', keys, { parallel: 1 })
    try {
      await eventually(() => expect(sent('hold/known')).toBe(1))
      await untilCut(run, 'pause', 'lunch')
      expect(await live(run)).toMatchObject({ paused: { by: 'key:test', reason: 'lunch' } })
    } finally {
      open()
    }
    await send(run, 'resume')
    receiver.release()
    expect(await harness.ended(run)).toMatchObject({ status: 'succeeded', attempt: 1 })
    await expectOnce(run, 'known', keys)
  })

  it('is cancelled after a cut with what works for it, and a retry makes what is left', async () => {
    const keys = ['ok/stopped', 'hold/stopped/1', 'hold/stopped/2', 'ok/stopped/3']
    const run = await start('stopped', keys, { parallel: 2 })
    await eventually(() => expect(sent('hold/stopped/2')).toBe(1))
    await untilCut(run, 'resume')
    await handleOf(run).cancel()
    expect(await harness.ended(run)).toMatchObject({ status: 'cancelled', attempt: 1 })
    expect(await assets.states(run)).toEqual({
      'stopped/ok/stopped': 'succeeded',
      'stopped/hold/stopped/1': 'cancelled',
      'stopped/hold/stopped/2': 'cancelled',
      'stopped/ok/stopped/3': 'cancelled',
    })
    for (const position of [1, 2]) {
      const child = await harness.ports.runs.get(PROJECT, assets.childOf(run, position))
      expect(child.status).toBe('cancelled')
    }
    expect(sent('ok/stopped/3')).toBe(0)
    await record(harness.client, run.workflowId, 'runBackfill.cancelled-after-cut')

    receiver.release()
    const again = await harness.ports.runs.retry(PROJECT, run.id)
    expect(await harness.ended(again)).toMatchObject({
      ...{ status: 'succeeded', attempt: 2, result: { counts: { succeeded: 4, cancelled: 0 } } },
    })
    const made = await assets.made()
    for (const key of keys) expect(made[`stopped/${key}`]).toBe(1)
    expect(sent('ok/stopped')).toBe(1)
  })
})
