import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { liveQuery } from '../../contracts/temporal/messages.js'
import {
  answerStep,
  type PipelineLive,
  pipelineVerb,
  type StepAnswerVerb,
} from '../../contracts/temporal/pipelines.js'
import type { Json } from '../../domain/canonical-json.js'
import type { Run } from '../../stores/postgres/entities/run.js'
import { bikeTraining } from '../support/bike-data.js'
import { eventually } from '../support/eventually.js'
import { type Harness, PROJECT } from '../support/harness.js'
import { record } from '../support/histories.js'
import { PipelineKit } from '../support/pipeline-kit.js'
import type { Receiver } from '../support/receiver.js'

describe('runPipeline', () => {
  let harness: Harness
  let receiver: Receiver
  let kit: PipelineKit
  beforeAll(async () => {
    kit = await PipelineKit.withWorkers()
    ;({ harness, receiver } = kit)
    await kit.commitBike()
  })
  afterAll(() => kit.stop())

  const start: PipelineKit['start'] = (...given) => kit.start(...given)
  const post: PipelineKit['post'] = (...given) => kit.post(...given)
  const stepsOf = (run: Run) => kit.steps(run)
  const statesOf = (run: Run) => kit.states(run)
  const outcomeOf = async (run: Run, step: string, generation = 1) =>
    (await kit.outcome(run, step, generation)) as { outputs: Record<string, Json>; cachedFrom?: object }

  it('does steps in the order of their needs, and passes on what they give', async () => {
    const run = await start(
      'rows',
      {
        parameters: { least: { type: 'integer' } },
        steps: {
          data: { uses: 'dataset', with: { dataset: 'bike@latest' } },
          busy: {
            uses: 'query',
            with: {
              sql: 'SELECT count(*) AS hours, avg(cnt) AS mean FROM rows WHERE cnt > 100',
              tables: { rows: '${{ steps.data.table }}' },
            },
          },
          enough: {
            uses: 'compare',
            with: { candidate: '${{ parameters.least }}', reference: '${{ steps.busy.first.hours }}' },
          },
          tell: {
            uses: 'http',
            needs: 'enough',
            with: {
              url: receiver.url('/ok/rows'),
              body: {
                hours: '${{ steps.busy.first.hours }}',
                run: '${{ run.id }}',
                text: 'of ${{ steps.data.name }}',
              },
            },
          },
        },
      },
      { least: 10 },
    )
    expect(await harness.ended(run)).toMatchObject({ status: 'succeeded', error: null })
    expect(await statesOf(run)).toEqual({
      data: 'succeeded',
      busy: 'succeeded',
      enough: 'succeeded',
      tell: 'succeeded',
    })
    const { outputs } = await outcomeOf(run, 'busy')
    const { hours } = outputs['first'] as { hours: number }
    expect(hours).toBeGreaterThan(100)
    expect(receiver.of('/ok/rows')).toEqual([
      { path: '/ok/rows', key: `${run.id}/tell/g1`, body: { hours, run: run.id, text: 'of bike' } },
    ])
    await record(harness.client, run.workflowId, 'runPipeline.succeeded')
  })

  it('tries a step again with the same key, and blocks what follows from one that fails', async () => {
    const run = await start('failing', {
      steps: {
        flaky: post('/fail/1/a'),
        after: post('/ok/after-flaky', { needs: 'flaky' }),
        broken: post('/broken/b'),
        blocked: post('/ok/blocked', { needs: ['broken', 'after'] }),
      },
    })
    const row = await harness.ended(run)
    expect(row).toMatchObject({
      status: 'failed',
      error: {
        code: 'http_failed',
        message: expect.stringContaining('Step "broken"'),
        details: { step: 'broken' },
      },
    })
    expect(await statesOf(run)).toEqual({ flaky: 'succeeded', after: 'succeeded', broken: 'failed' })
    const { flaky, broken } = await stepsOf(run)
    expect([flaky!.tries, broken!.tries]).toEqual([1, 2])
    for (const path of ['/fail/1/a', '/broken/b']) {
      expect(receiver.of(path)).toHaveLength(2)
      expect(new Set(receiver.of(path).map(({ key }) => key)).size).toBe(1)
    }
    expect(receiver.of('/ok/blocked')).toEqual([])
    await record(harness.client, run.workflowId, 'runPipeline.failed')
  })

  it('begins nothing any more after a failure, where it is told to stop', async () => {
    const run = await start('stopping', {
      onFailure: 'stop',
      parallel: 1,
      steps: { broken: post('/broken/stops'), other: post('/ok/stopped') },
    })
    expect((await harness.ended(run)).status).toBe('failed')
    expect(await statesOf(run)).toEqual({ broken: 'failed' })
    expect(receiver.of('/ok/stopped')).toEqual([])
  })

  it('skips what is finished when it is retried under its id', async () => {
    const run = await start('retried', {
      steps: { first: post('/ok/once'), second: post('/fail/2/second', { needs: 'first' }) },
    })
    expect((await harness.ended(run)).status).toBe('failed')
    const again = await harness.ports.runs.retry(PROJECT, run.id)
    expect(await harness.ended(again)).toMatchObject({ status: 'succeeded', attempt: 2, error: null })
    expect(receiver.of('/ok/once')).toHaveLength(1)
    expect(receiver.of('/fail/2/second').map(({ key }) => key)).toEqual(
      Array.from({ length: 3 }, () => `${run.id}/second/g1`),
    )
    await record(harness.client, run.workflowId, 'runPipeline.retried')
  })

  it('does a step and what follows from it once more when it is reset, also after it has ended well', async () => {
    const run = await start('reset', {
      steps: {
        a: post('/ok/reset-a'),
        b: post('/ok/reset-b', { needs: 'a' }),
        c: post('/ok/reset-c', { needs: 'b' }),
      },
    })
    expect((await harness.ended(run)).status).toBe('succeeded')
    const again = await harness.ports.runs.reset(PROJECT, run.id, transaction =>
      harness.ports.pipelineRuns.raise(transaction, run.id, ['b', 'c']),
    )
    expect(await harness.ended(again)).toMatchObject({ status: 'succeeded', attempt: 2 })
    const keys = (path: string) => receiver.of(path).map(({ key }) => key)
    expect(keys('/ok/reset-a')).toEqual([`${run.id}/a/g1`])
    expect(keys('/ok/reset-b')).toEqual([`${run.id}/b/g1`, `${run.id}/b/g2`])
    expect(keys('/ok/reset-c')).toEqual([`${run.id}/c/g1`, `${run.id}/c/g2`])
  })

  it('ends as refused where a step says no, and is no accident to retry', async () => {
    const run = await start('refusing', {
      steps: {
        gate: { uses: 'compare', with: { candidate: 2, reference: 1 } },
        never: post('/ok/never', { needs: 'gate' }),
      },
    })
    expect(await harness.ended(run)).toMatchObject({
      status: 'refused',
      error: { code: 'gate_refused', details: { step: 'gate' } },
      nextAttemptAt: null,
    })
    expect(receiver.of('/ok/never')).toEqual([])
    await expect(harness.ports.runs.retry(PROJECT, run.id)).rejects.toMatchObject({ code: 'wrong_state' })
    await record(harness.client, run.workflowId, 'runPipeline.refused')
  })

  it('takes outcomes of equal inputs over from another run, where the step may', async () => {
    const source = {
      steps: {
        data: { uses: 'dataset', with: { dataset: 'bike@1' } },
        sum: {
          uses: 'query',
          with: { sql: 'SELECT sum(cnt) AS total FROM t', tables: { t: '${{ steps.data.table }}' } },
        },
        tell: post('/ok/memo', { with: { url: receiver.url('/ok/memo'), body: '${{ steps.sum.first }}' } }),
      },
    }
    const first = await start('memo', source)
    await harness.ended(first)
    const second = await start('memo', source)
    expect((await harness.ended(second)).status).toBe('succeeded')
    expect(await outcomeOf(second, 'sum')).toEqual({
      ...(await outcomeOf(first, 'sum')),
      cachedFrom: { runId: first.id, step: 'sum' },
    })
    // Of this run, or of any before it that has worked on the same version.
    expect((await outcomeOf(second, 'data')).cachedFrom).toEqual({ runId: expect.any(String), step: 'data' })
    expect(receiver.of('/ok/memo')).toHaveLength(2)
  })

  it('begins nothing while it is paused, and goes on when it is resumed', async () => {
    const run = await start('paused', {
      steps: { held: post('/hold/paused'), next: post('/ok/after-pause', { needs: 'held' }) },
    })
    await eventually(async () => expect(receiver.of('/hold/paused')).toHaveLength(1))
    const handle = harness.client.workflow.getHandle(run.workflowId)
    const verb = { runId: run.id, by: 'key:test', reason: 'lunch' }
    expect(await handle.executeUpdate(pipelineVerb, { args: [{ ...verb, verb: 'pause' }] })).toEqual({
      paused: true,
    })
    receiver.release()
    await eventually(async () => expect(await statesOf(run)).toEqual({ held: 'succeeded' }))
    expect(receiver.of('/ok/after-pause')).toEqual([])
    expect((await harness.row(run)).status).toBe('running')
    expect(await handle.executeUpdate(pipelineVerb, { args: [{ ...verb, verb: 'resume' }] })).toEqual({
      paused: false,
    })
    expect((await harness.ended(run)).status).toBe('succeeded')
    expect(receiver.of('/ok/after-pause')).toHaveLength(1)
    await record(harness.client, run.workflowId, 'runPipeline.paused')
  })

  it('trains and promotes by runs of their own', async () => {
    const { model: _, dataset: __, ...training } = bikeTraining()
    const run = await start('trains', {
      steps: {
        data: { uses: 'dataset', with: { dataset: 'bike' } },
        train: {
          uses: 'train',
          with: {
            model: 'demand',
            dataset: '${{ steps.data.name }}',
            version: '${{ steps.data.version }}',
            training,
          },
        },
        champion: {
          uses: 'promote',
          with: { model: 'demand', version: '${{ steps.train.version }}', alias: 'tested' },
        },
      },
    })
    expect(await harness.ended(run)).toMatchObject({ status: 'succeeded' })
    const { train } = await stepsOf(run)
    expect(await harness.row({ id: train!.child! })).toMatchObject({
      kind: 'training',
      status: 'succeeded',
      principal: `pipeline:${run.id}`,
      trigger: 'pipeline',
    })
    expect((await harness.ports.models.aliased(PROJECT, 'demand', 'tested'))?.version).toBe(1)
    await record(harness.client, run.workflowId, 'runPipeline.trained')
  })

  it('cancels the run that does a step with it', async () => {
    const { model: _, dataset: __, ...training } = bikeTraining()
    const run = await start('cancelled', {
      steps: {
        train: {
          uses: 'train',
          with: { model: 'endless', dataset: 'bike', version: 1, training: { ...training, rounds: 100_000 } },
        },
        after: post('/ok/after-cancel', { needs: 'train' }),
      },
    })
    const child = await eventually(async () => {
      const { train } = await stepsOf(run)
      expect(train?.child).toEqual(expect.any(String))
      const row = await harness.row({ id: train!.child! })
      expect(row.stage).toBe('train')
      return row
    })
    await harness.client.workflow.getHandle(run.workflowId).cancel()
    expect(await harness.ended(run)).toMatchObject({ status: 'cancelled' })
    expect((await harness.row(child)).status).toBe('cancelled')
    expect(await statesOf(run)).toEqual({ train: 'cancelled' })
    await record(harness.client, run.workflowId, 'runPipeline.cancelled')
  })

  it('takes the way that a branch says, and joins after it', async () => {
    const run = await start('branches', {
      steps: {
        size: {
          uses: 'branch',
          with: {
            value: 7,
            cases: [
              { case: 'large', above: 5 },
              { case: 'odd', oneOf: [1, 3] },
            ],
          },
        },
        big: post('/ok/branch-big', { when: { size: 'large' } }),
        small: post('/ok/branch-small', { when: { size: ['odd', 'otherwise'] } }),
        after: post('/ok/branch-after', { needs: 'small' }),
        joined: post('/ok/branch-joined', { needs: ['big', 'small'], join: 'any' }),
      },
    })
    expect(await harness.ended(run)).toMatchObject({
      status: 'succeeded',
      result: { steps: { succeeded: 3, skipped: 2 } },
    })
    expect(receiver.of('/ok/branch-small')).toEqual([])
    expect(receiver.of('/ok/branch-after')).toEqual([])
    expect(receiver.of('/ok/branch-joined')).toHaveLength(1)
    await record(harness.client, run.workflowId, 'runPipeline.branched')
  })

  it('waits for an approval by a role, and for an event', async () => {
    const run = await start('gated', {
      steps: {
        ask: {
          uses: 'approve',
          with: { message: 'Go?', roles: ['admin'], webhook: receiver.url('/ok/asked') },
        },
        hook: { uses: 'wait', needs: 'ask', with: { event: true } },
        pause: { uses: 'wait', needs: 'hook', with: { seconds: 0.05 } },
        tell: post('/ok/gated', {
          needs: 'pause',
          with: { url: receiver.url('/ok/gated'), body: '${{ steps.hook.payload }}' },
        }),
      },
    })
    await eventually(async () => expect(receiver.of('/ok/asked')).toHaveLength(1))
    const handle = harness.client.workflow.getHandle(run.workflowId)
    const answer = (step: string, given: StepAnswerVerb['answer'], role = 'admin') =>
      handle.executeUpdate(answerStep, { args: [{ runId: run.id, step, role, answer: given }] })
    const approval = { kind: 'approve', by: 'key:test', reason: null } as const
    await expect(answer('hook', approval)).rejects.toMatchObject({ cause: { type: 'wrong_state' } })
    await eventually(() =>
      expect(answer('ask', approval, 'operator')).rejects.toMatchObject({ cause: { type: 'forbidden' } }),
    )
    const live = (await handle.query(liveQuery)) as PipelineLive
    expect(live.open).toMatchObject([{ step: 'ask', gate: { kind: 'approval', roles: ['admin'] } }])
    expect(await answer('ask', approval)).toEqual({ taken: true })
    await expect(answer('ask', approval)).rejects.toMatchObject({ cause: { type: 'wrong_state' } })
    const payload = { rows: 3 }
    await eventually(async () => {
      expect(await answer('hook', { kind: 'release', by: 'key:test', payload })).toEqual({ taken: true })
    })
    expect(await harness.ended(run)).toMatchObject({ status: 'succeeded' })
    expect((await outcomeOf(run, 'ask')).outputs).toEqual({ by: 'key:test', reason: null })
    expect(receiver.of('/ok/gated').map(({ body }) => body)).toEqual([payload])
    await record(harness.client, run.workflowId, 'runPipeline.gated')
  })

  it('is refused where somebody rejects, or where nobody answers in time', async () => {
    const rejected = await start('rejected', {
      steps: {
        ask: { uses: 'approve', with: { message: 'Go?' } },
        after: post('/ok/rejected', { needs: 'ask' }),
      },
    })
    await eventually(async () => {
      const answer = { kind: 'reject', by: 'key:test', reason: 'not today' } as const
      await harness.client.workflow
        .getHandle(rejected.workflowId)
        .executeUpdate(answerStep, { args: [{ runId: rejected.id, step: 'ask', role: 'operator', answer }] })
    })
    expect(await harness.ended(rejected)).toMatchObject({
      status: 'refused',
      error: { code: 'approval_rejected', message: expect.stringContaining('not today') },
    })
    const expired = await start('expired', {
      steps: { ask: { uses: 'approve', with: { message: 'Go?' }, timeout: 1 } },
    })
    expect(await harness.ended(expired)).toMatchObject({
      status: 'refused',
      error: { code: 'approval_expired' },
    })
  })
})
