import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { type BackfillLive, backfillVerb } from '../../contracts/temporal/backfills.js'
import { liveQuery } from '../../contracts/temporal/messages.js'
import { uuidv7 } from '../../stores/ids.js'
import { bikeCsv } from '../support/bike-data.js'
import { Assets } from '../support/assets.js'
import { eventually } from '../support/eventually.js'
import { Harness, PROJECT } from '../support/harness.js'
import { record } from '../support/histories.js'
import { Receiver } from '../support/receiver.js'

/** Nobody waits for the second try of a step. */
const SOON = { maxAttempts: 2, delay: 0.05 }
const NOW = Date.parse('2026-02-01T00:00:00Z')
const DAYS = { type: 'time', unit: 'day', start: '2026-01-01' }

describe('runBackfill', () => {
  let harness: Harness
  let receiver: Receiver
  let assets: Assets
  beforeAll(async () => {
    harness = await Harness.start()
    receiver = await Receiver.start()
    assets = new Assets(harness, NOW)
    await harness.ended(
      await harness.commit('bike', bikeCsv(1), { columns: { dteday: { format: '%m/%d/%Y' } } }),
    )
  })
  afterAll(async () => {
    await receiver.stop()
    await harness.stop()
  })

  /** A pipeline that tells the receiver which partition it makes. */
  const telling = (path: string) => ({
    parameters: { day: { type: 'string', default: '' } },
    steps: {
      tell: {
        uses: 'http',
        with: { url: receiver.url(path), body: { day: '${{ parameters.day }}' } },
        retry: SOON,
      },
    },
  })
  const daily = (name: string, needs: readonly string[], pipeline = name, more: object = {}) => ({
    name,
    kind: 'feature',
    needs,
    make: { pipeline, parameters: { day: '${{ partition.key }}' } },
    partitions: DAYS,
    ...more,
  })

  it('makes a chain of assets in order, each partition once, and what is fresh not again', async () => {
    for (const name of ['clean', 'rolling', 'summary']) await assets.pipeline(name, telling(`/ok/${name}`))
    await assets.apply(
      { name: 'bike', kind: 'dataset', source: { dataset: 'bike' } },
      daily('clean', ['bike']),
      daily('rolling', ['clean'], 'rolling', {
        mappings: { clean: { type: 'window', startOffset: -2, endOffset: 0 } },
      }),
      daily('summary', ['rolling']),
    )
    const range = { type: 'range', from: '2026-01-01', to: '2026-01-10' } as const
    const run = await assets.backfill(['summary'], range)
    expect(await harness.ended(run, 150_000)).toMatchObject({
      status: 'succeeded',
      result: { outcome: 'succeeded', counts: { succeeded: 30, skipped: 0, failed: 0 } },
    })
    const made = await assets.made()
    expect(Object.keys(made)).toHaveLength(30)
    expect(new Set(Object.values(made))).toEqual(new Set([1]))
    for (const name of ['clean', 'rolling', 'summary']) {
      const days = receiver.of(`/ok/${name}`).map(({ body }) => (body as { day: string }).day)
      expect(days.sort()).toEqual(
        Array.from({ length: 10 }, (_, i) => `2026-01-${`${i + 1}`.padStart(2, '0')}`),
      )
    }
    const graph = await assets.graph()
    expect(graph.state('summary', '2026-01-10')).toEqual({ state: 'fresh', reasons: [] })
    expect(graph.facts.made('rolling', '2026-01-03')?.inputs.map(({ partition }) => partition)).toEqual([
      '2026-01-01',
      '2026-01-02',
      '2026-01-03',
    ])
    await record(harness.client, run.workflowId, 'runBackfill.succeeded')

    const again = await assets.backfill(['summary'], range, { upstream: 'all' })
    expect(await harness.ended(again)).toMatchObject({ result: { counts: { succeeded: 0, skipped: 30 } } })
    await record(harness.client, again.workflowId, 'runBackfill.fresh')
  })

  /** Assets over the same keys, each of which is a path of the receiver after a word for the asset. */
  const keyed = (
    name: string,
    keys: readonly string[],
    needs: readonly string[] = [],
    more: object = {},
  ) => ({
    name,
    kind: 'feature',
    needs,
    make: { pipeline: 'keyed', parameters: { url: `${receiver.url('')}/\${{ partition.key }}/${name}` } },
    partitions: { type: 'static', keys },
    ...more,
  })
  const keyedPipeline = (more: object = {}) =>
    assets.pipeline('keyed', {
      parameters: { url: { type: 'string' } },
      steps: { send: { uses: 'http', with: { url: '${{ parameters.url }}', ...more }, retry: SOON } },
    })

  it('blocks only what needs one that failed, and a retry goes on with these', async () => {
    await keyedPipeline()
    const keys = ['ok/1', 'fail/2/2', 'ok/3']
    await assets.apply(keyed('first', keys), keyed('second', keys, ['first']))
    const run = await assets.backfill(['second'], { type: 'all' })
    expect(await harness.ended(run)).toMatchObject({
      status: 'failed',
      error: {
        code: 'backfill_failed',
        message: expect.stringContaining('first[fail/2/2]'),
        details: { asset: 'first', partition: 'fail/2/2', code: 'http_failed' },
      },
    })
    expect(await assets.states(run)).toEqual({
      'first/ok/1': 'succeeded',
      'first/fail/2/2': 'failed',
      'first/ok/3': 'succeeded',
      'second/ok/1': 'succeeded',
      'second/fail/2/2': 'blocked',
      'second/ok/3': 'succeeded',
    })
    await record(harness.client, run.workflowId, 'runBackfill.failed')

    const again = await harness.ports.runs.retry(PROJECT, run.id)
    expect(await harness.ended(again)).toMatchObject({
      status: 'failed',
      attempt: 2,
      error: { details: { asset: 'second', partition: 'fail/2/2' } },
    })
    const last = await harness.ports.runs.retry(PROJECT, run.id)
    expect(await harness.ended(last)).toMatchObject({
      status: 'succeeded',
      attempt: 3,
      result: { counts: { succeeded: 6 } },
    })
    await record(harness.client, run.workflowId, 'runBackfill.retried')
    const made = await assets.made()
    for (const key of keys) {
      expect(made).toMatchObject({ [`first/${key}`]: 1, [`second/${key}`]: 1 })
      expect(receiver.of(`/${key}/first`)).toHaveLength(key === 'fail/2/2' ? 3 : 1)
    }
    // The same run of the pipeline has gone on, since nothing of its definition had changed.
    const child = await harness.ports.runs.get(PROJECT, assets.childOf(run, 1))
    expect(child).toMatchObject({ status: 'succeeded', attempt: 2, trigger: 'backfill' })
  })

  it('makes what failed by its new pipeline, once that was changed', async () => {
    await keyedPipeline()
    await assets.apply(keyed('mended', ['broken/1']))
    const run = await assets.backfill(['mended'], { type: 'all' }, { onFailure: 'stop' })
    expect(await harness.ended(run)).toMatchObject({ status: 'failed' })
    await assets.pipeline('keyed', {
      parameters: { url: { type: 'string' } },
      steps: { send: { uses: 'compare', with: { candidate: 1, reference: 1 } } },
    })
    await harness.ended(await harness.ports.runs.retry(PROJECT, run.id))
    expect((await harness.ports.runs.get(PROJECT, run.id)).status).toBe('succeeded')
    const [item] = (await harness.ports.backfills.items(run.id, {})).items
    expect(item).toMatchObject({ generation: 2, child: assets.childOf(run, 0, 2) })
    expect(await assets.made()).toMatchObject({ 'mended/broken/1': 1 })
  })

  it('begins nothing more after a failure, where it is to stop', async () => {
    await keyedPipeline()
    await assets.apply(keyed('strict', ['broken/1', 'ok/2', 'ok/3']))
    const run = await assets.backfill(['strict'], { type: 'all' }, { onFailure: 'stop', parallel: 1 })
    expect(await harness.ended(run)).toMatchObject({ status: 'failed' })
    expect(await assets.states(run)).toEqual({
      'strict/broken/1': 'failed',
      'strict/ok/2': 'blocked',
      'strict/ok/3': 'blocked',
    })
    expect(receiver.of('/ok/2/strict')).toEqual([])
  })

  it('pauses, goes on, and stops what is being made when it is cancelled', async () => {
    await keyedPipeline()
    const keys = ['hold/1', 'hold/2', 'ok/3']
    await assets.apply(keyed('held', keys))
    const run = await assets.backfill(['held'], { type: 'all' }, { parallel: 2 })
    await eventually(() => expect(receiver.of('/hold/2/held')).toHaveLength(1))
    const handle = harness.client.workflow.getHandle(run.workflowId)
    const pause = { runId: run.id, by: 'key:test', reason: 'lunch' }
    const other = { ...pause, runId: uuidv7(), verb: 'pause' as const }
    await expect(handle.executeUpdate(backfillVerb, { args: [other] })).rejects.toThrow(
      'Workflow Update failed',
    )
    expect(await handle.executeUpdate(backfillVerb, { args: [{ ...pause, verb: 'pause' }] })).toEqual({
      paused: true,
    })
    await eventually(async () => {
      const live = (await handle.query(liveQuery)) as BackfillLive
      expect(live).toMatchObject({ stage: 'paused', paused: { by: 'key:test', reason: 'lunch' } })
    })
    await handle.executeUpdate(backfillVerb, { args: [{ ...pause, verb: 'resume' }] })
    await handle.cancel()
    expect(await harness.ended(run)).toMatchObject({ status: 'cancelled' })
    expect(await assets.states(run)).toEqual({
      'held/hold/1': 'cancelled',
      'held/hold/2': 'cancelled',
      'held/ok/3': 'cancelled',
    })
    for (const position of [0, 1]) {
      const child = await harness.ports.runs.get(PROJECT, assets.childOf(run, position))
      expect(child.status).toBe('cancelled')
    }
    expect(await harness.ports.runs.find(PROJECT, assets.childOf(run, 2))).toBeNull()
    await record(harness.client, run.workflowId, 'runBackfill.cancelled')
    receiver.release()
    await harness.ended(await harness.ports.runs.retry(PROJECT, run.id))
    expect(await assets.made()).toMatchObject({ 'held/hold/1': 1, 'held/hold/2': 1, 'held/ok/3': 1 })
  })
})
