import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { toEnvironment } from '../../config/load.js'
import type { FitRequest } from '../../contracts/temporal/fits.js'
import type { QueueName } from '../../contracts/temporal/queues.js'
import { badRowsOf } from '../../domain/datasets/bad-rows.js'
import type { CommitRequest } from '../../domain/datasets/commit-request.js'
import { bytesOf } from '../../stores/objects/whole.js'
import type { Run } from '../../stores/postgres/entities/run.js'
import { bikeCsv, bikeTraining } from '../support/bike-data.js'
import { SIGNATURE, smallModel } from '../serving/support/models.js'
import { Harness, PROJECT } from '../support/harness.js'
import { PipelineKit } from '../support/pipeline-kit.js'
import { Receiver } from '../support/receiver.js'
import type { KillPoint } from './doomed-worker.js'

const PROGRAM = fileURLToPath(new URL('doomed-worker.js', import.meta.url))

describe('a worker killed between two commits', () => {
  let harness: Harness
  const cleanUp: (() => void)[] = []
  beforeAll(async () => {
    harness = await Harness.start({
      queues: ['workflows'],
      // What a killed worker had in hand is given to the next one after this.
      env: { MLFORGE_WORKER_HEARTBEAT_TIMEOUT_SECONDS: '5' },
    })
  })
  afterEach(() => cleanUp.splice(0).forEach(kill => kill()))
  afterAll(() => harness.stop())

  /** A worker in a process of its own; resolves to how the process ended. */
  async function doomed(queue: QueueName, point: KillPoint): Promise<{ death: Promise<string | null> }> {
    const child = spawn(process.execPath, ['--enable-source-maps', PROGRAM, queue, JSON.stringify(point)], {
      env: { ...process.env, ...toEnvironment(harness.config) },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    cleanUp.push(() => child.kill('SIGKILL'))
    const death = once(child, 'exit').then(([, signal]) => signal as string | null)
    await Promise.race([once(child.stdout, 'data'), death])
    return { death }
  }

  /** How the worker ended; a run that ends first says why. */
  const deathDuring = (run: Run, { death }: { death: Promise<string | null> }) =>
    Promise.race([
      death,
      harness.ended(run, 100_000).then(row => `the run is ${row.status}: ${JSON.stringify(row.error)}`),
    ])

  async function effects(run: Run): Promise<{ steps: number; distinct: number; versions: number }> {
    const [counted] = await harness.database.dataSource.query<
      { steps: number; distinct: number; versions: number }[]
    >(
      `SELECT (SELECT count(*)::int FROM ledger_steps WHERE run_id = $1) AS steps,
        (SELECT count(DISTINCT step)::int FROM ledger_steps WHERE run_id = $1) AS "distinct",
        (SELECT count(*)::int FROM dataset_versions WHERE run_id = $1)
          + (SELECT count(*)::int FROM model_versions WHERE run_id = $1)
          + (SELECT count(*)::int FROM transformation_versions WHERE run_id = $1) AS versions`,
      [run.id],
    )
    return counted!
  }

  it('makes one dataset version: killed with the table written, then with the version committed', async () => {
    const table = await doomed('io', { after: 'object' })
    const run = await harness.commit('bike', bikeCsv(4), { columns: { dteday: { format: '%m/%d/%Y' } } })
    expect(await deathDuring(run, table)).toBe('SIGKILL')
    expect([...(await harness.steps(run)).keys()]).toEqual([])

    const version = await doomed('io', { after: 'commit', step: 'commit' })
    expect(await deathDuring(run, version)).toBe('SIGKILL')
    // The version is there; its workflow does not know it yet.
    expect(await harness.ports.datasets.latest(PROJECT, 'bike')).toMatchObject({ version: 1, runId: run.id })
    expect(await harness.row(run)).toMatchObject({ status: 'running', attempt: 1 })

    const worker = await harness.work('io')
    const row = await harness.ended(run)
    expect(row).toMatchObject({ status: 'succeeded', attempt: 1, result: { version: 1 } })
    expect(await effects(run)).toEqual({ steps: 4, distinct: 4, versions: 1 })
    await worker.stop()
  })

  it('puts bad rows aside once: killed with the first object written, with the second, with the version', async () => {
    const csv = `a,b\n${'1,x\n'.repeat(20)}oops,y\n3,z\n`
    const deaths: KillPoint[] = [{ after: 'object' }, { after: 'object', which: 2 }]
    let worker = await doomed('io', deaths[0]!)
    const run = await harness.commit('aside', csv, {
      columns: { a: { type: 'integer' } },
      badRows: badRowsOf({}),
    })
    for (const next of [deaths[1]!, { after: 'commit', step: 'commit' } as const]) {
      expect(await deathDuring(run, worker)).toBe('SIGKILL')
      expect(await harness.ports.datasets.latest(PROJECT, 'aside')).toBeNull()
      worker = await doomed('io', next)
    }
    expect(await deathDuring(run, worker)).toBe('SIGKILL')
    const io = await harness.work('io')
    expect(await harness.ended(run)).toMatchObject({
      status: 'succeeded',
      attempt: 1,
      result: { version: 1 },
    })
    expect(await effects(run)).toMatchObject({ versions: 1 })
    const version = await harness.ports.datasets.version(PROJECT, 'aside', { kind: 'latest' })
    expect(version).toMatchObject({ version: 1, rows: '21', quarantine: { rows: 1 } })
    const lines = Buffer.from(await bytesOf(harness.ports.objects, version.quarantine!.uri)).toString()
    expect(JSON.parse(lines)).toMatchObject({ row: 21, raw: 'oops,y' })
    await io.stop()
  })

  it('registers one model version: killed with a checkpoint written, then with the version committed', async () => {
    const register = await doomed('io', { after: 'commit', step: 'register' })
    const checkpoint = await doomed('train', { after: 'object' })
    const run = await harness.train(bikeTraining())
    expect(await deathDuring(run, checkpoint)).toBe('SIGKILL')
    // The object is durable, its pointer is not: nothing can see it.
    expect(await harness.ports.checkpoints.list(run.id)).toEqual([])

    const train = await harness.work('train')
    expect(await deathDuring(run, register)).toBe('SIGKILL')
    expect(await harness.ports.models.versionOfRun(run.id)).toMatchObject({ version: 1 })
    expect(await harness.row(run)).toMatchObject({ status: 'running', attempt: 1 })

    const io = await harness.work('io')
    const row = await harness.ended(run)
    expect(row).toMatchObject({ status: 'succeeded', attempt: 1, result: { version: 1 } })
    expect(await effects(run)).toEqual({ steps: 6, distinct: 6, versions: 1 })
    await Promise.all([train.stop(), io.stop()])
  })

  it('registers one version of a file: killed with its samples written, then with the version committed', async () => {
    const io = await harness.work('io')
    const receiver = await Receiver.start()
    cleanUp.push(() => void receiver.stop())
    const kit = new PipelineKit(harness, receiver)
    const onnx = await harness.ports.objects.write(PROJECT, smallModel(3))
    const samples = await doomed('train', { after: 'object' })
    const run = await kit.start('given', {
      steps: {
        given: {
          uses: 'register',
          with: { model: 'given', file: { kind: 'file', name: 'model', ...onnx }, signature: SIGNATURE },
        },
      },
    })
    expect(await deathDuring(run, samples)).toBe('SIGKILL')
    expect(await effects(run)).toMatchObject({ versions: 0 })

    const version = await doomed('train', { after: 'commit', step: 'given' })
    expect(await deathDuring(run, version)).toBe('SIGKILL')
    expect(await harness.ports.models.versionOfRun(run.id)).toMatchObject({ version: 1, sha256: onnx.sha256 })
    expect(await harness.row(run)).toMatchObject({ status: 'running', attempt: 1 })

    const train = await harness.work('train')
    expect(await harness.ended(run)).toMatchObject({ status: 'succeeded', attempt: 1 })
    expect(await effects(run)).toMatchObject({ versions: 1 })
    expect(await kit.outcome(run, 'given')).toMatchObject({ outputs: { model: 'given', version: 1 } })
    await Promise.all([train.stop(), io.stop()])
  })

  it('learns once, and transforms once: killed with the state written, with the version, with the table', async () => {
    const table = 'a,b\n1,2\n3,4\n5,9\n'
    const io = await harness.work('io')
    await harness.ended(await harness.commit('given', table))
    await io.stop()
    const state = await doomed('io', { after: 'object' })
    const { version, root } = await harness.ports.datasets.version(PROJECT, 'given', { kind: 'latest' })
    const fit = await harness.accept('fit', 'scaled', {
      dataset: { name: 'given', version, root },
      where: null,
      steps: [{ kind: 'scale', columns: ['a'], method: 'standard' }],
    } satisfies FitRequest)
    expect(await deathDuring(fit, state)).toBe('SIGKILL')
    expect(await effects(fit)).toMatchObject({ versions: 0 })
    const learned = await doomed('io', { after: 'commit', step: 'fit' })
    expect(await deathDuring(fit, learned)).toBe('SIGKILL')
    expect(await harness.ports.transformations.version(PROJECT, 'scaled')).toMatchObject({ version: 1 })
    expect(await harness.row(fit)).toMatchObject({ status: 'running', attempt: 1 })

    const before = await harness.work('io')
    expect(await harness.ended(fit)).toMatchObject({ status: 'succeeded', result: { version: 1 } })
    expect(await effects(fit)).toEqual({ steps: 1, distinct: 1, versions: 1 })
    await before.stop()

    const transformed = await doomed('io', { after: 'object' })
    const made = await harness.accept('dataset', 'made', {
      transformed: {
        dataset: { name: 'given', version },
        transformation: { name: 'scaled', version: 1 },
      },
      columns: {},
      nullValues: [],
      expectations: [],
      message: null,
    } satisfies CommitRequest)
    expect(await deathDuring(made, transformed)).toBe('SIGKILL')
    const after = await harness.work('io')
    expect(await harness.ended(made)).toMatchObject({ status: 'succeeded', result: { version: 1 } })
    expect(await effects(made)).toEqual({ steps: 4, distinct: 4, versions: 1 })
    expect(await harness.ports.datasets.version(PROJECT, 'made', { kind: 'latest' })).toMatchObject({
      rows: '3',
    })
    await after.stop()
  })
})
