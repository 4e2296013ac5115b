import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { withReference } from '../../../../activities/drift-reference.js'
import { preflightProblems } from '../../../../activities/preflight.js'
import { evaluateStep } from '../../../../activities/pipelines/steps/evaluate.js'
import { registerStep } from '../../../../activities/pipelines/steps/register.js'
import type { StepContext, StepResult } from '../../../../activities/pipelines/step-context.js'
import type { Json } from '../../../../domain/canonical-json.js'
import type { WindowFacts } from '../../../../domain/drift/window-report.js'
import type { FileValue, TableValue } from '../../../../domain/pipelines/values.js'
import { type JsonRow, withDuckDb } from '../../../../stores/duckdb/duckdb.js'
import { DatasetStore } from '../../../../stores/postgres/dataset-store.js'
import { ModelStore } from '../../../../stores/postgres/model-store.js'
import { SIGNATURE, smallModel } from '../../../serving/support/models.js'
import { type TestDatabase, testDatabase } from '../../../support/postgres.js'
import { errorOf, StepKit } from '../step-kit.js'

const RUN = '0198c0de-0000-7000-8000-000000000001'
const CODE = { version: '1', commit: null, dirty: false }

let kit: StepKit
let database: TestDatabase
let models: ModelStore
let datasets: DatasetStore
/** The small model says 100 where temp is below 0.5, else 101. */
let file: FileValue
let sample: TableValue
beforeAll(async () => {
  kit = await StepKit.create()
  database = await testDatabase()
  models = new ModelStore(database.dataSource)
  datasets = new DatasetStore(database.dataSource)
  file = await fileOf(smallModel(1))
  sample = await kit.table(
    `SELECT i / 10 AS temp, i AS hr, true AS workingday, 99 + i AS cnt FROM range(10) t(i)`,
  )
  await register({}, 'first')
})
afterAll(async () => {
  await database.drop()
  await kit.remove()
})

async function fileOf(bytes: Uint8Array, name = 'model.onnx'): Promise<FileValue> {
  return { kind: 'file', name, ...(await kit.objects.write('default', bytes)) }
}

/** Does the step with its effect, as the transaction that ends it would. */
async function register(inputs: Record<string, unknown>, step = 'it'): Promise<StepResult> {
  const runner = registerStep({ models, datasets, objects: kit.objects, code: CODE })
  const committing = async (context: StepContext) => {
    const result = await runner(context)
    return typeof result === 'function' ? database.dataSource.transaction(result) : result
  }
  const all = { model: 'small', file, signature: SIGNATURE, ...inputs }
  return kit.run(committing, all, { step, effectKey: `${RUN}/${step}/g1` })
}
const evaluate = (inputs: Record<string, unknown>) =>
  kit.run(evaluateStep({ models, objects: kit.objects }), { model: 'small', table: sample, ...inputs })

async function rowsOf(uri: string): Promise<JsonRow[]> {
  const local = await kit.objects.toFile(uri, kit.directory)
  return withDuckDb({ threads: 1 }, db => db.query(`SELECT * FROM read_parquet('${local}')`))
}

describe('a register step', () => {
  it('makes a version of the only file that a script has left, tried with zeros and ones', async () => {
    const files = { 'model.onnx': file } as unknown as Json
    const result = await register({ file: files, metrics: { auc: 0.7, wape: null } }, 'files')
    const { sha256, uri, bytes } = file
    expect(result).toMatchObject({ outputs: { model: 'small', version: 2, sha256 }, note: 'small version 2' })
    const version = await models.version('default', 'small', 2)
    expect(version).toMatchObject({
      engine: 'onnx',
      sha256,
      signature: SIGNATURE,
      artifacts: { 'model.onnx': { uri, sha256, bytes } },
      gate: null,
      lineage: {
        dataset: null,
        metrics: { auc: 0.7, wape: null },
        pipeline: 'demand',
        run: RUN,
        step: 'files',
      },
    })
    expect(await rowsOf(version.artifacts['samples.parquet']!.uri)).toEqual([
      { temp: 0, hr: 0, workingday: 0, prediction: 100 },
      { temp: 1, hr: 1, workingday: 1, prediction: 101 },
    ])
  })

  it('makes a version that preflight lets through, and stops where it answers otherwise', async () => {
    await register({ sample }, 'sampled')
    const [version] = (await models.versions('default', 'small', { limit: 1 })).items
    const at = { directory: kit.directory, signal: new AbortController().signal }
    const problems = (artifacts: object) =>
      preflightProblems(
        kit.objects,
        { ...version!, artifacts: { ...version!.artifacts, ...artifacts } },
        null,
        at,
      )
    expect(await problems({})).toEqual([])
    expect(await problems({ 'model.onnx': await fileOf(smallModel(2)) })).toEqual([
      expect.stringMatching(/^golden rows differ from the evaluation by 100, /),
    ])
    expect(await problems({ 'samples.parquet': undefined })).toEqual([
      'it has no ONNX export or no evaluation',
    ])
  })

  it('makes a version without training rows, which a drift check says', async () => {
    const window = { start: 0, end: 1 }
    const policy = { reference: { kind: 'version', version: 1 } }
    const facts = { model: 'small', window, policy } as unknown as WindowFacts
    const windowOf = () => {
      throw new Error('no other window is needed')
    }
    const question = { project: 'default', facts, versions: [], windowOf }
    const at = { directory: kit.directory, signal: new AbortController().signal }
    const reference = await withReference({ models, objects: kit.objects }, question, at, rows =>
      Promise.resolve(rows.facts),
    )
    expect(reference).toMatchObject({ absent: 'version 1 has no training rows' })
  })

  it('refuses what is no model, or none that can answer', async () => {
    const refused = (message: RegExp) => ({
      code: 'preflight_failed',
      retryable: false,
      message: expect.stringMatching(message),
    })
    const text = await fileOf(Buffer.from('no model'))
    expect(await errorOf(register({ file: text }))).toMatchObject(
      refused(/cannot be loaded as an ONNX model/),
    )
    const signature = { ...SIGNATURE, features: SIGNATURE.features.slice(1) }
    expect(await errorOf(register({ signature }))).toMatchObject(refused(/cannot score rows of 2 features/))
    const infinite = await fileOf(smallModel(Infinity))
    expect(await errorOf(register({ file: infinite }))).toMatchObject(
      refused(/no finite number for row 1 of zeros and ones/),
    )
    const nobody = await kit.table('SELECT 1.0 AS temp, 1 AS hr, true AS workingday WHERE false')
    expect(await errorOf(register({ sample: nobody }))).toMatchObject(refused(/the sample is empty/))
    const other = await kit.table(`SELECT 'cold' AS temp, 1.5 AS hr, true AS workday`)
    expect(await errorOf(register({ sample: other }))).toMatchObject({
      code: 'features_invalid',
      details: {
        problems: [
          { at: 'features.temp', message: expect.stringContaining('takes number; the column is string') },
          { at: 'features.hr', message: expect.stringContaining('takes integer; the column is number') },
          { at: 'features.workingday', message: expect.stringContaining('Did you mean "workday"?') },
        ],
      },
    })
    expect((await models.versions('default', 'small', { limit: 10 })).items).toHaveLength(3)
  })

  it('refuses inputs that are wrong, all of them at once', async () => {
    const signature = {
      features: [
        { name: 'a', type: 'text' },
        { name: 'a', type: 'number' },
        { name: 'prediction', type: 'number' },
        {},
      ],
      target: 'a',
      output: { name: 'x', clip: { min: 2, max: 1 } },
      outputs: 1,
    }
    const inputs = {
      model: 'Small Model',
      file: { a: file, b: { ...file, name: 'b' } },
      signature,
      version: 1,
    }
    const error = await errorOf(register({ ...inputs, metrics: { rmse: 'low' } }))
    expect(error).toMatchObject({ code: 'step_input_invalid', retryable: false })
    const { problems } = (error as { details: { problems: { at: string }[] } }).details
    expect(problems.map(({ at }) => at)).toEqual([
      'model',
      'file',
      'signature.outputs',
      'signature.features[0].type',
      'signature.features[3].name',
      'signature.features[3].type',
      'signature.output.clip',
      'signature.features[0].name',
      'signature.features[1].name',
      'signature.features[2].name',
      'metrics.rmse',
      'dataset',
    ])
  })

  it.each([
    ['a number', 5],
    ['no file', {}],
    [
      'a file of another project',
      { kind: 'file', name: 'x', uri: 'other/sha256/aa/bb', sha256: 'bb', bytes: 1 },
    ],
  ])('refuses %s', async (_, value) => {
    expect(await errorOf(register({ file: value }))).toMatchObject({
      code: 'step_input_invalid',
      details: { problems: [{ at: 'file' }] },
    })
  })

  it('fails where there is no such version of the dataset', async () => {
    expect(await errorOf(register({ dataset: 'nowhere', version: 1 }))).toMatchObject({ code: 'not_found' })
  })
})

describe('an evaluate step', () => {
  it('gives figures, and the rows with what was predicted', async () => {
    const result = await evaluate({ version: 1 })
    // Truth 99 to 108, predicted 100 five times and 101 five times.
    const errors = [-1, 0, 1, 2, 3, 3, 4, 5, 6, 7]
    const mean = (of: (error: number) => number) => errors.reduce((sum, e) => sum + of(e), 0) / errors.length
    expect(result).toMatchObject({
      outputs: {
        metrics: { rmse: Math.sqrt(mean(e => e * e)), mae: mean(Math.abs), r2: expect.any(Number) },
        rows: 10,
        predictions: { kind: 'table', rows: 10 },
        version: 1,
      },
      note: 'version 1, RMSE 3.873',
    })
    const { predictions } = (result as unknown as { outputs: { predictions: TableValue } }).outputs
    expect((await rowsOf(predictions.uri)).slice(4, 6)).toEqual([
      { temp: 0.4, hr: 4, workingday: true, cnt: 103, prediction: 100 },
      { temp: 0.5, hr: 5, workingday: true, cnt: 104, prediction: 101 },
    ])
    expect(await readFile(await kit.objects.toFile(predictions.uri, kit.directory))).toHaveLength(
      predictions.bytes,
    )
  })

  it('takes the champion, an alias, or a target that it is told', async () => {
    const aliased = (alias: string, version: number) =>
      models.moveAlias('default', 'small', alias, { version, principal: 'key:test', reason: 'test' })
    expect(await errorOf(evaluate({}))).toMatchObject({
      code: 'not_found',
      message: expect.stringContaining('"champion"'),
    })
    await aliased('champion', 2)
    await aliased('old', 1)
    expect(await evaluate({})).toMatchObject({ outputs: { version: 2 } })
    expect(await evaluate({ alias: 'old', target: 'hr' })).toMatchObject({
      outputs: { version: 1, metrics: { mae: 96 } },
    })
    expect(await errorOf(evaluate({ alias: 'old', version: 1 }))).toMatchObject({
      code: 'step_input_invalid',
    })
    expect(await errorOf(evaluate({ model: 'smal' }))).toMatchObject({
      code: 'not_found',
      message: expect.stringContaining('Did you mean "small"?'),
    })
  })

  it('tells all that is wrong with the columns', async () => {
    const table = await kit.table(`SELECT 'x' AS temp, 1 AS hour, 1 AS workingday, 1 AS cmt, 2 AS prediction`)
    expect(await errorOf(evaluate({ version: 1, table }))).toMatchObject({
      code: 'features_invalid',
      retryable: false,
      details: {
        problems: [
          { at: 'features.temp' },
          { at: 'features.hr' },
          { at: 'features.workingday' },
          { at: 'target', message: expect.stringContaining('Did you mean "cmt"?') },
          { at: 'table', message: expect.stringContaining('"prediction"') },
        ],
      },
    })
  })

  it('refuses a truth that is missing, and a table without rows', async () => {
    const gap = await kit.table('SELECT 1.0 AS temp, 1 AS hr, true AS workingday, NULL::INT AS cnt')
    expect(await errorOf(evaluate({ version: 1, table: gap }))).toMatchObject({ code: 'label_invalid' })
    const none = await kit.table('SELECT 1.0 AS temp, 1 AS hr, true AS workingday, 1 AS cnt WHERE false')
    expect(await errorOf(evaluate({ version: 1, table: none }))).toMatchObject({ code: 'label_invalid' })
  })

  it('stops when it is told to', async () => {
    const stop = AbortSignal.abort(new Error('stop'))
    const runner = evaluateStep({ models, objects: kit.objects })
    expect(
      await errorOf(kit.run(runner, { model: 'small', version: 1, table: sample }, { signal: stop })),
    ).toMatchObject({ message: 'stop' })
  })
})
