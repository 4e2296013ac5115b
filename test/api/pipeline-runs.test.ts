import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { PipelineRun } from '../../contracts/rest/pipeline-runs.js'
import { toEnvironment } from '../../config/load.js'
import { bikeCsv } from '../support/bike-data.js'
import { eventually } from '../support/eventually.js'
import { Harness } from '../support/harness.js'
import { Receiver } from '../support/receiver.js'
import { TestApi } from './support/api.js'
import { eventsOf } from './support/events.js'
import { pipelineCalls, problemsOf } from './support/pipeline-calls.js'

/** Nobody waits for the second try of a step. */
const SOON = { maxAttempts: 2, delay: 0.05 }
const NOWHERE = { MLFORGE_TEMPORAL_ADDRESS: '127.0.0.1:1' }

describe('runs of pipelines', () => {
  let harness: Harness
  let receiver: Receiver
  let api: TestApi
  beforeAll(async () => {
    harness = await Harness.start()
    receiver = await Receiver.start()
    await harness.ended(
      await harness.commit('bike', bikeCsv(1), { columns: { dteday: { format: '%m/%d/%Y' } } }),
    )
    api = await TestApi.beside(harness)
  })
  afterAll(async () => {
    await api.stop()
    await receiver.stop()
    await harness.stop()
  })

  const { apply, post, start, get, ended, verb } = pipelineCalls(() => api)
  const statesOf = ({ steps }: PipelineRun) =>
    Object.fromEntries(steps.map(({ name, state }) => [name, state]))
  const send = (path: string, more: object = {}) => ({
    uses: 'http',
    with: { url: receiver.url(path) },
    retry: SOON,
    ...more,
  })

  it('are shown with their graph, from the start to the end', async () => {
    const run = await start(
      'shown',
      {
        parameters: { least: { type: 'integer', default: 1 }, note: { type: 'string' } },
        steps: {
          data: { uses: 'dataset', with: { dataset: 'bike' } },
          count: {
            uses: 'query',
            with: { sql: 'SELECT count(*) AS n FROM bike', tables: { bike: '${{ steps.data.table }}' } },
          },
          tell: send('/ok/shown', {
            with: {
              url: receiver.url('/ok/shown'),
              body: ['${{ parameters.note }}', '${{ steps.count.first.n }}'],
            },
          }),
        },
      },
      { parameters: { note: 'hello' } },
    )
    expect(run).toMatchObject({
      kind: 'pipeline',
      pipeline: 'shown',
      version: 1,
      parameters: { least: 1, note: 'hello' },
      principal: 'key:operator',
      links: { self: `/v1/pipeline-runs/${run.id}` },
    })
    const done = await ended(run.id, 'succeeded')
    expect(done.steps).toMatchObject([
      { name: 'data', uses: 'dataset', needs: [], state: 'succeeded', generation: 1, attempt: 1, tries: 0 },
      {
        name: 'count',
        needs: ['data'],
        inputs: { sql: expect.any(String), tables: { bike: { kind: 'table' } } },
        outputs: { rows: 1, first: { n: 688 }, table: { kind: 'table', rows: 1 } },
        error: null,
        child: null,
        cachedFrom: null,
        links: {
          log: `/v1/pipeline-runs/${run.id}/steps/count/log`,
          outputs: { first: `/v1/pipeline-runs/${run.id}/steps/count/outputs/first` },
          child: null,
        },
      },
      { name: 'tell', needs: ['count'], inputs: { body: ['hello', 688] }, outputs: { status: 200 } },
    ])
    expect(receiver.of('/ok/shown')).toMatchObject([{ body: ['hello', 688], key: `${run.id}/tell/g1` }])
    expect((await api.call('GET', `/v1/operations/${run.id}`)).body).toMatchObject({ kind: 'pipeline' })
  })

  it('are refused with all that is wrong with their parameters', async () => {
    await apply('typed', {
      parameters: {
        rounds: { type: 'integer' },
        rate: { type: 'number', default: 0.1 },
        engine: { type: 'string', choices: ['fast', 'exact'], default: 'fast' },
        strict: { type: 'boolean', default: false },
        needed: { type: 'string' },
      },
      steps: { x: { uses: 'compare', with: { candidate: 1, reference: 1 } } },
    })
    const answer = await post('typed', {
      parameters: { rounds: '10', rate: true, engine: 'slow', strict: 'yes', round: 1, toString: 'a' },
    })
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_request' } })
    // A definition is kept without an order of its parameters.
    const problems = problemsOf(answer).map(({ at, message }) => `${at}: ${message}`)
    expect(problems.sort()).toEqual([
      'parameters.engine: "slow" is not one of "fast", "exact".',
      'parameters.needed: It has no default: give one of type string.',
      'parameters.rate: Must be a number, and is true.',
      'parameters.round: Pipeline "typed" has no parameter "round". Did you mean "rounds"?',
      'parameters.rounds: Must be a whole number, and is "10".',
      'parameters.strict: Must be true or false, and is "yes".',
      'parameters.toString: Pipeline "typed" has no parameter "toString".',
    ])
    const odd = await post('typed', { parameters: { rounds: 1, needed: 'a\0b' } })
    expect(problemsOf(odd)).toEqual([
      { at: 'parameters.needed', message: expect.stringContaining('cannot be kept') },
    ])
    for (const [body, at] of [
      [{ parameters: [] }, 'parameters'],
      [{ parameters: 'x' }, 'parameters'],
      [{ parameter: {} }, 'parameter'],
      [{ version: 0 }, 'version'],
    ] as const) {
      const refused = await post('typed', body)
      expect(refused.status).toBe(400)
      expect(problemsOf(refused)[0]).toMatchObject({ at })
    }
    expect(await post('typd')).toMatchObject({
      status: 404,
      body: { detail: 'There is no pipeline "typd". Did you mean "typed"?' },
    })
    expect(await post('typed', { version: 2 })).toMatchObject({ status: 404 })
    const viewer = await api.call('POST', '/v1/pipelines/typed/runs', { key: 'mlf_viewer', body: {} })
    expect(viewer.status).toBe(403)
    const none = await api.call('GET', '/v1/pipeline-runs?pipeline=typed')
    expect(none.body).toEqual({ items: [] })
  })

  it('are one for an Idempotency-Key, also when the definition has changed since', async () => {
    const steps = { x: { uses: 'compare', with: { candidate: 1, reference: '${{ parameters.of }}' } } }
    await apply('once', { parameters: { of: { type: 'integer' } }, steps })
    const body = { parameters: { of: 2 } }
    const answers = await Promise.all([1, 2, 3].map(() => post('once', body, { 'idempotency-key': 'k1' })))
    expect(answers.map(({ status }) => status)).toEqual([202, 202, 202])
    const [id, ...others] = new Set(answers.map(each => (each.body as PipelineRun).id))
    expect(others).toEqual([])
    await apply('once', { parameters: { other: { type: 'string' } }, steps: { y: send('/ok/once') } })
    expect(await post('once', body, { 'idempotency-key': 'k1' })).toMatchObject({
      status: 202,
      body: { id, version: 1, parameters: { of: 2 } },
    })
    expect(await post('once', { parameters: { of: 3 } }, { 'idempotency-key': 'k1' })).toMatchObject({
      status: 409,
      body: { code: 'idempotency_key_reused', runId: id },
    })
    expect(await post('once', { version: 1, ...body })).toMatchObject({ status: 202, body: { version: 1 } })
  })

  it('are listed newest first, by pipeline and status, in pages', async () => {
    const gate = (candidate: number) => ({
      steps: { gate: { uses: 'compare', with: { candidate, reference: 1 } } },
    })
    const good = [await start('listed', gate(1)), await start('listed', gate(0.5))]
    const bad = await start('listed', gate(2))
    for (const { id } of good) await ended(id, 'succeeded')
    await ended(bad.id, 'refused')
    const list = async (query: string) =>
      (await api.call('GET', `/v1/pipeline-runs?pipeline=listed${query}`, { key: 'mlf_viewer' })).body as {
        items: PipelineRun[]
        nextCursor?: string
      }
    const all = [bad.id, good[1]!.id, good[0]!.id]
    expect((await list('')).items.map(({ id }) => id)).toEqual(all)
    const first = await list('&limit=2')
    expect(first.items).toMatchObject([{ version: 3 }, { version: 2 }])
    const second = await list(`&limit=2&cursor=${first.nextCursor}`)
    expect(second.items.map(({ id }) => id)).toEqual([good[0]!.id])
    expect((await list('&status=refused')).items).toMatchObject([
      { id: bad.id, error: { code: 'gate_refused', message: expect.stringContaining('Step "gate"') } },
    ])
    expect(await api.call('GET', '/v1/pipeline-runs?status=gone')).toMatchObject({ status: 400 })
    expect(await api.call('GET', '/v1/pipeline-runs?pipeline=A%20B')).toMatchObject({ status: 400 })
  })

  it('begin nothing while they are paused, go on when resumed, and refuse verbs once they have ended', async () => {
    const held = await Receiver.start()
    try {
      const run = await start('steered', {
        steps: {
          held: { uses: 'http', with: { url: held.url('/hold/a') } },
          next: send('/ok/steered', { needs: 'held' }),
        },
      })
      await eventually(() => expect(held.of('/hold/a')).toHaveLength(1))
      expect(await verb(run.id, 'pause', { reason: 'lunch' }, 'mlf_viewer')).toMatchObject({ status: 403 })
      expect(await verb(run.id, 'pause', { reason: 'lunch' })).toMatchObject({
        status: 200,
        body: { runId: run.id, paused: true },
      })
      expect(await verb(run.id, 'pause', { reason: 'dinner' })).toMatchObject({ body: { paused: true } })
      await eventually(async () =>
        expect(await get(run.id)).toMatchObject({
          status: 'running',
          live: { stage: 'paused', paused: { by: 'key:operator', reason: 'lunch' } },
        }),
      )
      held.release()
      await eventually(async () =>
        expect(statesOf(await get(run.id))).toEqual({ held: 'succeeded', next: 'waiting' }),
      )
      for (const wrong of ['retry', 'reset']) {
        const answer = await verb(run.id, wrong, wrong === 'reset' ? { steps: ['held'] } : undefined)
        expect(answer).toMatchObject({ status: 409, body: { code: 'wrong_state' } })
      }
      expect(receiver.of('/ok/steered')).toEqual([])
      expect(await verb(run.id, 'resume')).toMatchObject({ status: 200, body: { paused: false } })
      await ended(run.id, 'succeeded')
      for (const late of ['pause', 'resume', 'cancel', 'retry']) {
        const answer = await verb(run.id, late, late === 'pause' ? {} : undefined)
        expect(answer).toMatchObject({
          status: 409,
          body: { code: 'wrong_state', detail: expect.stringContaining('succeeded') },
        })
      }
    } finally {
      await held.stop()
    }
  })

  it('stop when they are cancelled, and go on from there when they are retried', async () => {
    const held = await Receiver.start()
    try {
      const run = await start('stopped', {
        steps: {
          first: send('/ok/stopped-first'),
          held: { uses: 'http', needs: 'first', with: { url: held.url('/hold/a') } },
          last: send('/ok/stopped-last', { needs: 'held' }),
        },
      })
      await eventually(() => expect(held.of('/hold/a')).toHaveLength(1))
      expect(await verb(run.id, 'cancel')).toMatchObject({ status: 202 })
      const stopped = await ended(run.id, 'cancelled')
      expect(statesOf(stopped)).toEqual({ first: 'succeeded', held: 'cancelled', last: 'blocked' })
      held.release()
      expect(await verb(run.id, 'retry')).toMatchObject({ status: 202, body: { attempt: 2 } })
      const done = await ended(run.id, 'succeeded', 2)
      expect(done.steps.map(({ attempt }) => attempt)).toEqual([1, 2, 2])
      expect(receiver.of('/ok/stopped-first')).toHaveLength(1)
      expect(new Set(held.of('/hold/a').map(({ key }) => key))).toEqual(new Set([`${run.id}/held/g1`]))
    } finally {
      await held.stop()
    }
  })

  it('do steps again when they are reset, and only such as they have', async () => {
    // Its second step is called like what every object has.
    const source = `
      name: again
      steps:
        first: { uses: http, with: { url: "${receiver.url('/ok/again-first')}" } }
        constructor: { uses: http, needs: first, with: { url: "${receiver.url('/ok/again-second')}" } }
        third: { uses: http, needs: constructor, with: { url: "${receiver.url('/ok/again-third')}" } }`
    expect(await api.call('POST', '/v1/pipelines', { body: { source } })).toMatchObject({ status: 200 })
    const run = (await post('again')).body as PipelineRun
    await ended(run.id, 'succeeded')
    const answer = await verb(run.id, 'reset', { steps: ['thrid', 'constructor', 'nothing'] })
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_request' } })
    expect(problemsOf(answer)).toEqual([
      { at: 'steps', message: 'Pipeline "again" has no step "thrid". Did you mean "third"?' },
      { at: 'steps', message: 'Pipeline "again" has no step "nothing".' },
    ])
    for (const body of [{ steps: [] }, {}, { steps: 'third' }, { steps: [1] }]) {
      expect(await verb(run.id, 'reset', body)).toMatchObject({ status: 400 })
    }
    expect(await verb(run.id, 'reset', { steps: ['third'] }, 'mlf_viewer')).toMatchObject({ status: 403 })
    expect(await verb(run.id, 'reset', { steps: ['constructor'] })).toMatchObject({ status: 202 })
    const done = await ended(run.id, 'succeeded', 2)
    expect(done.steps.map(({ name, generation }) => [name, generation])).toEqual([
      ['first', 1],
      ['constructor', 2],
      ['third', 2],
    ])
    expect(receiver.of('/ok/again-first')).toHaveLength(1)
    expect(receiver.of('/ok/again-third').map(({ key }) => key)).toEqual([
      `${run.id}/third/g1`,
      `${run.id}/third/g2`,
    ])
  })

  it('are rolled back while they work and after they have ended, and only where steps can be undone', async () => {
    const undo = (path: string) => ({ uses: 'http', with: { url: receiver.url(path) }, retry: SOON })
    const definition = {
      steps: {
        up: send('/ok/up', { compensate: undo('/ok/undone') }),
        upper: send('/ok/upper', { needs: 'up', compensate: undo('/ok/undone-upper') }),
        held: { uses: 'wait', needs: 'upper', with: { event: true } },
      },
    }
    const run = await start('undoable', definition)
    await eventually(async () => expect(statesOf(await get(run.id))).toMatchObject({ held: 'running' }))
    expect(await verb(run.id, 'rollback', { reason: '' })).toMatchObject({ status: 400 })
    expect(await verb(run.id, 'rollback', {}, 'mlf_viewer')).toMatchObject({ status: 403 })
    expect(await verb(run.id, 'rollback', { reason: 'wrong data' })).toMatchObject({ status: 202 })
    const undone = await ended(run.id, 'refused')
    expect(undone.error).toMatchObject({ code: 'rolled_back' })
    expect(statesOf(undone)).toEqual({ up: 'undone', upper: 'undone', held: 'blocked' })
    // Undone itself, and then what it follows from.
    expect(undone.steps[1]).toMatchObject({ generation: 3, compensation: { generation: 1 } })
    expect(undone.steps[0]).toMatchObject({
      generation: 2,
      compensation: { uses: 'http', state: 'succeeded', generation: 1, error: null, child: null },
    })
    const { log } = undone.steps[0]!.compensation!.links
    expect(await api.call('GET', log, { key: 'mlf_viewer' })).toMatchObject({
      status: 200,
      body: expect.stringContaining('was answered by status 200'),
    })
    expect(await verb(run.id, 'rollback')).toMatchObject({ status: 202 })
    expect((await ended(run.id, 'refused', 2)).error?.message).toContain('Nothing was undone')
    expect(receiver.of('/ok/undone')).toHaveLength(1)

    const plain = await start('plain', { steps: { only: send('/ok/only') } })
    await ended(plain.id, 'succeeded')
    expect(await verb(plain.id, 'rollback')).toMatchObject({
      status: 409,
      body: { code: 'wrong_state', detail: expect.stringContaining('"compensate"') },
    })
  })

  it('go on when their definition is deleted or changed', async () => {
    const held = await Receiver.start()
    try {
      const run = await start('vanishes', {
        steps: {
          held: { uses: 'http', with: { url: held.url('/hold/a') } },
          next: send('/ok/vanishes', { needs: 'held' }),
        },
      })
      await eventually(() => expect(held.of('/hold/a')).toHaveLength(1))
      await apply('vanishes', { steps: { other: send('/ok/never') } })
      expect(await api.call('DELETE', '/v1/pipelines/vanishes')).toMatchObject({ status: 204 })
      held.release()
      const done = await ended(run.id, 'succeeded')
      expect(statesOf(done)).toEqual({ held: 'succeeded', next: 'succeeded' })
      expect(await post('vanishes')).toMatchObject({ status: 404 })
      expect(await verb(run.id, 'reset', { steps: ['next'] })).toMatchObject({ status: 202 })
      await ended(run.id, 'succeeded', 2)
      expect(receiver.of('/ok/vanishes')).toHaveLength(2)
      expect(receiver.of('/ok/never')).toEqual([])
    } finally {
      await held.stop()
    }
  })

  it('tell of their steps as they happen, and take a broken stream up where it was', async () => {
    const held = await Receiver.start()
    try {
      const run = await start('told', {
        steps: {
          held: { uses: 'http', with: { url: held.url('/hold/a') } },
          next: send('/ok/told', { needs: 'held' }),
        },
      })
      const path = `/v1/pipeline-runs/${run.id}/events`
      const isHeld = (data: unknown) => statesOf(data as PipelineRun)['held'] === 'running'
      const before = await eventsOf(api, path, ({ data, event }) => event === 'state' && isHeld(data))
      const seen = before.at(-1)!.id!
      const after = eventsOf(api, path, ({ event }) => event === 'end', seen)
      held.release()
      const events = await after
      expect(events.map(({ id }) => id)).not.toContain(seen)
      expect(events.at(-1)).toMatchObject({ event: 'end', data: { status: 'succeeded' } })
      const last = events.at(-2)!
      expect(statesOf(last.data as PipelineRun)).toEqual({ held: 'succeeded', next: 'succeeded' })
      const response = await fetch(api.url + path, {
        headers: { authorization: 'Bearer mlf_viewer', 'last-event-id': last.id! },
      })
      expect(response.status).toBe(204)
    } finally {
      await held.stop()
    }
  })

  it('are not found under ids that are none of theirs', async () => {
    const [commit] = (await harness.ports.runs.list('default', { kind: 'dataset', limit: 1 })).items
    for (const id of [commit!.id, '01a20974-b37c-74dc-9d83-239f755329f3', 'none']) {
      for (const path of ['', '/events', '/steps/x/log', '/steps/x/outputs/y']) {
        expect(await api.call('GET', `/v1/pipeline-runs/${id}${path}`)).toMatchObject({
          status: 404,
          body: { code: 'not_found' },
        })
      }
      for (const name of ['cancel', 'retry', 'pause', 'resume']) {
        expect(await verb(id, name, name === 'pause' ? {} : undefined)).toMatchObject({ status: 404 })
      }
    }
  })

  it('are accepted while Temporal is away, and cannot be steered before it is back', async () => {
    const held = await Receiver.start()
    const away = await api.restart({ ...toEnvironment(harness.config), ...NOWHERE })
    try {
      await apply('away', { steps: { held: { uses: 'http', with: { url: held.url('/hold/a') } } } })
      const answer = await away.call('POST', '/v1/pipelines/away/runs', { body: {} })
      expect(answer.status).toBe(202)
      const { id } = answer.body as PipelineRun
      // The relay of the workers makes the start that was owed.
      await eventually(() => expect(held.of('/hold/a')).toHaveLength(1))
      for (const name of ['pause', 'resume', 'cancel']) {
        const path = `/v1/pipeline-runs/${id}/${name}`
        const refused = await away.call('POST', path, name === 'pause' ? { body: {} } : {})
        expect(refused).toMatchObject({ status: 503, body: { code: 'unavailable' } })
      }
      expect(await away.call('GET', `/v1/pipeline-runs/${id}`)).toMatchObject({ body: { live: null } })
      held.release()
      await ended(id, 'succeeded')
    } finally {
      await away.stop()
      await held.stop()
    }
  })
})
