import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { Asset, AssetPartitions, AssetSummary, Materialisation } from '../../contracts/rest/assets.js'
import type { Backfill, BackfillItem } from '../../contracts/rest/backfills.js'
import type { Page } from '../../contracts/rest/common.js'
import { bikeCsv } from '../support/bike-data.js'
import { eventually } from '../support/eventually.js'
import { Harness } from '../support/harness.js'
import { Receiver } from '../support/receiver.js'
import { type Answer, TestApi } from './support/api.js'
import { eventsOf } from './support/events.js'
import { pipelineCalls, problemsOf } from './support/pipeline-calls.js'

const COLUMNS = { columns: { dteday: { format: '%m/%d/%Y' } } }

describe('assets', () => {
  let harness: Harness
  let receiver: Receiver
  let api: TestApi
  beforeAll(async () => {
    harness = await Harness.start()
    receiver = await Receiver.start()
    await harness.ended(await harness.commit('bike', bikeCsv(1), COLUMNS))
    api = await TestApi.beside(harness)
    await pipelines.apply('count', counting('cnt > 0'))
    await pipelines.apply('send', {
      parameters: { url: { type: 'string' }, day: { type: 'string', default: '' } },
      steps: {
        send: { uses: 'http', with: { url: '${{ parameters.url }}', body: '${{ parameters.day }}' } },
      },
    })
  })
  afterAll(async () => {
    await api.stop()
    await receiver.stop()
    await harness.stop()
  })

  const pipelines = pipelineCalls(() => api)
  const counting = (where: string) => ({
    steps: {
      data: { uses: 'dataset', with: { dataset: 'bike@latest' } },
      count: {
        uses: 'query',
        with: {
          sql: `SELECT count(*) AS n FROM bike WHERE ${where}`,
          tables: { bike: '${{ steps.data.table }}' },
        },
      },
    },
  })
  const call = (method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown, key = 'mlf_operator') =>
    api.call(method, path, { key, ...(body === undefined ? {} : { body }) })
  const apply = async (...assets: readonly object[]): Promise<void> => {
    expect(await call('POST', '/v1/assets', { assets })).toMatchObject({ status: 200 })
  }
  const get = async (name: string): Promise<Asset> => (await call('GET', `/v1/assets/${name}`)).body
  const started = ({ status, body }: Answer): Backfill => {
    expect({ status, body }).toMatchObject({ status: 202 })
    return body
  }
  const ended = (id: string, status: Backfill['status']): Promise<Backfill> =>
    eventually(async () => {
      const backfill: Backfill = (await call('GET', `/v1/backfills/${id}`)).body
      expect(backfill).toMatchObject({ status })
      return backfill
    })
  const sending = (name: string, needs: readonly string[], more: object = {}) => ({
    name,
    kind: 'report',
    needs,
    make: { pipeline: 'send', parameters: { url: receiver.url(`/ok/${name}`), day: '${{ partition.key }}' } },
    ...more,
  })

  it('are refused with all that is wrong, by the graph they would become', async () => {
    const answer = await call('POST', '/v1/assets', {
      assets: [
        { name: 'source', kind: 'dataset', source: { dataset: 'biek' } },
        {
          name: 'counted',
          kind: 'featur',
          needs: ['sourc', 'looped'],
          make: { pipeline: 'counts', parameters: {} },
        },
        {
          name: 'looped',
          kind: 'feature',
          needs: ['tied'],
          make: { pipeline: 'count', parameters: { more: 1 } },
          output: 'steps.count.firs',
        },
        {
          name: 'tied',
          kind: 'report',
          needs: ['looped'],
          make: { pipeline: 'send', parameters: { day: '${{ partition.kex }}' } },
          partitions: { type: 'time', unit: 'day', start: '2026-02-30', timeZone: 'Europe/Berln' },
        },
      ],
    })
    expect(answer).toMatchObject({ status: 422, body: { code: 'asset_invalid' } })
    const problems = Object.fromEntries(problemsOf(answer).map(({ at, message }) => [at, message]))
    expect(problems).toMatchObject({
      'assets[0].source.dataset': expect.stringContaining('Did you mean "bike"'),
      'assets[1].kind': expect.stringContaining('Did you mean "feature"'),
      'assets[2].make.parameters.more': expect.stringContaining('no parameter "more"'),
      'assets[2].output': expect.stringContaining('Did you mean "first"'),
      'assets[2].needs': expect.stringContaining('need each other'),
      'assets[3].make.parameters.day': expect.stringContaining('partition.kex'),
      'assets[3].partitions.start': expect.stringContaining('date'),
    })
    expect((await call('GET', '/v1/assets')).body).toEqual({ items: [] })
  })

  it('say why they are not fresh, and are made with what they need', async () => {
    const counted = {
      name: 'counted',
      kind: 'feature',
      needs: ['bike'],
      make: { pipeline: 'count', parameters: {} },
      output: 'steps.count.first',
    }
    await apply({ name: 'bike', kind: 'dataset', source: { dataset: 'bike' } }, counted, {
      ...sending('told', ['counted']),
      make: { pipeline: 'send', parameters: { url: receiver.url('/ok/told') } },
    })
    expect(await get('counted')).toMatchObject({ state: 'missing', version: 1, neededBy: ['told'] })
    const alone = await call('POST', '/v1/assets/told/materialise', { upstream: 'none' })
    expect(problemsOf(alone)).toEqual([
      { at: 'upstream', message: expect.stringContaining('told needs counted, which was never made') },
    ])

    const first = started(await call('POST', '/v1/assets/told/materialise', {}))
    expect(first).toMatchObject({ kind: 'backfill', name: 'told', items: 2, trigger: 'api' })
    const done = await ended(first.id, 'succeeded')
    expect(done).toMatchObject({
      counts: { succeeded: 2, waiting: 0 },
      byAsset: [
        { asset: 'counted', counts: { succeeded: 1 } },
        { asset: 'told', counts: { succeeded: 1 } },
      ],
    })
    const told = await get('told')
    expect(told).toMatchObject({
      state: 'fresh',
      reasons: [],
      dataSha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    })
    const { items } = (await call('GET', '/v1/assets/told/materialisations')).body as Page<Materialisation>
    expect(items).toMatchObject([
      {
        backfillId: first.id,
        inputs: [{ asset: 'counted', partition: '', dataSha256: (await get('counted')).dataSha256 }],
      },
    ])

    // The pipeline changes, and gives what it gave before: what needs it stays as it is.
    await pipelines.apply('count', counting('cnt >= 0'))
    expect(await get('counted')).toMatchObject({ state: 'stale', reasons: [{ code: 'code_changed' }] })
    expect(await get('told')).toMatchObject({
      state: 'stale',
      reasons: [{ code: 'input_stale', input: { asset: 'counted', partition: '' } }],
    })
    const second = started(await call('POST', '/v1/assets/told/materialise', {}))
    expect(await ended(second.id, 'succeeded')).toMatchObject({ counts: { succeeded: 1, skipped: 1 } })
    expect(await get('told')).toMatchObject({ state: 'fresh' })

    // New data: what changes is named, with its version before and now.
    const before = (await get('bike')).dataSha256
    await harness.ended(await harness.commit('bike', bikeCsv(2), COLUMNS))
    const after = (await get('bike')).dataSha256
    expect(after).not.toBe(before)
    expect((await get('counted')).reasons).toMatchObject([
      { code: 'input_changed', input: { asset: 'bike', partition: '' }, from: before, to: after },
    ])
    const third = started(await call('POST', '/v1/backfills', { assets: ['told'] }))
    expect(await ended(third.id, 'succeeded')).toMatchObject({
      partitions: 'stale',
      counts: { succeeded: 2, skipped: 0 },
    })

    const page = (await call('GET', '/v1/assets?state=fresh&limit=2')).body as Page<AssetSummary>
    expect(page.items.map(({ name }) => name)).toEqual(['bike', 'counted'])
    const rest = await call('GET', `/v1/assets?state=fresh&limit=2&cursor=${page.nextCursor}`)
    expect(rest.body).toMatchObject({ items: [{ name: 'told' }] })

    await apply({ ...counted, description: 'hours' })
    expect(await get('counted')).toMatchObject({ state: 'fresh', version: 2 })
    await apply({ ...counted, output: 'steps.count.rows' })
    expect(await get('counted')).toMatchObject({
      state: 'stale',
      reasons: [{ code: 'definition_changed', from: '1', to: '3' }],
    })
    const versions = (await call('GET', '/v1/assets/counted/versions')).body as Page<{ version: number }>
    expect(versions.items.map(({ version }) => version)).toEqual([3, 2, 1])

    expect(await call('DELETE', '/v1/assets/counted')).toMatchObject({
      status: 409,
      body: { code: 'wrong_state', detail: expect.stringContaining('"told"') },
    })
    expect(await call('DELETE', '/v1/assets/told')).toMatchObject({ status: 204 })
    expect(await call('GET', '/v1/assets/told')).toMatchObject({ status: 404 })
  })

  it('have partitions, which a backfill makes and shows', async () => {
    await apply(
      sending('daily', [], {
        partitions: { type: 'time', unit: 'day', start: '2026-01-01', end: '2026-01-15' },
      }),
      sending('weekly', ['daily'], {
        partitions: { type: 'time', unit: 'week', start: '2026-01-01', end: '2026-01-15' },
      }),
    )
    const week = (await call('GET', '/v1/assets/weekly/partitions')).body as AssetPartitions
    expect(week).toMatchObject({
      counts: { total: 1, missing: 1 },
      items: [{ key: '2026-W02', start: '2026-01-05T00:00:00.000Z', end: '2026-01-12T00:00:00.000Z' }],
    })
    expect(
      problemsOf(await call('POST', '/v1/backfills', { assets: ['daily', 'dayly'], partitions: 'mising' })),
    ).toEqual([{ at: 'partitions', message: expect.stringContaining('Did you mean "missing"?') }])
    expect(
      problemsOf(
        await call('POST', '/v1/backfills', {
          assets: ['daily'],
          partitions: { from: '2026-01-01', to: '2026-01-51' },
        }),
      ),
    ).toEqual([{ at: 'partitions.to', message: expect.stringContaining('has no partition "2026-01-51"') }])

    const headers = { 'idempotency-key': 'week' }
    const body = { assets: ['weekly'], partitions: 'missing', parallel: 3 }
    const first = await api.call('POST', '/v1/backfills', { key: 'mlf_operator', body, headers })
    const backfill = started(first)
    const again = await api.call('POST', '/v1/backfills', { key: 'mlf_operator', body, headers })
    expect(started(again).id).toBe(backfill.id)
    expect(first.headers.get('location')).toBe(`/v1/backfills/${backfill.id}`)
    expect(backfill).toMatchObject({ items: 8, assets: ['weekly'], parallel: 3 })

    const events = await eventsOf(api, `/v1/backfills/${backfill.id}/events`, ({ event }) => event === 'end')
    expect(events.at(-1)).toMatchObject({ event: 'end', data: { status: 'succeeded' } })
    expect(events.findLast(({ event }) => event === 'state')?.data).toMatchObject({
      counts: { succeeded: 8 },
    })
    const items = (await call('GET', `/v1/backfills/${backfill.id}/items?state=succeeded&limit=5`))
      .body as Page<BackfillItem>
    expect(items.items.map(({ partition }) => partition)).toEqual(
      [5, 6, 7, 8, 9].map(day => `2026-01-0${day}`),
    )
    const rest = (await call('GET', `/v1/backfills/${backfill.id}/items?limit=5&cursor=${items.nextCursor}`))
      .body as Page<BackfillItem>
    expect(rest.items.at(-1)).toMatchObject({
      position: 7,
      asset: 'weekly',
      partition: '2026-W02',
      needs: [0, 1, 2, 3, 4, 5, 6],
      state: 'succeeded',
    })
    expect(rest.nextCursor).toBeUndefined()
    const list = (await call('GET', '/v1/backfills?asset=weekly&status=succeeded')).body as Page<Backfill>
    expect(list.items).toMatchObject([{ id: backfill.id, counts: { succeeded: 8 } }])

    const page = await fetch(`${api.url}/v1/backfills/${backfill.id}/page`, {
      headers: { authorization: 'Bearer mlf_viewer' },
    })
    expect(page.headers.get('content-type')).toMatch('text/html')
    expect(page.headers.get('content-security-policy')).toMatch("default-src 'none'")
    expect(await page.text()).toMatch('8 of 8 partitions have ended: 8 succeeded')
    expect((await fetch(`${api.url}/v1/backfills/${backfill.id}/page`)).status).toBe(401)

    const one = await call('POST', '/v1/assets/daily/materialise', {})
    expect(problemsOf(one)).toEqual([{ at: 'partition', message: expect.stringContaining('name one') }])
    const forced = started(
      await call('POST', '/v1/assets/daily/materialise', { partition: '2026-01-05', force: true }),
    )
    expect(await ended(forced.id, 'succeeded')).toMatchObject({ counts: { succeeded: 1, skipped: 0 } })
  })

  it('of dynamic partitions get and lose keys by requests', async () => {
    await apply(sending('stations', [], { partitions: { type: 'dynamic' } }))
    const path = '/v1/assets/stations/partitions'
    expect((await call('POST', path, { add: ['north', 'south', 'east'] })).body).toEqual({
      asset: 'stations',
      added: 3,
      removed: 0,
      total: 3,
    })
    expect((await call('POST', path, { add: ['north'], remove: ['east', 'west'] })).body).toMatchObject({
      added: 0,
      removed: 1,
      total: 2,
    })
    expect(problemsOf(await call('POST', path, { add: ['a', 'a', ' '] }))).toHaveLength(2)
    const backfill = started(
      await call('POST', '/v1/backfills', { assets: ['stations'], partitions: { keys: ['south'] } }),
    )
    await ended(backfill.id, 'succeeded')
    const page = (await call('GET', path)).body as AssetPartitions
    expect(page.counts).toEqual({ total: 2, fresh: 1, stale: 0, missing: 1 })
    expect(page.items.map(({ key, state }) => [key, state])).toEqual([
      ['south', 'fresh'],
      ['north', 'missing'],
    ])
    expect(await call('POST', '/v1/assets/daily/partitions', { add: ['x'] })).toMatchObject({
      status: 409,
      body: { code: 'wrong_state' },
    })
    expect(await call('POST', path, { add: ['x'] }, 'mlf_viewer')).toMatchObject({ status: 403 })
  })

  it('that are being made wait while their backfill is paused', async () => {
    await apply({
      ...sending('slow', []),
      make: { pipeline: 'send', parameters: { url: `${receiver.url('')}/\${{ partition.key }}/slow` } },
      partitions: { type: 'static', keys: ['hold/1', 'ok/2'] },
    })
    const { id } = started(await call('POST', '/v1/backfills', { assets: ['slow'], parallel: 1 }))
    await eventually(() => expect(receiver.of('/hold/1/slow')).toHaveLength(1))
    expect(await call('POST', `/v1/backfills/${id}/pause`, { reason: 'lunch' })).toMatchObject({
      status: 200,
      body: { runId: id, paused: true },
    })
    receiver.release()
    await eventually(async () =>
      expect((await call('GET', `/v1/backfills/${id}`)).body).toMatchObject({
        counts: { succeeded: 1, waiting: 1, running: 0 },
        paused: { by: 'key:operator', reason: 'lunch' },
      }),
    )
    expect(await call('POST', `/v1/backfills/${id}/resume`)).toMatchObject({ status: 200 })
    await ended(id, 'succeeded')
    expect(await call('POST', `/v1/backfills/${id}/cancel`)).toMatchObject({ status: 409 })
    expect(await call('POST', `/v1/backfills/${id}/pause`, {})).toMatchObject({ status: 409 })
  })
})
