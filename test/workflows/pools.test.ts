import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { pipelineVerb } from '../../contracts/temporal/pipelines.js'
import type { Run } from '../../stores/postgres/entities/run.js'
import { eventually } from '../support/eventually.js'
import { Harness, PROJECT } from '../support/harness.js'
import { record } from '../support/histories.js'
import { brief, held, PipelineRuns } from '../support/pipeline-runs.js'

describe('a pool', () => {
  let harness: Harness
  let runs: PipelineRuns
  beforeAll(async () => {
    // Waits end by wakes: nobody would wait for this look.
    harness = await Harness.start({ env: { MLFORGE_ROLLOUTS_LOOK_EVERY_SECONDS: '60' } })
    runs = new PipelineRuns(harness)
  })
  afterAll(() => harness.stop())

  const pool = (name: string, slots: number) =>
    harness.ports.pools.put(PROJECT, name, { slots, description: null })
  const useOf = async (name: string) =>
    (await harness.ports.pools.use(PROJECT, [name])).get(name) ?? { held: 0, queued: 0 }
  const free = (name: string) =>
    eventually(async () => expect(await useOf(name)).toEqual({ held: 0, queued: 0 }))
  const cancel = (run: Run) => harness.client.workflow.getHandle(run.workflowId).cancel()

  it('of one slot has one step at a time, of one run and of several', async () => {
    await pool('single', 1)
    const names = ['a', 'b', 'c', 'd']
    const steps = Object.fromEntries(names.map(name => [name, brief({ pool: 'single' })]))
    await runs.apply('singles', { steps })
    const some = await Promise.all([runs.begin('singles'), runs.begin('singles')])
    for (const run of some) expect((await harness.ended(run)).status).toBe('succeeded')
    const rows = (await Promise.all(some.map(({ id }) => harness.ports.pipelineRuns.steps(id)))).flat()
    expect(rows).toHaveLength(8)
    rows.sort((a, b) => a.startedAt.getTime() - b.startedAt.getTime())
    for (const [i, { startedAt }] of rows.slice(1).entries()) {
      expect(startedAt.getTime()).toBeGreaterThanOrEqual(rows[i]!.endedAt!.getTime())
    }
    await free('single')
    await record(harness.client, some[0]!.workflowId, 'runPipeline.pooled')
  })

  it('gives a slot to who waits, by priority and then by age', async () => {
    await pool('ranked', 1)
    await runs.apply('ranked', { steps: { work: held({ pool: 'ranked' }) } })
    const first = await runs.begin('ranked')
    await runs.works(first, 'work')
    const later = await runs.begin('ranked', { priority: 4 })
    expect(await runs.waits(later, 1)).toMatchObject({ pool: 'ranked', slots: 1 })
    const middle = await runs.begin('ranked')
    await runs.waits(middle, 1)
    const urgent = await runs.begin('ranked', { priority: 1 })
    await runs.waits(urgent, 1)
    await runs.waits(later, 3)
    expect(await runs.step(later, 'work')).toBeUndefined()
    for (const run of [first, urgent, middle, later]) {
      await runs.works(run, 'work')
      expect((await useOf('ranked')).held).toBe(1)
      await runs.release(run, 'work')
      expect((await harness.ended(run)).status).toBe('succeeded')
    }
    await free('ranked')
  })

  it('is left at once by what is cancelled while it waits, and by a run that is terminated', async () => {
    await pool('left', 1)
    await runs.apply('left', { steps: { work: held({ pool: 'left' }) } })
    const holder = await runs.begin('left')
    await runs.works(holder, 'work')
    const waiting = await runs.begin('left')
    await runs.waits(waiting, 1)
    await cancel(waiting)
    expect((await harness.ended(waiting)).status).toBe('cancelled')
    expect(await useOf('left')).toEqual({ held: 1, queued: 0 })
    await record(harness.client, waiting.workflowId, 'runPipeline.cancelled-in-queue')
    const next = await runs.begin('left')
    await runs.waits(next, 1)
    await harness.client.workflow.getHandle(holder.workflowId).terminate()
    await eventually(async () => {
      await harness.tick('reconcile')
      expect((await harness.row(holder)).status).toBe('terminated')
    })
    await runs.works(next, 'work')
    await runs.release(next, 'work')
    expect((await harness.ended(next)).status).toBe('succeeded')
    await free('left')
  })

  it('is not held by a run that is paused before it has begun, which keeps its place', async () => {
    await pool('paused', 1)
    await runs.apply('pausing', { steps: { work: held({ pool: 'paused' }) } })
    const holder = await runs.begin('pausing')
    await runs.works(holder, 'work')
    const paused = await runs.begin('pausing')
    await runs.waits(paused, 1)
    const after = await runs.begin('pausing')
    await runs.waits(after, 2)
    const verb = (name: 'pause' | 'resume') =>
      harness.client.workflow.getHandle(paused.workflowId).executeUpdate(pipelineVerb, {
        args: [{ runId: paused.id, verb: name, by: 'key:test', reason: null }],
      })
    await verb('pause')
    await eventually(async () =>
      expect((await harness.ports.pools.claims(PROJECT, 'paused', { state: 'queued' })).items).toContainEqual(
        expect.objectContaining({ runId: paused.id, parked: true }),
      ),
    )
    await runs.release(holder, 'work')
    await runs.works(after, 'work')
    await verb('resume')
    await runs.waits(paused, 1)
    await runs.release(after, 'work')
    await runs.works(paused, 'work')
    await runs.release(paused, 'work')
    expect((await harness.ended(paused)).status).toBe('succeeded')
    await record(harness.client, paused.workflowId, 'runPipeline.paused-in-queue')
    await free('paused')
  })
})
