import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { checkAssets } from '../../domain/check/assets.js'
import type { StackFacts } from '../../domain/check/facts.js'
import { readRows } from '../../infra/launcher/check-facts.js'
import type { BackfillStore } from '../../stores/postgres/backfill-store.js'
import { Assets } from '../support/assets.js'
import { eventually } from '../support/eventually.js'
import { Harness, PROJECT, type RunningWorker } from '../support/harness.js'
import { record } from '../support/histories.js'
import { Receiver } from '../support/receiver.js'

const DAYS = 30

describe('a backfill of a month', () => {
  let harness: Harness
  let receiver: Receiver
  let assets: Assets
  let io: RunningWorker
  beforeAll(async () => {
    harness = await Harness.start({ queues: ['workflows', 'watch'] })
    io = await harness.work('io')
    receiver = await Receiver.start()
    assets = new Assets(harness, Date.parse('2026-05-01T00:00:00Z'))
    await assets.pipeline('daily', {
      parameters: { day: { type: 'string' } },
      steps: {
        tell: { uses: 'http', with: { url: receiver.url('/ok/day'), body: '${{ parameters.day }}' } },
      },
    })
    await assets.apply({
      name: 'daily',
      kind: 'report',
      make: { pipeline: 'daily', parameters: { day: '${{ partition.key }}' } },
      partitions: { type: 'time', unit: 'day', start: '2026-04-01', timeZone: 'Europe/Berlin' },
    })
  })
  afterAll(async () => {
    await receiver.stop()
    await harness.stop()
  })

  const problems = async () => checkAssets((await readRows(harness.database.dataSource)) as StackFacts)

  it('makes each day once, though its workers are lost and its workflow is terminated on the way', async () => {
    const run = await assets.backfill(['daily'], { type: 'all' }, { parallel: 5 })
    const succeeded = async () => (await harness.ports.backfills.counts(run.id)).succeeded
    await eventually(async () => expect(await succeeded()).toBeGreaterThan(3))

    // Its worker ends as by SIGTERM, with requests under way.
    await io.stop()
    io = await harness.work('io')
    await eventually(async () => expect(await succeeded()).toBeGreaterThan(8))

    await harness.client.workflow.getHandle(run.workflowId).terminate('lost')
    await eventually(async () => {
      await harness.tick('reconcile')
      expect((await harness.row(run)).status).toBe('terminated')
    })
    const { waiting, running, cancelled } = await harness.ports.backfills.counts(run.id)
    expect({ waiting, running }).toEqual({ waiting: 0, running: 0 })
    expect(cancelled).toBeGreaterThan(0)
    await record(harness.client, run.workflowId, 'runBackfill.terminated')

    const again = await harness.ports.runs.retry(PROJECT, run.id)
    expect(await harness.ended(again)).toMatchObject({
      status: 'succeeded',
      attempt: 2,
      result: { counts: { succeeded: DAYS, cancelled: 0, waiting: 0 } },
    })
    const made = await assets.made()
    expect(Object.keys(made)).toHaveLength(DAYS)
    expect(new Set(Object.values(made))).toEqual(new Set([1]))
    // A request that was cut off is sent again under its key; no day has two.
    const keys = new Map(receiver.of('/ok/day').map(({ key, body }) => [key, body]))
    expect(new Set(keys.values()).size).toBe(DAYS)
    expect(keys.size).toBe(DAYS)
    expect(await problems()).toEqual([])
    expect((await assets.graph()).state('daily', '2026-04-30')).toEqual({ state: 'fresh', reasons: [] })
  })

  it('begins nothing for an attempt that was closed, and names the runs that still work for it', async () => {
    await assets.pipeline('held', {
      steps: { wait: { uses: 'http', with: { url: receiver.url('/hold/closed') } } },
    })
    await assets.apply({ name: 'held', kind: 'report', make: { pipeline: 'held' } })
    const run = await assets.backfill(['held'], { type: 'all' })
    await eventually(() => expect(receiver.of('/hold/closed')).toHaveLength(1))
    const row = await harness.row(run)
    const { backfills } = harness.ports
    // Once more, as after a worker that was lost before it could stop them.
    for (let time = 0; time < 2; time++) expect(await backfills.close(row)).toEqual([assets.childOf(run, 0)])
    await expect(backfills.changing(run.id, row.attempt, () => Promise.resolve(null))).rejects.toMatchObject({
      code: 'wrong_state',
    })
    expect(await harness.ended(run)).toMatchObject({ status: 'failed', error: { code: 'wrong_state' } })

    // What that run makes after all is taken on by the next attempt, and not made again.
    receiver.release()
    await harness.ended(await harness.ports.runs.get(PROJECT, assets.childOf(run, 0)))
    expect((await assets.made())['held/']).toBeUndefined()
    const again = await harness.ports.runs.retry(PROJECT, run.id)
    expect(await harness.ended(again)).toMatchObject({ status: 'succeeded', attempt: 2 })
    expect((await assets.made())['held/']).toBe(1)
    expect(receiver.of('/hold/closed')).toHaveLength(1)
  })

  it('goes on from what was committed, where an answer was lost, and from before where nothing was', async () => {
    const { backfills } = harness.ports
    const failing: BackfillStore = Object.create(backfills) as BackfillStore
    let calls = 0
    failing.changing = async (...args) => {
      calls++
      if (calls === 4) throw new Error('Connection terminated unexpectedly')
      const done = await backfills.changing(...args)
      if (calls === 1 || calls === 6) throw new Error('Connection terminated unexpectedly')
      return done
    }
    await io.stop()
    io = await harness.work('io', { ...harness.ports, backfills: failing })
    const before = (await assets.made())['daily/2026-04-01'] ?? 0
    const keys = ['2026-04-01', '2026-04-02', '2026-04-03', '2026-04-04']
    const run = await assets.backfill(['daily'], { type: 'keys', keys }, { force: true, parallel: 1 })
    expect(await harness.ended(run)).toMatchObject({
      status: 'succeeded',
      attempt: 1,
      result: { counts: { succeeded: keys.length } },
    })
    expect(calls).toBeGreaterThan(6)
    expect(await assets.made()).toMatchObject({ 'daily/2026-04-01': before + 1 })
    expect(await problems()).toEqual([])
  })
})
