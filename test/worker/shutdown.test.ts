import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
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

  const sha256Of = (run: Run) => (run.result as { sha256: string }).sha256

  it('leaves its training to the next one, which takes it up at a checkpoint and makes the same bytes', async () => {
    const request = bikeTraining({ rounds: 1_500, checkpointEvery: 100 })
    const run = await harness.train({ ...request, model: 'handed-over' })
    await eventually(async () =>
      expect((await harness.ports.checkpoints.list(run.id)).length).toBeGreaterThanOrEqual(2),
    )
    await worker.stop()
    expect(await trainersOf(process.pid)).toEqual([])
    const [newest] = await harness.ports.checkpoints.list(run.id)
    // The round it was at when it was told, which is none of the regular ones but for a chance of 1 in 100.
    expect(newest!.round % 100).not.toBe(0)
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
