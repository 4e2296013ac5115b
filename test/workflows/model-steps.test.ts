import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { Json } from '../../domain/canonical-json.js'
import type { RolloutSpec } from '../../domain/rollouts/spec.js'
import type { RegressionMetrics } from '../../domain/training/metrics.js'
import type { TableValue } from '../../domain/pipelines/values.js'
import { type JsonRow, withDuckDb } from '../../stores/duckdb/duckdb.js'
import type { ModelVersion } from '../../stores/postgres/entities/model.js'
import type { Run } from '../../stores/postgres/entities/run.js'
import { KeyStore } from '../../stores/postgres/key-store.js'
import { ReplicaProcess } from '../serving/support/replica-process.js'
import { bikeCsv, bikeTraining } from '../support/bike-data.js'
import { Harness, PROJECT } from '../support/harness.js'
import { record } from '../support/histories.js'
import { PipelineKit } from '../support/pipeline-kit.js'
import { Receiver } from '../support/receiver.js'

const LOOK = { MLFORGE_ROLLOUTS_LOOK_EVERY_SECONDS: '0.1' }
const APRIL = [
  { kind: 'filter', where: "dteday >= DATE '2011-04-01'" },
  { kind: 'sort', by: ['dteday', 'hr'] },
]

describe('steps that make, score and register models', () => {
  let harness: Harness
  let receiver: Receiver
  let replica: ReplicaProcess
  let kit: PipelineKit
  let trained: ModelVersion
  let onnx: string
  beforeAll(async () => {
    harness = await Harness.start({ env: LOOK })
    receiver = await Receiver.start()
    kit = new PipelineKit(harness, receiver)
    const columns = { dteday: { format: '%m/%d/%Y' } }
    await harness.ended(await harness.commit('bike', bikeCsv(4), { columns }))
    const run = await harness.train(bikeTraining())
    await harness.ended(run)
    trained = (await harness.ports.models.versionOfRun(run.id))!
    const { uri } = trained.artifacts['model.onnx']!
    onnx = await harness.ports.objects.toFile(uri, harness.config.stateDirectory)
    const viewer = { name: 'viewer', role: 'viewer', key: 'mlf_viewer', expiresAt: null } as const
    await new KeyStore(harness.database.dataSource).create({ project: PROJECT, ...viewer })
    await harness.ports.deployments.create(PROJECT, 'rides', 'given', 'key:test')
    replica = await ReplicaProcess.spawn('serving-1', harness.config.stateDirectory, {
      MLFORGE_POSTGRES_URL: harness.database.url,
      MLFORGE_OBJECTS_DIRECTORY: harness.config.objects.directory,
      MLFORGE_SERVING_POLL_SECONDS: '0.05',
    })
    await replica.live()
  })
  afterAll(async () => {
    await replica?.kill()
    await receiver.stop()
    await harness.stop()
  })

  const outputsOf = async (run: Run, step: string) =>
    ((await kit.outcome(run, step)) as { outputs: Record<string, Json> }).outputs
  const leave = (file = onnx) => ({
    uses: 'script',
    with: { command: ['sh', '-c', 'cp "$1" $MLFORGE_FILES/model.onnx', 'sh', file] },
  })
  const given = (more: object = {}) => ({
    uses: 'register',
    with: {
      model: 'given',
      file: '${{ steps.leave.files }}',
      signature: trained.signature,
      ...more,
    },
  })
  async function rowsOf(table: TableValue): Promise<JsonRow[]> {
    const file = await harness.ports.objects.toFile(table.uri, harness.config.stateDirectory)
    return withDuckDb({ threads: 1 }, db => db.query(`SELECT * FROM read_parquet('${file}')`))
  }

  it('registers what a script has left, scores it, rolls it out, and it predicts', async () => {
    const run = await kit.start('hand-over', {
      steps: {
        data: { uses: 'dataset', with: { dataset: 'bike@latest' } },
        april: { uses: 'transform', with: { table: '${{ steps.data.table }}', operations: APRIL } },
        leave: leave(),
        given: given({
          sample: '${{ steps.april.table }}',
          metrics: { rmse: 42 },
          dataset: '${{ steps.data.name }}',
          version: '${{ steps.data.version }}',
        }),
        score: {
          uses: 'evaluate',
          with: { model: 'given', version: '${{ steps.given.version }}', table: '${{ steps.april.table }}' },
        },
        good: { uses: 'compare', with: { candidate: '${{ steps.score.metrics.rmse }}', reference: 100 } },
        live: {
          uses: 'deploy',
          needs: 'good',
          with: { deployment: 'rides', version: '${{ steps.given.version }}' },
        },
      },
    })
    expect(await harness.ended(run)).toMatchObject({ status: 'succeeded', error: null })
    const { sha256 } = trained.artifacts['model.onnx']!
    expect(await outputsOf(run, 'given')).toEqual({ model: 'given', version: 1, sha256 })
    expect(await harness.ports.models.version(PROJECT, 'given', 1)).toMatchObject({
      engine: 'onnx',
      metrics: null,
      gate: null,
      parity: null,
      lineage: { dataset: { name: 'bike', version: 1 }, metrics: { rmse: 42 }, pipeline: 'hand-over' },
      effectKey: `${run.id}/given/g1`,
    })

    // The same rows, the same figures: April is what the training has held out.
    const { metrics, rows, predictions } = await outputsOf(run, 'score')
    const own = (trained.metrics as { model: RegressionMetrics }).model
    for (const [name, figure] of Object.entries(own)) {
      expect((metrics as unknown as Record<string, number>)[name]).toBeCloseTo(figure as number, 4)
    }
    const scored = await rowsOf(predictions as unknown as TableValue)
    expect(scored).toHaveLength(Number(rows))

    const row = scored[100]!
    const names = (trained.signature as { features: { name: string }[] }).features.map(({ name }) => name)
    const features = Object.fromEntries(names.map(name => [name, row[name]]))
    const answer = await replica.predict('rides', [{ id: 'one', features }])
    expect(answer).toMatchObject({ status: 200, body: { predictions: [{ version: 1 }] } })
    expect(JSON.stringify(answer.body)).toContain(String(row['prediction']))
    await record(harness.client, run.workflowId, 'runPipeline.modelSteps')
  })

  it('is replaced at once by a version without a sample, and is the champion of a training', async () => {
    const run = await kit.start('replace', {
      steps: {
        leave: leave(),
        next: given(),
        rival: given({ model: 'bike' }),
        champion: { uses: 'promote', with: { model: 'bike', version: '${{ steps.rival.version }}' } },
      },
    })
    expect(await harness.ended(run)).toMatchObject({ status: 'succeeded', error: null })
    expect(await outputsOf(run, 'next')).toMatchObject({ model: 'given', version: 2 })
    const rollout = await harness.accept('rollout', 'rides', {
      deployment: 'rides',
      model: 'given',
      candidate: { version: 2 },
      strategy: { kind: 'instant', cause: 'force' },
      force: null,
      reason: 'test',
    } satisfies RolloutSpec)
    expect(await harness.ended(rollout)).toMatchObject({ status: 'succeeded', error: null })
    const features = Object.fromEntries(
      (trained.signature as { features: { name: string }[] }).features.map(({ name }) => [name, 1]),
    )
    expect(await replica.predict('rides', [{ id: 'two', features }])).toMatchObject({
      status: 200,
      body: { predictions: [{ version: 2 }] },
    })

    // The engine has no file of its own for this champion.
    const training = await harness.train(bikeTraining({ gate: { maxRmseOfChampion: 1.01 } }))
    expect(await harness.ended(training)).toMatchObject({ status: 'succeeded', error: null })
    const { champion, model } = (await harness.ports.models.versionOfRun(training.id))!.metrics as {
      champion: RegressionMetrics
      model: RegressionMetrics
    }
    expect(champion.rmse).toBeCloseTo(model.rmse, 4)
  })

  it('refuses a run whose file is no model', async () => {
    const run = await kit.start('broken-file', { steps: { leave: leave('/etc/hostname'), given: given() } })
    expect(await harness.ended(run)).toMatchObject({
      status: 'refused',
      error: { code: 'preflight_failed', details: { step: 'given' } },
    })
    expect((await kit.steps(run))['given']).toMatchObject({ state: 'refused', tries: 1 })
  })
})
