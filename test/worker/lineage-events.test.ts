import { pino } from 'pino'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import type { OpenLineageRunEvent } from '../../domain/lineage/open-lineage.js'
import { writeSequence } from '../../domain/runs/run-status.js'
import { reads, traced, writes } from '../../stores/lineage-scope.js'
import { KEPT_MS, LineageEventStore } from '../../stores/postgres/lineage-event-store.js'
import { LedgerStore } from '../../stores/postgres/ledger-store.js'
import type { AcceptRun } from '../../stores/postgres/run-acceptance.js'
import { RunStore, type RunUpdate } from '../../stores/postgres/run-store.js'
import { relayLineage } from '../../worker/lineage-events.js'
import { eventually } from '../support/eventually.js'
import { throughOpenLineage } from '../support/open-lineage.js'
import { acceptedRun } from '../support/accepted-run.js'
import { type TestDatabase, testDatabase } from '../support/postgres.js'
import { Receiver } from '../support/receiver.js'

const PROJECT = 'default'
const ENDED: RunUpdate = { status: 'succeeded', stage: 'succeeded' }

describe('events of lineage', () => {
  let database: TestDatabase
  let events: LineageEventStore
  let runs: RunStore
  let receiver: Receiver
  beforeAll(async () => {
    database = await testDatabase()
    events = new LineageEventStore(database.dataSource)
    runs = new RunStore(database.dataSource)
  })
  afterAll(() => database.drop())
  beforeEach(async () => {
    await database.dataSource.query('DELETE FROM lineage_events')
    receiver = await Receiver.start()
  })

  let relays: { stop: AbortController; ended: Promise<void> }[] = []
  const relay = (path: string) => {
    const stop = new AbortController()
    const url = path === '' ? '' : receiver.url(path)
    const ports = {
      events,
      receiver: { url, apiKey: 'secret', namespace: 'team' },
      release: '1.2.3',
      logger: pino({ level: 'silent' }),
    }
    relays.push({ stop, ended: relayLineage(ports, stop.signal) })
  }
  const stopRelays = async () => {
    for (const { stop } of relays) stop.abort()
    await Promise.all(relays.map(({ ended }) => ended))
    relays = []
  }
  afterEach(async () => {
    await stopRelays()
    await receiver.stop()
  })

  const accept = (more?: Partial<AcceptRun>) => acceptedRun(runs, more)
  const update = (id: string, write: number | 'closing', change: RunUpdate, attempt = 1) =>
    runs.update(id, writeSequence(attempt, write), change)
  const step = (runId: string, name: string, touch: () => void, attempt = 1) =>
    traced(async () => {
      const ledger = new LedgerStore(database.dataSource)
      const ref = { runId, step: name, generation: 1, attempt }
      const begun = await ledger.begin(ref, 'worker')
      if ('outcome' in begun) return
      await ledger.finish(ref, begun.fence, async () => {
        touch()
        return Promise.resolve({})
      })
    })
  const sent = (path: string) => receiver.of(path).map(({ body }) => body as OpenLineageRunEvent)
  const states = async () =>
    (await events.list(PROJECT, {})).items
      .toReversed()
      .map(({ type, sentAt, refusedAt }) => [type, sentAt ? 'sent' : refusedAt ? 'refused' : 'owed'])
  const stateNames = async () => (await states()).map(([, state]) => state)

  it('are sent when a run begins and when it has ended, with all that it has read and written', async () => {
    const parent = await accept({ kind: 'pipeline', name: 'release' })
    const id = await accept({ principal: `pipeline:${parent}`, trigger: 'pipeline' })
    await update(id, 1, { status: 'running', stage: 'running' })
    await step(id, 'prepare', () => reads({ kind: 'dataset', name: 'bike', version: 1 }))
    await step(id, 'register', () => writes({ kind: 'model', name: 'demand', version: 1 }))
    await update(id, 'closing', ENDED)
    // A write that is made again owes nothing more.
    await update(id, 'closing', ENDED)
    relay('/ok/lineage')
    await eventually(async () =>
      expect(await states()).toEqual([
        ['START', 'sent'],
        ['COMPLETE', 'sent'],
      ]),
    )
    const [start, complete, ...more] = sent('/ok/lineage')
    expect(more).toEqual([])
    expect(start).toMatchObject({ eventType: 'START', inputs: [], outputs: [], run: { runId: id } })
    expect(complete).toMatchObject({
      eventType: 'COMPLETE',
      job: { namespace: 'team', name: 'training/demand' },
      run: { runId: id, facets: { parent: { run: { runId: parent }, job: { name: 'pipeline/release' } } } },
      inputs: [{ name: 'dataset:bike' }],
      outputs: [{ name: 'model:demand' }],
    })
    expect(await throughOpenLineage([start!, complete!])).toHaveLength(2)
  })

  it('say of each attempt what had come of it by then, as runs of their own', async () => {
    const id = await accept()
    await update(id, 1, { status: 'running', stage: 'running' })
    await step(id, 'prepare', () => reads({ kind: 'dataset', name: 'bike', version: 1 }))
    const error = { code: 'internal', message: 'no room' }
    await update(id, 'closing', { status: 'failed', stage: 'failed', error })
    await runs.retry(PROJECT, id)
    await update(id, 1, { status: 'running', stage: 'running' }, 2)
    await step(id, 'register', () => writes({ kind: 'model', name: 'demand', version: 2 }), 2)
    await update(id, 'closing', ENDED, 2)
    relay('/ok/lineage')
    await eventually(() => expect(sent('/ok/lineage')).toHaveLength(4))
    const seen = sent('/ok/lineage').map(({ eventType, run, outputs }) => [
      eventType,
      run.runId === id,
      outputs.length,
    ])
    expect(seen).toEqual([
      ['START', true, 0],
      ['FAIL', true, 0],
      ['START', false, 0],
      ['COMPLETE', false, 1],
    ])
    const [, fail, again, complete] = sent('/ok/lineage')
    expect(fail!.run.facets).toMatchObject({ errorMessage: { message: 'no room' } })
    expect(again!.run.runId).toBe(complete!.run.runId)
    expect(complete!.inputs.map(({ name }) => name)).toEqual(['dataset:bike'])
  })

  it('have a start before their end, even of a run that was never begun', async () => {
    const id = await accept()
    await runs.cancelAccepted(PROJECT, id)
    relay('/ok/lineage')
    await eventually(() =>
      expect(sent('/ok/lineage').map(({ eventType }) => eventType)).toEqual(['START', 'ABORT']),
    )
  })

  it('are sent again, with the same key, until they are taken', async () => {
    const id = await accept()
    await update(id, 'closing', ENDED)
    relay('/fail/1/lineage')
    await eventually(async () =>
      expect(await states()).toEqual([
        ['START', 'sent'],
        ['COMPLETE', 'sent'],
      ]),
    )
    expect(receiver.of('/fail/1/lineage').map(({ key }) => key)).toEqual([
      `${id}/START`,
      `${id}/START`,
      `${id}/COMPLETE`,
      `${id}/COMPLETE`,
    ])
  })

  it('of others go on where one is refused for good', async () => {
    await update(await accept(), 'closing', ENDED)
    await update(await accept(), 'closing', ENDED)
    relay('/refuse/lineage')
    await eventually(async () =>
      expect(new Set((await states()).map(([, state]) => state))).toEqual(new Set(['refused'])),
    )
    expect(receiver.of('/refuse/lineage')).toHaveLength(4)
    const [last] = (await events.list(PROJECT, { state: 'refused', limit: 1 })).items
    expect(last!.lastError).toMatch(/^127\.0\.0\.1:\d+ answered 422: /)
  })

  it('that were on their way when their sender was stopped are sent by the next one', async () => {
    const id = await accept()
    await update(id, 1, { status: 'running', stage: 'running' })
    relay('/hold/lineage')
    await eventually(() => expect(sent('/hold/lineage')).toHaveLength(1))
    await stopRelays()
    expect(await states()).toEqual([['START', 'owed']])
    receiver.release()
    relay('/hold/lineage')
    await eventually(async () => expect(await states()).toEqual([['START', 'sent']]))
    expect(new Set(receiver.of('/hold/lineage').map(({ key }) => key))).toEqual(new Set([`${id}/START`]))
  })

  it('go out once each, by however many senders', async () => {
    for (let i = 0; i < 20; i++) await update(await accept(), 'closing', ENDED)
    for (let i = 0; i < 3; i++) relay('/ok/lineage')
    await eventually(async () =>
      expect((await events.list(PROJECT, { state: 'sent' })).items).toHaveLength(40),
    )
    const keys = receiver.of('/ok/lineage').map(({ key }) => key)
    expect(new Set(keys).size).toBe(40)
    expect(keys).toHaveLength(40)
    const first = new Map(keys.toReversed().map((key, i) => [key, i]))
    for (const key of keys.filter(each => each.endsWith('/START'))) {
      expect(first.get(key)!).toBeGreaterThan(first.get(key.replace('START', 'COMPLETE'))!)
    }
  })

  it('wait for a receiver that is away for longer than a week, and what was sent before is forgotten', async () => {
    const [sent, owed] = [await accept(), await accept()]
    await update(sent, 'closing', ENDED)
    relay('/ok/lineage')
    await eventually(async () => expect(await stateNames()).toEqual(['sent', 'sent']))
    await stopRelays()
    await update(owed, 'closing', ENDED)
    await database.dataSource.query(
      'UPDATE lineage_events SET occurred_at = now() - make_interval(secs => $1)',
      [KEPT_MS / 1000 + 1],
    )
    relay('/ok/lineage')
    await eventually(async () => expect(await stateNames()).toEqual(['sent', 'sent']))
    expect(receiver.of('/ok/lineage')).toHaveLength(4)
  })

  it('wait for somebody to be told, and are forgotten after a week', async () => {
    await update(await accept(), 'closing', ENDED)
    const old = await accept()
    await update(old, 'closing', ENDED)
    await database.dataSource.query(
      `UPDATE lineage_events SET occurred_at = now() - make_interval(secs => $1) WHERE run_id = $2`,
      [KEPT_MS / 1000 + 1, old],
    )
    relay('')
    await eventually(async () =>
      expect(await states()).toEqual([
        ['START', 'owed'],
        ['COMPLETE', 'owed'],
      ]),
    )
    await stopRelays()
    relay('/ok/lineage')
    await eventually(() => expect(receiver.of('/ok/lineage')).toHaveLength(2))
  })
})
