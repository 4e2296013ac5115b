import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { pipelineVerb } from '../../contracts/temporal/pipelines.js'
import type { Run } from '../../stores/postgres/entities/run.js'
import { eventually } from '../support/eventually.js'
import { Harness, type RunningWorker } from '../support/harness.js'
import { brief, held, PipelineRuns, type StartOptions } from '../support/pipeline-runs.js'

const FLOOD = 300
const FEW = 10

/** Many small steps at the same time, once a gate is open: each is one activity on the queue that everybody shares. */
const steps = (count: number) => ({
  gate: held(),
  ...Object.fromEntries(Array.from({ length: count }, (_, i) => [`s${i}`, brief({ needs: 'gate' })])),
})

describe('one worker with one slot', () => {
  let harness: Harness
  let runs: PipelineRuns
  let worker: RunningWorker
  beforeAll(async () => {
    harness = await Harness.start({
      queues: ['workflows', 'watch'],
      env: { MLFORGE_WORKER_IO_SLOTS: '1' },
    })
    worker = await harness.work('io')
    runs = new PipelineRuns(harness)
    for (const project of ['flood', 'few']) {
      await runs.apply('hundred', { parallel: 100, steps: steps(100) }, project)
      await runs.apply('ten', { parallel: FEW, steps: steps(FEW) }, project)
    }
  })
  afterAll(() => harness.stop())

  /** When the steps of some runs ended, in that order. */
  const ends = async (some: readonly Run[]): Promise<number[]> => {
    const rows = (await Promise.all(some.map(({ id }) => harness.ports.ledger.steps(id)))).flat()
    return rows
      .filter(({ step }) => step !== 'gate')
      .map(({ finishedAt }) => finishedAt.getTime())
      .sort((a, b) => a - b)
  }
  /** Begins many runs and one of few steps, and has all of their steps wait for the worker, those few last. */
  const queued = async (few: StartOptions, many: StartOptions): Promise<{ flood: Run[]; later: Run }> => {
    const flood = await Promise.all([1, 2, 3].map(() => runs.begin('hundred', many)))
    const later = await runs.begin('ten', few)
    for (const run of [...flood, later]) {
      await runs.works(run, 'gate')
      await steer(run, 'pause')
      await runs.release(run, 'gate')
      await eventually(async () => expect((await runs.step(run, 'gate'))?.state).toBe('succeeded'))
      await waiting(run, 0)
    }
    await worker.stop()
    for (const run of flood) {
      await steer(run, 'resume')
      await waiting(run, FLOOD / 3)
    }
    await steer(later, 'resume')
    await waiting(later, FEW)
    worker = await harness.work('io')
    return { flood, later }
  }
  const steer = ({ id, workflowId }: Run, verb: 'pause' | 'resume') =>
    harness.client.workflow
      .getHandle(workflowId)
      .executeUpdate(pipelineVerb, { args: [{ runId: id, verb, by: 'key:test', reason: null }] })
  const waiting = ({ workflowId }: Run, activities: number): Promise<void> =>
    eventually(async () => {
      const { raw } = await harness.client.workflow.getHandle(workflowId).describe()
      expect(raw.pendingActivities ?? []).toHaveLength(activities)
    })
  const closed = async (some: readonly Run[]): Promise<void> => {
    await eventually(async () => {
      for (const { project, id } of some) {
        expect((await harness.ports.runs.get(project, id)).status).toBe('succeeded')
      }
    })
  }
  /** Steps of the others that ended before the last of those few. */
  const before = async (few: Run, others: readonly Run[]): Promise<number> => {
    const last = (await ends([few])).at(-1)!
    return (await ends(others)).filter(end => end <= last).length
  }

  it('does the work of a project between that of another one that floods it', async () => {
    const { flood, later: few } = await queued({ project: 'few' }, { project: 'flood' })
    await closed([few, ...flood])
    expect(await ends(flood)).toHaveLength(FLOOD)
    // In the order of their coming all of the flood would have ended before.
    expect(await before(few, flood)).toBeLessThan(0.9 * FLOOD)
  })

  it('does what is urgent before what is not', async () => {
    const { flood, later: urgent } = await queued(
      { project: 'flood', priority: 1 },
      { project: 'flood', priority: 5 },
    )
    await closed([urgent, ...flood])
    expect(await before(urgent, flood)).toBeLessThan(0.9 * FLOOD)
  })
})
