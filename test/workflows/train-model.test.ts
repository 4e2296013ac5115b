import { readFile, rename, writeFile } from 'node:fs/promises'
import { chmod } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { liveQuery } from '../../contracts/temporal/messages.js'
import type { Run } from '../../stores/postgres/entities/run.js'
import { bikeCsv, bikeTraining } from '../support/bike-data.js'
import { eventually } from '../support/eventually.js'
import { Harness, PROJECT } from '../support/harness.js'
import { record } from '../support/histories.js'
import { trainersOf } from '../support/processes.js'

/** Rounds that no test waits for. */
const ENDLESS = { rounds: 100_000, checkpointEvery: 50 }
const STEPS = ['prepare', 'train', 'evaluate', 'gate', 'export', 'register']

describe('trainModel', () => {
  let harness: Harness
  let dataset: string
  beforeAll(async () => {
    harness = await Harness.start()
    const run = await harness.commit('bike', bikeCsv(4), { columns: { dteday: { format: '%m/%d/%Y' } } })
    await harness.ended(run)
    dataset = (await harness.ports.datasets.table(PROJECT, 'bike', 'latest')).parquet.uri
  })
  afterAll(() => harness.stop())

  const versionOf = (run: Run) => harness.ports.models.versionOfRun(run.id)
  const firstCheckpoint = (run: Run) =>
    eventually(async () => {
      const [newest] = await harness.ports.checkpoints.list(run.id)
      expect(newest).toBeDefined()
      return newest!
    })

  it('trains, evaluates, passes the gate, exports and registers', async () => {
    const code = { commit: 'abc123', dirty: true }
    const run = await harness.train(bikeTraining({ code }))
    const row = await harness.ended(run)
    expect(row).toMatchObject({
      status: 'succeeded',
      error: null,
      result: { outcome: 'succeeded', version: 1 },
    })
    const version = (await versionOf(run))!
    expect(version).toMatchObject({
      version: 1,
      sha256: (row.result as { sha256: string }).sha256,
      gate: { passed: true },
      parity: { passed: true },
      lineage: { dataset: { name: 'bike', version: 1 }, userCode: code, run: run.id },
    })
    const { model, baseline } = version.metrics as Record<'model' | 'baseline', { rmse: number }>
    expect(model.rmse).toBeLessThan(baseline.rmse)
    expect([...(await harness.steps(run)).keys()]).toEqual(STEPS)
    const rounds = (await harness.ports.checkpoints.list(run.id)).map(checkpoint => checkpoint.round)
    expect(rounds).toEqual([30, 20, 10])
    const live = await harness.client.workflow.getHandle(run.workflowId).query(liveQuery)
    expect(live).toMatchObject({ stage: 'register', gate: { passed: true }, metrics: { model } })
    await record(harness.client, run.workflowId, 'trainModel.succeeded')
  })

  it('refuses a model that has learnt nothing, with the evidence', async () => {
    const run = await harness.train(
      bikeTraining({ model: 'permuted', control: { permuteTarget: { seed: 7 } } }),
    )
    const row = await harness.ended(run)
    expect(row).toMatchObject({
      status: 'refused',
      error: {
        code: 'gate_refused',
        details: { gate: { passed: false, checks: [{ name: 'baseline', passed: false }] } },
      },
      warnings: [expect.stringContaining('shuffled')],
      nextAttemptAt: null,
    })
    expect(await versionOf(run)).toBeNull()
    await record(harness.client, run.workflowId, 'trainModel.refused-by-gate')
  })

  it('is cancelled in the middle of training: no child, no version, a row that says so', async () => {
    const run = await harness.train(bikeTraining({ model: 'cancelled', ...ENDLESS }))
    await firstCheckpoint(run)
    const handle = harness.client.workflow.getHandle(run.workflowId)
    expect(await handle.query(liveQuery)).toEqual({ stage: 'train' })
    const children = await trainersOf(process.pid)
    expect(children).not.toEqual([])
    await handle.cancel()
    const row = await harness.ended(run)
    expect(row).toMatchObject({ status: 'cancelled', stage: 'cancelled', error: { code: 'cancelled' } })
    // The run ends after its activity: the child is gone by now.
    expect(await trainersOf(process.pid)).toEqual([])
    expect(await versionOf(run)).toBeNull()
    expect((await handle.describe()).status.name).toBe('CANCELLED')
    await record(harness.client, run.workflowId, 'trainModel.cancelled')
  })

  it('resumes by itself when its data comes back, without repeating what was finished', async () => {
    const held = await harness.train(bikeTraining({ model: 'resumed', ...ENDLESS, rounds: 1_200 }))
    const checkpoint = await firstCheckpoint(held)
    const prepared = await prepareOutcome(held)
    // The training goes on with the file it has open; its evaluation will miss it.
    await rename(harness.objectFile(prepared.train.uri), `${harness.objectFile(prepared.train.uri)}.away`)
    const failed = await harness.ended(held)
    expect(failed).toMatchObject({ status: 'failed', attempt: 1, error: { code: 'object_missing' } })
    expect(failed.nextAttemptAt).toBeInstanceOf(Date)
    expect(checkpoint.round).toBeGreaterThan(0)
    await record(harness.client, held.workflowId, 'trainModel.failed')
    const before = await harness.steps(held)
    expect([...before.keys()]).toEqual(['prepare', 'train'])

    await rename(`${harness.objectFile(prepared.train.uri)}.away`, harness.objectFile(prepared.train.uri))
    await eventually(async () => {
      const { retried } = await harness.tick<{ retried: string[] }>('superviseRetries')
      expect(retried).toEqual([held.id])
    })
    const row = await harness.ended({ ...held, attempt: 2 })
    expect(row).toMatchObject({ status: 'succeeded', attempt: 2, error: null, nextAttemptAt: null })
    const after = await harness.steps(held)
    expect([...after.keys()]).toEqual(STEPS)
    for (const [step, finishedAt] of before) expect(after.get(step)).toEqual(finishedAt)
    await record(harness.client, held.workflowId, 'trainModel.succeeded-at-second-attempt')
  })

  it('is retried by hand at once, joining neither the closing attempt nor a second start', async () => {
    await rename(harness.objectFile(dataset), `${harness.objectFile(dataset)}.away`)
    const run = await harness.train(bikeTraining({ model: 'by-hand' }))
    const failed = await harness.until(run, row => expect(row.status).toBe('failed'))
    expect(failed.error!.code).toBe('object_missing')
    await rename(`${harness.objectFile(dataset)}.away`, harness.objectFile(dataset))
    const again = await harness.ports.runs.retry(PROJECT, run.id)
    expect(again).toMatchObject({ attempt: 2, status: 'accepted' })
    const row = await harness.ended(again)
    expect(row).toMatchObject({ status: 'succeeded', attempt: 2, result: { version: 1 } })
    expect(row.executionId).not.toBe(failed.executionId)
    await expect(harness.ports.runs.retry(PROJECT, run.id)).rejects.toMatchObject({ code: 'wrong_state' })
  })

  it('resumes from the newest checkpoint that is whole and of the same job', async () => {
    const run = await harness.train(bikeTraining({ model: 'damaged', ...ENDLESS }))
    await eventually(async () =>
      expect((await harness.ports.checkpoints.list(run.id)).length).toBeGreaterThanOrEqual(3),
    )
    await harness.client.workflow.getHandle(run.workflowId).cancel()
    await harness.ended(run)
    const [newest, second, ...older] = await harness.ports.checkpoints.list(run.id)
    await flipByte(harness.objectFile(newest!.uri))
    // As if the second were of a job with another specification.
    await harness.database.dataSource.query(
      'UPDATE checkpoints SET spec_sha256 = $1 WHERE run_id = $2 AND round = $3',
      ['0'.repeat(64), run.id, second!.round],
    )
    await harness.ports.runs.retry(PROJECT, run.id)
    const resumed = await eventually(async () => {
      const description = await harness.client.workflow.getHandle(run.workflowId).describe()
      const [train] = description.raw.pendingActivities ?? []
      expect(train?.activityType?.name).toBe('train')
      const [beat] = (train!.heartbeatDetails?.payloads ?? []).map(
        payload =>
          JSON.parse(Buffer.from(payload.data!).toString()) as {
            round: number
            checkpoint?: { round: number }
          },
      )
      expect(beat).toBeDefined()
      return beat!
    })
    expect(resumed.round).toBeGreaterThanOrEqual(older[0]!.round)
    // The rounds after it are made again: the pointer of the damaged one now has whole bytes.
    const healed = await eventually(async () => {
      const found = (await harness.ports.checkpoints.list(run.id)).find(
        ({ round }) => round === newest!.round,
      )
      expect(found!.epoch).not.toBe(newest!.epoch)
      return found!
    })
    expect(healed.sha256).toBe(newest!.sha256)
    await harness.ports.objects.toFile(healed.uri, '/')
    await harness.client.workflow.getHandle(run.workflowId).cancel()
    await harness.ended({ ...run, attempt: 2 })
  })

  async function prepareOutcome(run: Run) {
    return (await harness.ports.ledger.outcome<{ train: { uri: string } }>({
      runId: run.id,
      step: 'prepare',
      generation: 1,
      attempt: 1,
    }))!
  }
})

async function flipByte(file: string): Promise<void> {
  const bytes = await readFile(file)
  const at = bytes.length >> 1
  bytes[at] = bytes[at]! ^ 0xff
  await chmod(file, 0o644)
  await writeFile(file, bytes)
}
