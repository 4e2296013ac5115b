import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { pipelineVerb, type PipelineVerb } from '../../contracts/temporal/pipelines.js'
import type { Run } from '../../stores/postgres/entities/run.js'
import { eventually } from '../support/eventually.js'
import { type Harness, PROJECT } from '../support/harness.js'
import { record } from '../support/histories.js'
import { PipelineKit, SOON } from '../support/pipeline-kit.js'
import type { Receiver } from '../support/receiver.js'

describe('runPipeline, rolling back', () => {
  let harness: Harness
  let receiver: Receiver
  let kit: PipelineKit
  beforeAll(async () => {
    kit = await PipelineKit.withWorkers()
    ;({ harness, receiver } = kit)
  })
  afterAll(() => kit.stop())

  /** A step that sends `/ok/<name>`, and what undoes it, which sends on the status of that. */
  const undoable = (name: string, undo = `/ok/undo-${name}`, more: object = {}) =>
    kit.post(`/ok/${name}`, {
      compensate: {
        uses: 'http',
        with: { url: receiver.url(undo), body: `\${{ steps.${name}.status }}` },
        retry: SOON,
      },
      ...more,
    })
  const paths = (run: Run) =>
    receiver.received.filter(({ key }) => key.startsWith(run.id)).map(({ path }) => path)
  const send = (run: Run, verb: PipelineVerb['verb']) =>
    harness.client.workflow.getHandle(run.workflowId).executeUpdate(pipelineVerb, {
      args: [{ runId: run.id, verb, by: 'key:test', reason: 'wrong month' }],
    })
  const askAgain = async (run: Run) =>
    harness.ports.runs.reset(PROJECT, run.id, (transaction, { attempt }) =>
      harness.ports.pipelineRuns.askRollBack(transaction, run.id, {
        attempt: attempt + 1,
        by: 'key:test',
        reason: null,
      }),
    )

  it('undoes what has succeeded when a run fails, the last first, and does it again when it is retried', async () => {
    const run = await kit.start('undone', {
      steps: {
        plain: kit.post('/ok/plain'),
        one: undoable('one', '/ok/undo-one', { needs: 'plain' }),
        two: undoable('two', '/ok/undo-two', { needs: 'one' }),
        after: kit.post('/ok/after', { needs: 'two' }),
        breaks: { uses: 'dataset', needs: 'after', with: { dataset: 'late' } },
      },
    })
    expect(await harness.ended(run)).toMatchObject({
      status: 'failed',
      error: {
        code: 'not_found',
        message: expect.stringMatching(/^Step "breaks": .* Undone: two, one\.$/),
        details: { step: 'breaks', rollBack: { undone: ['two', 'one'] } },
      },
    })
    const undo = ['/ok/undo-two', '/ok/undo-one']
    expect(paths(run)).toEqual(['/ok/plain', '/ok/one', '/ok/two', '/ok/after', ...undo])
    expect(receiver.of('/ok/undo-two')).toEqual([
      { path: '/ok/undo-two', key: `${run.id}/two:compensate/g1`, body: 200 },
    ])
    await record(harness.client, run.workflowId, 'runPipeline.rolledBack')
    await harness.ended(await harness.commit('late', 'day,cnt\n2026-01-01,1\n'))
    const again = await harness.ports.runs.retry(PROJECT, run.id)
    expect((await harness.ended(again)).status).toBe('succeeded')
    // What was not undone, and followed from nothing that was, stays as it is.
    expect(paths(run).slice(6)).toEqual(['/ok/one', '/ok/two', '/ok/after'])
  })

  it('undoes a refused run too, but none that was cancelled', async () => {
    const refused = await kit.start('gate', {
      steps: {
        before: undoable('before'),
        no: { uses: 'compare', needs: 'before', with: { candidate: 2, reference: 1 } },
      },
    })
    expect(await harness.ended(refused)).toMatchObject({
      status: 'refused',
      error: { code: 'gate_refused', details: { rollBack: { undone: ['before'] } } },
      result: { steps: { undone: 1, refused: 1 } },
    })
    const cancelled = await kit.start('cancelled', {
      steps: { kept: undoable('kept'), held: { uses: 'wait', needs: 'kept', with: { event: true } } },
    })
    await eventually(async () => expect(await kit.states(cancelled)).toHaveProperty('held'))
    await harness.client.workflow.getHandle(cancelled.workflowId).cancel()
    expect((await harness.ended(cancelled)).status).toBe('cancelled')
    expect(paths(cancelled)).toEqual(['/ok/kept'])
  })

  it('stops what works and undoes the rest when somebody asks, also where failures do not', async () => {
    const source = (last: object) => ({
      rollBack: 'on_request',
      steps: { done: undoable('done'), last: { needs: 'done', ...last } },
    })
    const failed = await kit.start('asked', source(kit.post('/broken/asked')))
    expect(await harness.ended(failed)).toMatchObject({
      status: 'failed',
      error: { details: { step: 'last' } },
    })
    expect(paths(failed)).not.toContain('/ok/undo-done')

    const run = await kit.start('asked', source({ uses: 'wait', with: { event: true } }))
    await eventually(async () => expect(await kit.states(run)).toHaveProperty('last'))
    expect(await send(run, 'roll_back')).toEqual({ paused: false })
    expect(await harness.ended(run)).toMatchObject({
      status: 'refused',
      error: { code: 'rolled_back', message: 'It was rolled back by key:test: wrong month. Undone: done.' },
    })
    expect(await kit.states(run)).toEqual({
      done: 'succeeded',
      last: 'cancelled',
      'done:compensate': 'succeeded',
    })
    await record(harness.client, run.workflowId, 'runPipeline.rollBackAsked')
  })

  it('undoes a run that has ended well in an attempt of its own, once', async () => {
    const run = await kit.start('later', {
      steps: { a: undoable('a'), b: undoable('b', '/ok/undo-b', { needs: 'a' }) },
    })
    expect((await harness.ended(run)).status).toBe('succeeded')
    expect(await harness.ended(await askAgain(run))).toMatchObject({
      status: 'refused',
      attempt: 2,
      error: { code: 'rolled_back', details: { rollBack: { undone: ['b', 'a'] } } },
    })
    expect(await harness.ended(await askAgain(run))).toMatchObject({
      attempt: 3,
      error: { message: 'It was rolled back by key:test. Nothing was undone.' },
    })
    expect(paths(run)).toEqual(['/ok/a', '/ok/b', '/ok/undo-b', '/ok/undo-a'])
  })

  it('stops at what cannot be undone, is not started again by itself, and goes on when asked', async () => {
    const run = await kit.start('stuck', {
      retry: { codes: ['http_failed', 'rolled_back'], maxAttempts: 3, delay: 0.05 },
      steps: {
        first: undoable('first'),
        second: undoable('second', '/fail/2/undo-second', { needs: 'first' }),
      },
    })
    await harness.ended(run)
    const stuck = await harness.ended(await askAgain(run))
    expect(stuck).toMatchObject({
      status: 'failed',
      error: {
        code: 'rolled_back',
        details: { rollBack: { undone: [], failed: { step: 'second', code: 'http_failed' } } },
      },
      nextAttemptAt: null,
    })
    expect(await kit.states(run)).toMatchObject({ 'second:compensate': 'failed' })
    expect(paths(run)).not.toContain('/ok/undo-first')
    await harness.ended(await askAgain(run))
    expect(paths(run).slice(2)).toEqual([
      '/fail/2/undo-second',
      '/fail/2/undo-second',
      '/fail/2/undo-second',
      '/ok/undo-first',
    ])
    expect(new Set(receiver.of('/fail/2/undo-second').map(({ key }) => key))).toEqual(
      new Set([`${run.id}/second:compensate/g1`]),
    )
  })

  it('goes on undoing where a worker was lost', async () => {
    const run = await kit.start('killed', {
      steps: {
        one: undoable('one', '/ok/undo-lost'),
        two: undoable('two', '/hold/undo-b', { needs: 'one' }),
        c: kit.post('/broken/c', { needs: 'two' }),
      },
    })
    await eventually(() => Promise.resolve(expect(receiver.of('/hold/undo-b')).toHaveLength(1)))
    await harness.client.workflow.getHandle(run.workflowId).terminate('as a machine that burns')
    receiver.release()
    await eventually(async () => {
      await harness.tick('reconcile')
      expect((await harness.row(run)).status).toBe('terminated')
    })
    await harness.ended(await askAgain(run))
    expect(await kit.states(run)).toMatchObject({
      'one:compensate': 'succeeded',
      'two:compensate': 'succeeded',
    })
    expect(receiver.of('/ok/undo-lost')).toHaveLength(1)
    expect(new Set(receiver.of('/hold/undo-b').map(({ key }) => key)).size).toBe(1)
  })
})
