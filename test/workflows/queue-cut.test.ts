import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { pipelineVerb } from '../../contracts/temporal/pipelines.js'
import type { Run } from '../../stores/postgres/entities/run.js'
import { eventually } from '../support/eventually.js'
import { Harness, PROJECT } from '../support/harness.js'
import { brief, held, PipelineRuns } from '../support/pipeline-runs.js'

/** Temporal suggests to cut a history of 4 MiB. */
const LARGE = 'x'.repeat(1_500_000)
const TIMES = 3

describe('a history that is cut while something waits for slots', () => {
  let harness: Harness
  let runs: PipelineRuns
  beforeAll(async () => {
    harness = await Harness.start({ env: { MLFORGE_ROLLOUTS_LOOK_EVERY_SECONDS: '0.2' } })
    runs = new PipelineRuns(harness)
    await harness.ports.pools.put(PROJECT, 'cut', { slots: 1, description: null })
    await runs.apply('holding', { steps: { work: held({ pool: 'cut' }) } })
  })
  afterAll(() => harness.stop())

  const executionOf = async ({ workflowId }: Pick<Run, 'workflowId'>) =>
    (await harness.client.workflow.getHandle(workflowId).describe()).runId
  /** Makes the history long, and waits until another execution goes on. */
  const cut = async (run: Run, send: (text: string) => Promise<unknown>): Promise<void> => {
    const before = await executionOf(run)
    for (let i = 0; i < TIMES; i++) await send(LARGE)
    await eventually(async () => {
      // The workflow learns how long its history is with its next task.
      await send('')
      expect(await executionOf(run)).not.toBe(before)
    })
  }
  const cutPipeline = (run: Run) =>
    cut(run, text =>
      harness.client.workflow.getHandle(run.workflowId).executeUpdate(pipelineVerb, {
        args: [{ runId: run.id, verb: 'resume', by: 'key:test', reason: text }],
      }),
    )

  it('goes on waiting at the place of a step, and of a run', async () => {
    const holder = await runs.begin('holding')
    await runs.works(holder, 'work')
    const waiting = await runs.begin('holding')
    await runs.waits(waiting, 1)
    const before = await runs.claim(waiting, 'work')
    await cutPipeline(waiting)
    expect(await runs.claim(waiting, 'work')).toEqual(before)
    await runs.release(holder, 'work')
    await runs.works(waiting, 'work')
    await runs.release(waiting, 'work')
    expect((await harness.ended(waiting)).status).toBe('succeeded')

    await runs.apply('turning', { concurrency: { limit: 1 }, steps: { work: held() } })
    const first = await runs.begin('turning')
    await runs.works(first, 'work')
    const second = await runs.begin('turning')
    await harness.until(second, ({ stage }) => expect(stage).toBe('queued'))
    await cutPipeline(second)
    await runs.release(first, 'work')
    await runs.works(second, 'work')
    await runs.release(second, 'work')
    expect(await harness.ended(second)).toMatchObject({ status: 'succeeded', stage: 'succeeded' })
  })

  it('does the items of a map that have waited, each once', async () => {
    const holder = await runs.begin('holding')
    await runs.works(holder, 'work')
    const run = await runs.start('cut-map', {
      steps: {
        each: { uses: 'map', with: { items: [1, 2, 3, 4], parallel: 3 }, do: brief({ pool: 'cut' }) },
      },
    })
    await eventually(async () => expect(await harness.ports.pools.queuedOf(run.id)).toHaveLength(3))
    const { child } = (await runs.step(run, 'each'))!
    const map = await harness.row({ id: child! })
    await cut(map, text => harness.client.workflow.getHandle(map.workflowId).signal('long', text))
    await runs.release(holder, 'work')
    expect((await harness.ended(run)).status).toBe('succeeded')
    expect(await harness.row(map)).toMatchObject({ status: 'succeeded', result: { count: 4, failed: 0 } })
    const starts: { starts: number }[] = await harness.database.dataSource.query(
      `SELECT starts FROM pipeline_steps WHERE run_id = $1 AND step LIKE 'each/%'`,
      [run.id],
    )
    expect(starts).toEqual(Array.from({ length: 4 }, () => ({ starts: 1 })))
  })
})
