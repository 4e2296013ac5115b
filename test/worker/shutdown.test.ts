import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { defaultPayloadConverter } from '@temporalio/common'
import type { TrainHeartbeat } from '../../contracts/temporal/messages.js'
import type { Run } from '../../stores/postgres/entities/run.js'
import { bikeCsv, bikeTraining } from '../support/bike-data.js'
import { eventually } from '../support/eventually.js'
import { Harness, PROJECT, type RunningWorker } from '../support/harness.js'
import { trainersOf } from '../support/processes.js'

describe('a train worker that is told to stop', () => {
  let harness: Harness
  let worker: RunningWorker
  beforeAll(async () => {
    harness = await Harness.start({ queues: ['workflows', 'io'] })
    worker = await harness.work('train')
    const run = await harness.commit('bike', bikeCsv(4), { columns: { dteday: { format: '%m/%d/%Y' } } })
    await harness.ended(run)
  })
  afterAll(() => harness.stop())

  /** What its activity has last said of itself. */
  const roundOf = async ({ workflowId }: Run): Promise<number> => {
    const { raw } = await harness.client.workflow.getHandle(workflowId).describe()
    const [payload] = raw.pendingActivities?.[0]?.heartbeatDetails?.payloads ?? []
    return payload ? defaultPayloadConverter.fromPayload<TrainHeartbeat>(payload).round : 0
  }
  const sha256Of = (run: Run) => (run.result as { sha256: string }).sha256

  it('leaves its training to the next one, which takes it up at a checkpoint and makes the same bytes', async () => {
    // None of its checkpoints is a regular one.
    const request = bikeTraining({ rounds: 6_000, checkpointEvery: 6_000 })
    const run = await harness.train({ ...request, model: 'handed-over' })
    await eventually(async () => expect(await roundOf(run)).toBeGreaterThan(0))
    await worker.stop()
    expect(await trainersOf(process.pid)).toEqual([])
    const [newest, ...others] = await harness.ports.checkpoints.list(run.id)
    expect(newest!.round).toBeGreaterThan(0)
    expect(others).toEqual([])
    // Not the run's failure: it is still open, and nobody had to ask.
    expect(await harness.row(run)).toMatchObject({ status: 'running', stage: 'train', attempt: 1 })

    worker = await harness.work('train')
    const row = await harness.ended(run)
    expect(row).toMatchObject({ status: 'succeeded', attempt: 1 })
    const trained = await harness.ports.ledger.outcome<{ resumedFromRound: number }>({
      runId: run.id,
      step: 'train',
      generation: 1,
      attempt: 1,
    })
    expect(trained!.resumedFromRound).toBe(newest!.round)

    const undisturbed = await harness.ended(await harness.train({ ...request, model: 'undisturbed' }))
    expect(sha256Of(row)).toBe(sha256Of(undisturbed))
    expect(await harness.ports.models.versionOfRun(run.id)).toMatchObject({ version: 1 })
    expect((await harness.ports.models.versions(PROJECT, 'handed-over', {})).items).toHaveLength(1)
  })
})
