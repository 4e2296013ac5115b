import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { liveQuery } from '../../contracts/temporal/messages.js'
import { type PipelineLive, pipelineVerb } from '../../contracts/temporal/pipelines.js'
import { QUEUES } from '../../contracts/temporal/queues.js'
import type { Run } from '../../stores/postgres/entities/run.js'
import { eventually } from '../support/eventually.js'
import { Harness, PROJECT, type RunningWorker } from '../support/harness.js'
import { record } from '../support/histories.js'
import { brief, held, PipelineRuns } from '../support/pipeline-runs.js'

const POOL = { slots: 1, description: null }

describe('concurrency of pipelines', () => {
  let harness: Harness
  let runs: PipelineRuns
  let io: RunningWorker
  beforeAll(async () => {
    harness = await Harness.start({
      queues: ['workflows', 'watch'],
      env: { MLFORGE_ROLLOUTS_LOOK_EVERY_SECONDS: '0.2' },
    })
    io = await harness.work('io')
    runs = new PipelineRuns(harness)
  })
  afterAll(() => harness.stop())

  const stage = (run: Run, expected: string) =>
    harness.until(run, row => expect(row).toMatchObject({ status: 'running', stage: expected }))
  const handle = (run: Run) => harness.client.workflow.getHandle(run.workflowId)
  const verb = (run: Run, name: 'pause' | 'resume') =>
    eventually(() =>
      handle(run).executeUpdate(pipelineVerb, {
        args: [{ runId: run.id, verb: name, by: 'key:test', reason: null }],
      }),
    )
  const noClaims = (run: Run) =>
    eventually(async () =>
      expect(
        await harness.database.dataSource.query('SELECT 1 FROM pool_claims WHERE run_id = $1', [run.id]),
      ).toEqual([]),
    )

  it('lets so many runs of a pipeline work at once; the others have their turn by priority', async () => {
    await runs.apply('limited', { concurrency: { limit: 1 }, steps: { work: held() } })
    const first = await runs.begin('limited')
    await runs.works(first, 'work')
    const later = await runs.begin('limited')
    const urgent = await runs.begin('limited', { priority: 1 })
    await stage(later, 'queued')
    await stage(urgent, 'queued')
    await runs.waits(urgent, 1, '')
    await runs.waits(later, 2, '')
    expect(await runs.step(urgent, 'work')).toBeUndefined()
    for (const run of [first, urgent, later]) {
      await runs.works(run, 'work')
      await stage(run, 'run')
      await runs.release(run, 'work')
      expect((await harness.ended(run)).status).toBe('succeeded')
      await noClaims(run)
    }
    await record(harness.client, later.workflowId, 'runPipeline.queued')
  })

  it('counts runs by the key of their parameters', async () => {
    await runs.apply('keyed', {
      parameters: { region: { type: 'string' } },
      concurrency: { limit: 1, key: '${{ parameters.region }}' },
      steps: { work: held() },
    })
    const of = (region: string) => runs.begin('keyed', { parameters: { region } })
    const [eu, us] = [await of('eu'), await of('us')]
    for (const run of [eu, us]) await runs.works(run, 'work')
    const second = await of('eu')
    await stage(second, 'queued')
    await runs.release(eu, 'work')
    await runs.works(second, 'work')
    for (const run of [us, second]) await runs.release(run, 'work')
    for (const run of [eu, us, second]) expect((await harness.ended(run)).status).toBe('succeeded')
  })

  it('pauses, goes on and cancels a run that waits for its turn', async () => {
    await runs.apply('turns', { concurrency: { limit: 1 }, steps: { work: held() } })
    const first = await runs.begin('turns')
    await runs.works(first, 'work')
    const [paused, cancelled] = [await runs.begin('turns'), await runs.begin('turns')]
    await stage(cancelled, 'queued')
    await verb(paused, 'pause')
    expect((await handle(paused).query(liveQuery)) as PipelineLive).toMatchObject({
      paused: { by: 'key:test' },
    })
    await eventually(async () => expect((await runs.claim(paused))?.parked).toBe(true))
    await handle(cancelled).cancel()
    expect((await harness.ended(cancelled)).status).toBe('cancelled')
    await noClaims(cancelled)
    await runs.release(first, 'work')
    expect((await harness.ended(first)).status).toBe('succeeded')
    expect((await runs.claim(paused))?.grantedAt).toBeNull()
    await verb(paused, 'resume')
    await runs.works(paused, 'work')
    await runs.release(paused, 'work')
    expect((await harness.ended(paused)).status).toBe('succeeded')
  })

  it('refuses a run for which there is no room, where it is told to, and the tick of a schedule with a row', async () => {
    await runs.apply('refusing', {
      concurrency: { limit: 1, whenFull: 'refuse' },
      steps: { work: held() },
    })
    const first = await runs.begin('refusing')
    await runs.works(first, 'work')
    await expect(runs.begin('refusing')).rejects.toMatchObject({
      code: 'pipeline_full',
      details: { runs: [first.id] },
    })
    await harness.ports.schedules.create({
      project: PROJECT,
      name: 'refusing',
      kind: 'pipeline',
      training: null,
      deployment: null,
      pipeline: { pipeline: 'refusing', parameters: {}, priority: 2 },
      timing: { cron: '0 3 * * *' },
      paused: false,
      note: null,
      principal: 'key:test',
    })
    const tick = (id: string) =>
      harness.client.workflow.execute('scheduledPipeline', {
        workflowId: `${PROJECT}/schedule/refusing-${id}`,
        taskQueue: QUEUES.workflows,
        args: [{ project: PROJECT, schedule: 'refusing' }],
      })
    expect(await tick('full')).toMatchObject({ outcome: 'refused', error: { code: 'pipeline_full' } })
    const { items } = await harness.ports.runs.list(PROJECT, { name: 'refusing', status: 'refused' })
    expect(items).toMatchObject([
      { trigger: 'schedule', priority: 2, error: { code: 'pipeline_full', details: { runs: [first.id] } } },
    ])
    await noClaims(items[0]!)
    await runs.release(first, 'work')
    await harness.ended(first)
    const second = await runs.begin('refusing')
    await runs.works(second, 'work')
    // One that is started again has been taken on: it waits.
    const again = await harness.ports.runs.reset(PROJECT, first.id, transaction =>
      harness.ports.pipelineRuns.raise(transaction, first.id, ['work']),
    )
    await stage(again, 'queued')
    await runs.release(second, 'work')
    await runs.works(again, 'work')
    await runs.release(again, 'work')
    expect(await harness.ended(again)).toMatchObject({ status: 'succeeded', attempt: 2 })
    await noClaims(again)
  })

  it('hands the priority of a run on to the runs that do its steps', async () => {
    await runs.apply('inner-urgent', { steps: { work: brief() } })
    const run = await runs.start(
      'outer-urgent',
      { steps: { inner: { uses: 'subpipeline', with: { pipeline: 'inner-urgent' } } } },
      { priority: 1 },
    )
    expect((await harness.ended(run)).status).toBe('succeeded')
    const { child } = (await runs.step(run, 'inner'))!
    const inner = await harness.row({ id: child! })
    expect(inner.priority).toBe(1)
    for (const { workflowId } of [run, inner]) {
      const { raw } = await harness.client.workflow.getHandle(workflowId).describe()
      expect(raw.workflowExecutionInfo?.priority).toMatchObject({ priorityKey: 1, fairnessKey: PROJECT })
    }
  })

  it('gives slots to items of a map, one after the other', async () => {
    await harness.ports.pools.put(PROJECT, 'items', POOL)
    const run = await runs.start('mapped', {
      steps: {
        each: { uses: 'map', with: { items: [1, 2, 3, 4, 5], parallel: 5 }, do: brief({ pool: 'items' }) },
      },
    })
    expect((await harness.ended(run)).status).toBe('succeeded')
    const rows: { startedAt: Date; endedAt: Date }[] = await harness.database.dataSource.query(
      `SELECT started_at AS "startedAt", ended_at AS "endedAt" FROM pipeline_steps
       WHERE run_id = $1 AND step LIKE 'each/%' ORDER BY started_at`,
      [run.id],
    )
    expect(rows).toHaveLength(5)
    for (const [i, { startedAt }] of rows.slice(1).entries()) {
      expect(startedAt.getTime()).toBeGreaterThanOrEqual(rows[i]!.endedAt.getTime())
    }
    await noClaims(run)
    const { child } = (await runs.step(run, 'each'))!
    const { workflowId } = await harness.row({ id: child! })
    await record(harness.client, workflowId, 'runMap.pooled')
  })

  it('names the nearest pool where a step needs one that is not there, and finds it when it is retried', async () => {
    await harness.ports.pools.put(PROJECT, 'gpus', POOL)
    const run = await runs.start('unknown', { steps: { work: brief({ pool: 'gpu' }) } })
    expect(await harness.ended(run)).toMatchObject({
      status: 'failed',
      error: { code: 'pool_unknown', message: expect.stringContaining('Did you mean "gpus"?') },
    })
    await harness.ports.pools.put(PROJECT, 'gpu', POOL)
    expect(await harness.ended(await harness.ports.runs.retry(PROJECT, run.id))).toMatchObject({
      status: 'succeeded',
      attempt: 2,
    })
    await noClaims(run)
  })

  it('keeps the slot of a step whose worker goes, and gives it back when it fails', async () => {
    await harness.ports.pools.put(PROJECT, 'lasting', POOL)
    await runs.apply('lasting', { steps: { work: held({ pool: 'lasting' }) } })
    const first = await runs.begin('lasting')
    await runs.works(first, 'work')
    const second = await runs.begin('lasting')
    await runs.waits(second, 1)
    await io.stop()
    expect((await runs.claim(first, 'work'))?.grantedAt).toEqual(expect.any(Date))
    io = await harness.work('io')
    await runs.waits(second, 1)
    await runs.release(first, 'work')
    expect((await harness.ended(first)).status).toBe('succeeded')
    await runs.works(second, 'work')
    const third = await runs.start('failing-pooled', {
      steps: { work: { ...brief({ pool: 'lasting' }), with: { candidate: 2, reference: 1 } } },
    })
    await runs.waits(third, 1)
    await runs.release(second, 'work')
    expect((await harness.ended(third)).status).toBe('refused')
    await noClaims(third)
    expect(await harness.ports.pools.use(PROJECT, ['lasting'])).toEqual(new Map())
  })
})
