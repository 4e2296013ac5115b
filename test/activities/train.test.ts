import { MockActivityEnvironment } from '@temporalio/testing'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { trainingActivities } from '../../activities/training.js'
import type { RunInput, TrainHeartbeat } from '../../contracts/temporal/messages.js'
import type { Fence } from '../../stores/postgres/leases.js'
import type { LedgerStore } from '../../stores/postgres/ledger-store.js'
import { bikeCsv, bikeTraining } from '../support/bike-data.js'
import { Harness, PROJECT, type RunningWorker } from '../support/harness.js'
import { silentLogger } from '../support/silent-logger.js'
import { trainersOf } from '../support/processes.js'

describe('the train activity', () => {
  let harness: Harness
  beforeAll(async () => {
    harness = await Harness.start({ queues: ['workflows'], relay: true })
    const io: RunningWorker = await harness.work('io')
    const run = await harness.commit('bike', bikeCsv(4), { columns: { dteday: { format: '%m/%d/%Y' } } })
    await harness.ended(run)
    await io.stop()
  })
  afterAll(() => harness.stop())

  /** A run whose workflow nobody works for, prepared as far as the training. */
  async function prepared(more: Parameters<typeof bikeTraining>[0]) {
    const run = await harness.train(bikeTraining(more), { startedByCaller: true })
    const { id: runId, name, attempt, generation } = run
    const input: RunInput = {
      project: PROJECT,
      runId,
      name,
      attempt,
      generation,
      limits: harness.ports.limits,
    }
    const activities = trainingActivities(harness.ports)
    await new MockActivityEnvironment({}, { logger: silentLogger }).run(activities.prepareSplit, input)
    const environment = new MockActivityEnvironment({}, { logger: silentLogger })
    const beats: TrainHeartbeat[] = []
    environment.on('heartbeat', (beat: TrainHeartbeat) => void beats.push(beat))
    return { run, input, environment, beats, train: () => environment.run(activities.train, input) }
  }

  it('beats with its rounds, and names a checkpoint only once its row is there', async () => {
    const { run, environment, beats, train } = await prepared({ model: 'beats' })
    const early: TrainHeartbeat[] = []
    const lookups: Promise<void>[] = []
    environment.on('heartbeat', (beat: TrainHeartbeat) => {
      if (!beat.checkpoint) return
      const { round } = beat.checkpoint
      lookups.push(
        harness.ports.checkpoints.list(run.id).then(rows => {
          if (!rows.some(row => row.round === round)) early.push(beat)
        }),
      )
    })
    const outcome = await train()
    await Promise.all(lookups)
    expect(outcome).toMatchObject({ rounds: 40, resumedFromRound: 0, model: { sha256: expect.any(String) } })
    expect(early).toEqual([])
    expect(beats[0]).toEqual({ schema: 1, round: 0, rounds: 40 })
    const named = beats.flatMap(beat => (beat.checkpoint ? [beat.checkpoint.round] : []))
    expect([...new Set(named)]).toEqual([10, 20, 30])
    for (const beat of beats) expect(JSON.stringify(beat).length).toBeLessThan(1_024)
  })

  it('stops when another holder takes the run over, and leaves what that one does', async () => {
    const { run, input, environment, train } = await prepared({
      model: 'fenced',
      rounds: 100_000,
      checkpointEvery: 50,
    })
    let taken: ReturnType<LedgerStore['begin']> | undefined
    environment.on('heartbeat', (beat: TrainHeartbeat) => {
      if (beat.checkpoint) taken ??= harness.ports.ledger.begin({ ...input, step: 'train' }, 'its heir')
    })
    await expect(train()).rejects.toMatchObject({
      code: 'lease_lost',
      message: expect.stringContaining('taken over by its heir'),
    })
    const { fence } = (await taken!) as { fence: Fence }
    const checkpoints = await harness.ports.checkpoints.list(run.id)
    expect(checkpoints.filter(checkpoint => checkpoint.epoch >= fence.epoch)).toEqual([])
    expect((await harness.steps(run)).has('train')).toBe(false)
    expect(await trainersOf(process.pid)).toEqual([])
  })

  it('answers a step that is finished without doing it again', async () => {
    const { run, train, beats, input } = await prepared({ model: 'once' })
    const first = await train()
    const finished = await harness.steps(run)
    beats.length = 0
    expect(await train()).toEqual(first)
    expect(beats).toEqual([])
    expect(await harness.steps(run)).toEqual(finished)
    expect(input.attempt).toBe(1)
  })
})
