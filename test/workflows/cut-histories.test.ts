import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { liveQuery } from '../../contracts/temporal/messages.js'
import {
  answerStep,
  type PipelineLive,
  pipelineVerb,
  type PipelineVerb,
} from '../../contracts/temporal/pipelines.js'
import type { Run } from '../../stores/postgres/entities/run.js'
import { readChunk } from '../../packing/read-chunk.js'
import { makePack } from '../../packing/make-pack.js'
import { acceptPush, seal, sendPack, treeOf } from '../support/data-push.js'
import { eventually } from '../support/eventually.js'
import { executions as executionsOf } from '../support/executions.js'
import { Harness, type RunningWorker } from '../support/harness.js'
import { record } from '../support/histories.js'
import { PipelineKit } from '../support/pipeline-kit.js'
import { Receiver } from '../support/receiver.js'
import { ShortHistories } from '../support/short-histories.js'

/** More than a run needs to begin, less than it has after some verbs. */
const EVENTS = 60

describe('histories that are cut', () => {
  let temporal: ShortHistories
  let harness: Harness
  let receiver: Receiver
  let kit: PipelineKit
  let io: RunningWorker
  beforeAll(async () => {
    temporal = await ShortHistories.start(EVENTS)
    harness = await Harness.start({
      queues: ['workflows', 'watch', 'train'],
      env: { MLFORGE_TEMPORAL_ADDRESS: temporal.address, MLFORGE_ROLLOUTS_LOOK_EVERY_SECONDS: '0.2' },
    })
    io = await harness.work('io')
  })
  beforeEach(async () => {
    receiver = await Receiver.start()
    kit = new PipelineKit(harness, receiver)
  })
  afterEach(() => receiver.stop())
  afterAll(async () => {
    await harness?.stop()
    await temporal?.stop()
  })

  const handleOf = ({ workflowId }: Run) => harness.client.workflow.getHandle(workflowId)
  const send = (run: Run, verb: PipelineVerb['verb'], reason: string | null = null) =>
    handleOf(run).executeUpdate(pipelineVerb, { args: [{ runId: run.id, verb, by: 'key:test', reason }] })
  const approve = (run: Run) =>
    handleOf(run).executeUpdate(answerStep, {
      args: [
        {
          runId: run.id,
          step: 'ask',
          role: 'operator',
          answer: { kind: 'approve', by: 'key:test', reason: null },
        },
      ],
    })
  const live = async (run: Run) => (await handleOf(run).query(liveQuery)) as PipelineLive
  const isOpen = (run: Run) =>
    eventually(async () => expect((await live(run)).open).toMatchObject([{ step: 'ask' }]))
  const held = (path: string) => eventually(() => expect(receiver.of(path)).toHaveLength(1))

  const executions = ({ workflowId }: Pick<Run, 'workflowId'>) => executionsOf(harness.client, workflowId)

  /** Sends a verb that changes nothing until the workflow has been told that its history is long. */
  async function lengthen(run: Run, verb: 'pause' | 'resume', reason: string | null = null): Promise<void> {
    await eventually(
      async () => {
        await send(run, verb, reason)
        const { events } = await handleOf(run).fetchHistory()
        const isTold = events!.some(
          ({ workflowTaskStartedEventAttributes: started }) => started?.suggestContinueAsNew === true,
        )
        expect(isTold).toBe(true)
      },
      { everyMs: 1 },
    )
  }

  const ask = { uses: 'approve', with: { message: 'Go?' } }

  it('a run goes on after the cut: paused, with its open approval, and with what has failed', async () => {
    const run = await kit.start('cut', {
      steps: {
        no: { uses: 'compare', with: { candidate: 2, reference: 1 } },
        ask,
        held: kit.post('/hold/cut'),
        after: kit.post('/ok/cut', { needs: ['ask', 'held'] }),
      },
    })
    await held('/hold/cut')
    await isOpen(run)
    await eventually(async () => expect(await kit.states(run)).toMatchObject({ no: 'refused' }))
    await lengthen(run, 'pause', 'lunch')
    expect(await executions(run)).toHaveLength(1)
    receiver.release()
    await eventually(async () => expect(await executions(run)).toHaveLength(2))
    await isOpen(run)
    expect(await live(run)).toMatchObject({ stage: 'paused', paused: { by: 'key:test', reason: 'lunch' } })
    expect(await approve(run)).toEqual({ taken: true })
    await eventually(async () => expect(await kit.states(run)).toMatchObject({ ask: 'succeeded' }))
    expect(receiver.of('/ok/cut')).toEqual([])
    await send(run, 'resume')
    expect(await harness.ended(run)).toMatchObject({
      status: 'refused',
      attempt: 1,
      error: { code: 'gate_refused', details: { step: 'no' } },
      result: { steps: { refused: 1, succeeded: 3 } },
    })
    const { no, held: done } = await kit.steps(run)
    expect([no!.starts, done!.starts]).toEqual([1, 1])
    for (const path of ['/hold/cut', '/ok/cut']) expect(receiver.of(path)).toHaveLength(1)
    const [first, second] = await executions(run)
    await record(harness.client, run.workflowId, 'runPipeline.cut', first)
    await record(harness.client, run.workflowId, 'runPipeline.continued', second)
  })

  it('an answer that came before the cut counts after it', async () => {
    const run = await kit.start('answered', { steps: { ask, held: kit.post('/hold/answered') } })
    await held('/hold/answered')
    await isOpen(run)
    await lengthen(run, 'resume')
    expect(await approve(run)).toEqual({ taken: true })
    receiver.release()
    expect(await harness.ended(run)).toMatchObject({ status: 'succeeded' })
  })

  it.each(['cancel', 'roll_back'] as const)(
    'what was left for the execution after the cut is stopped by a %s before it',
    async verb => {
      await kit.start('inner', { steps: { ask } })
      const run = await kit.start(`left-${verb}`, {
        steps: {
          up: kit.post('/ok/up', { compensate: { uses: 'http', with: { url: receiver.url('/ok/down') } } }),
          inner: { uses: 'subpipeline', needs: 'up', with: { pipeline: 'inner' } },
          held: kit.post('/hold/left', { needs: 'up' }),
        },
      })
      await held('/hold/left')
      const child = await eventually(async () => {
        const { inner } = await kit.steps(run)
        return harness.row({ id: inner!.child! })
      })
      await isOpen(child)
      await lengthen(run, 'resume')
      // What waits for the child is left: the request alone is under way.
      await eventually(async () => {
        const { raw } = await handleOf(run).describe()
        expect(raw.pendingActivities).toHaveLength(1)
      })
      if (verb === 'cancel') await handleOf(run).cancel()
      else await send(run, verb)
      const undone = verb === 'roll_back'
      expect((await harness.ended(run)).status).toBe(undone ? 'refused' : 'cancelled')
      expect((await harness.row(child)).status).toBe('cancelled')
      expect(await kit.states(run)).toMatchObject({ inner: 'cancelled', held: 'cancelled' })
      expect(receiver.of('/ok/down')).toHaveLength(undone ? 1 : 0)
    },
  )

  it('a roll back goes on after the cut, and undoes nothing twice', async () => {
    const undoable = (name: string, undo: string, more: object = {}) =>
      kit.post(`/ok/${name}`, { compensate: { uses: 'http', with: { url: receiver.url(undo) } }, ...more })
    const run = await kit.start('undone', {
      steps: {
        one: undoable('one', '/ok/undo-one'),
        two: undoable('two', '/hold/undo-two', { needs: 'one' }),
        plain: kit.post('/ok/plain', { needs: 'two' }),
        three: undoable('three', '/ok/undo-three', { needs: 'plain' }),
        no: { uses: 'compare', needs: 'three', with: { candidate: 2, reference: 1 } },
      },
    })
    await held('/hold/undo-two')
    await lengthen(run, 'resume')
    receiver.release()
    expect(await harness.ended(run)).toMatchObject({
      status: 'refused',
      error: { code: 'gate_refused', details: { step: 'no', rollBack: { undone: ['three', 'two', 'one'] } } },
      result: { steps: { undone: 3, succeeded: 1, refused: 1 } },
    })
    expect(receiver.received.map(({ path }) => path).slice(4)).toEqual([
      '/ok/undo-three',
      '/hold/undo-two',
      '/ok/undo-one',
    ])
    const [first, second] = await executions(run)
    await record(harness.client, run.workflowId, 'runPipeline.cutRollingBack', first)
    await record(harness.client, run.workflowId, 'runPipeline.continuedRollingBack', second)
    expect(second).toBeDefined()
  })

  it('a map goes on after each cut, with its failures counted and nothing done twice', async () => {
    const items = Array.from({ length: 24 }, (_, n) => `${n % 23 === 0 ? 'refuse' : 'ok'}/mapped/${n}`)
    const run = await kit.start('mapped', {
      steps: {
        each: {
          uses: 'map',
          with: { items, parallel: 3, maxFailures: 2 },
          do: { uses: 'http', with: { url: receiver.url('/${{ item }}') } },
        },
      },
    })
    expect(await harness.ended(run)).toMatchObject({ status: 'succeeded' })
    const { each } = await kit.steps(run)
    const child = await harness.row({ id: each!.child! })
    const chain = await executions(child)
    expect(chain.length).toBeGreaterThan(1)
    expect((await kit.outcome(run, 'each'))?.outputs).toMatchObject({ count: 24, failed: 2 })
    for (const item of items) expect(receiver.of(`/${item}`)).toHaveLength(1)
    await record(harness.client, child.workflowId, 'runMap.cut', chain[0])
    await record(harness.client, child.workflowId, 'runMap.continued', chain[1])
  })

  it('a push goes on after the cut, also while more packs have come than were read', async () => {
    const tree = await treeOf(
      Object.fromEntries(Array.from({ length: 800 }, (_, i) => [`f${i}`, `file ${i}`])),
    )
    const whole = tree.packs[0]!
    await io.stop()
    const run = await acceptPush(harness, 'many-packs', tree)
    for (const entry of whole.chunks) {
      const content = readChunk(whole.content.subarray(entry.offset, entry.offset + entry.stored), entry)
      const pack = makePack([{ sha256: entry.sha256, bytes: entry.bytes, from: { content } }])
      await sendPack(harness, run, { ...pack, bytes: pack.content.length })
    }
    await seal(harness, run)
    io = await harness.work('io')
    expect(await harness.ended(run)).toMatchObject({ status: 'succeeded', result: { version: 1 } })
    const chain = await executions(run)
    expect(chain.length).toBeGreaterThan(1)
    await record(harness.client, run.workflowId, 'datasetPush.cut', chain[0])
  })
})
