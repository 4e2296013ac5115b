import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { bikeCsv } from '../support/bike-data.js'
import { Assets } from '../support/assets.js'
import { Harness } from '../support/harness.js'
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
  }, 60_000)
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
    expect(await harness.ended(run, 60_000)).toMatchObject({
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
  }, 120_000)
})
