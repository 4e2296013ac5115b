import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import type { EvaluateJob, ModelFile } from '../../trainers/protocol.js'
import { runJob } from '../../trainers/runner.js'
import { LIBRARY, SIGNATURE, temporaryDirectory, trainJob, writeBikeRows } from './support.js'

let root: string
let remove: () => Promise<void>
let job: EvaluateJob
let shallow: ModelFile

async function trainedModel(name: string, rounds: number, features = SIGNATURE.features): Promise<ModelFile> {
  const directory = join(root, name)
  await mkdir(directory)
  const train = trainJob(directory, join(root, 'train.parquet'), { rounds, checkpointEvery: 0 }, { eta: 0.1 })
  const data = { ...train.data, features: features.map(feature => feature.name) }
  const { model } = await runJob({ ...train, data }, { scratch: directory })
  return { file: model.file, signature: { ...SIGNATURE, features } }
}

beforeAll(async () => {
  ;({ path: root, remove } = await temporaryDirectory())
  await writeBikeRows(join(root, 'train.parquet'), 'yr = 0 AND mnth <= 8')
  await writeBikeRows(join(root, 'holdout.parquet'), 'yr = 0 AND mnth BETWEEN 9 AND 10')
  shallow = await trainedModel('shallow', 5, SIGNATURE.features.slice(3, 5))
  job = {
    kind: 'evaluate',
    library: LIBRARY,
    model: await trainedModel('model', 200),
    champion: shallow,
    holdout: join(root, 'holdout.parquet'),
    train: join(root, 'train.parquet'),
    baselineColumns: ['hr', 'workingday'],
    keyColumns: ['dteday', 'hr'],
    directory: root,
  }
})
afterAll(() => remove())

async function query(sql: string): Promise<number[]> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
  const connection = await instance.connect()
  const rows = (await connection.runAndReadAll(sql)).getRows()
  connection.closeSync()
  instance.closeSync()
  return rows[0]!.map(Number)
}

describe('an evaluation', () => {
  it('measures model, baseline and a champion of other features on the same rows', async () => {
    const { metrics, rows, predictions } = await runJob(job, { scratch: root })
    expect(rows).toBe(1460)
    expect(metrics.model.rmse).toBeLessThan(60)
    expect(metrics.baseline.rmse).toBeCloseTo(78.83, 2)
    expect(metrics.champion!.rmse).toBeGreaterThan(metrics.baseline.rmse)
    // The same numbers by DuckDB from the file that people get.
    const file = `read_parquet('${predictions.file}')`
    const [rmse, wape, bias, champion] = await query(
      `SELECT sqrt(avg((y - prediction) ** 2)), sum(abs(y - prediction)) / sum(y),
              sum(y - prediction) / sum(y), sqrt(avg((y - champion) ** 2)) FROM ${file}`,
    )
    expect(rmse).toBeCloseTo(metrics.model.rmse, 9)
    expect(wape).toBeCloseTo(metrics.model.wape!, 12)
    expect(bias).toBeCloseTo(metrics.model.relativeBias!, 12)
    expect(champion).toBeCloseTo(metrics.champion!.rmse, 9)
    // And the baseline as DuckDB computes it from the training rows.
    const [worst] = await query(
      `SELECT max(abs(p.baseline - b.mean)) FROM ${file} p
         JOIN read_parquet('${job.holdout}') h USING (dteday, hr)
         JOIN (SELECT hr, workingday, avg(cnt) AS mean FROM read_parquet('${job.train}') GROUP BY ALL) b
           ON b.hr = h.hr AND b.workingday = h.workingday`,
    )
    expect(worst).toBeLessThan(1e-9)
    const [negative] = await query(`SELECT count(*) FILTER (prediction < 0) FROM ${file}`)
    expect(negative).toBe(0)
  })

  it('has no champion where there is none, and the overall mean for a baseline without columns', async () => {
    const directory = join(root, 'alone')
    await mkdir(directory)
    const { champion: _, ...alone } = job
    const { metrics, predictions } = await runJob(
      { ...alone, baselineColumns: [], keyColumns: ['cnt'], directory },
      { scratch: directory },
    )
    expect(metrics.champion).toBeUndefined()
    const [mean] = await query(`SELECT avg(cnt) FROM read_parquet('${job.train}')`)
    const [low, high] = await query(
      `SELECT min(baseline), max(baseline) FROM read_parquet('${predictions.file}')`,
    )
    expect(low).toBeCloseTo(mean!, 9)
    expect(high).toBeCloseTo(mean!, 9)
  })

  it('keeps a key column apart that has the name of a result', async () => {
    const directory = join(root, 'names')
    await mkdir(directory)
    const holdout = join(directory, 'holdout.parquet')
    await writeBikeRows(holdout, 'yr = 0 AND mnth = 9', '*, instant AS prediction')
    const { predictions } = await runJob(
      { ...job, holdout, keyColumns: ['prediction'], directory },
      { scratch: directory },
    )
    const [keys] = await query(
      `SELECT count(DISTINCT key_prediction) FROM read_parquet('${predictions.file}')`,
    )
    expect(keys).toBe(717)
  })

  it('names a column that the holdout lacks', async () => {
    await expect(runJob({ ...job, keyColumns: ['day'] }, { scratch: root })).rejects.toMatchObject({
      code: 'unknown_column',
      message: expect.stringMatching(/"day"/),
    })
    await expect(runJob({ ...job, baselineColumns: ['hour'] }, { scratch: root })).rejects.toMatchObject({
      code: 'unknown_column',
    })
  })

  it('refuses an empty side of the split', async () => {
    const empty = join(root, 'empty.parquet')
    await writeBikeRows(empty, 'yr = 7')
    await expect(runJob({ ...job, holdout: empty }, { scratch: root })).rejects.toMatchObject({
      code: 'split_invalid',
      message: expect.stringMatching(/holdout/),
    })
    await expect(runJob({ ...job, train: empty }, { scratch: root })).rejects.toMatchObject({
      code: 'split_invalid',
      message: expect.stringMatching(/training/),
    })
  })

  it('refuses a damaged model file', async () => {
    await expect(
      runJob({ ...job, model: { ...job.model, file: job.holdout } }, { scratch: root }),
    ).rejects.toMatchObject({ code: 'object_corrupt' })
  })
})
