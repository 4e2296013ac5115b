import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { DuckDBConnection } from '@duckdb/node-api'
import { MlforgeError } from '../../domain/errors.js'
import { learnBaseline, predictBaseline } from '../../domain/training/baseline.js'
import { regressionMetrics } from '../../domain/training/metrics.js'
import { clipToSignature } from '../../domain/models/signature.js'
import { peakResidentBytes } from '../../inference/peak-memory.js'
import type { EvaluateJob, EvaluateResult, FileFact, ModelFile } from '../protocol.js'
import { Booster } from '../xgboost/booster.js'
import { loadXgboost, type XgboostLibrary } from '../xgboost/library.js'
import { keepDurably } from './files.js'
import { runOnnx } from './onnx.js'
import {
  checkColumns,
  identifier,
  openDuckdb,
  parquet,
  readGroups,
  readMatrix,
  readTarget,
  text,
} from './parquet.js'

/** Predictions of a model file for every row of a table, cut to the bounds of its signature. */
export async function score(
  connection: DuckDBConnection,
  library: XgboostLibrary,
  model: ModelFile,
  table: string,
): Promise<Float32Array> {
  const features = model.signature.features.map(feature => feature.name)
  const matrix = await readMatrix(connection, table, features)
  if (model.format === 'onnx') return (await runOnnx(model, matrix)).predictions
  const booster = Booster.load(library, await readFile(model.file))
  try {
    return clipToSignature(model.signature, booster.predict(matrix))
  } finally {
    booster.close()
  }
}

/**
 * The target of one side of a split.
 * @throws MlforgeError split_invalid where that side is empty
 */
export async function readRows(
  connection: DuckDBConnection,
  file: string,
  target: string,
  side: string,
): Promise<Float64Array> {
  const values = await readTarget(connection, file, target)
  if (values.length > 0) return values
  throw new MlforgeError('split_invalid', `The ${side} has no rows. Choose the periods of the split anew.`)
}

/** Measures a model on the holdout, beside the seasonal baseline and the champion. */
export async function evaluate(job: EvaluateJob): Promise<EvaluateResult> {
  const started = performance.now()
  const library = loadXgboost(job.library)
  return openDuckdb(job.directory, async connection => {
    const { target } = job.model.signature
    await checkColumns(connection, job.holdout, job.keyColumns, [])
    const y = await readRows(connection, job.holdout, target, 'holdout')
    const baseline = predictBaseline(
      learnBaseline(
        await readGroups(connection, job.train, job.baselineColumns),
        await readRows(connection, job.train, target, 'training part'),
      ),
      await readGroups(connection, job.holdout, job.baselineColumns),
    )
    const model = await score(connection, library, job.model, job.holdout)
    const champion =
      job.champion === undefined ? undefined : await score(connection, library, job.champion, job.holdout)
    const predictions = { prediction: model, baseline, ...(champion === undefined ? {} : { champion }) }
    return {
      kind: 'evaluate',
      engine: `xgboost ${library.version}`,
      rows: y.length,
      metrics: {
        model: regressionMetrics(y, model),
        baseline: regressionMetrics(y, baseline),
        ...(champion === undefined ? {} : { champion: regressionMetrics(y, champion) }),
      },
      predictions: await writePredictions(connection, job, predictions),
      seconds: (performance.now() - started) / 1000,
      peakRssBytes: peakResidentBytes(),
    }
  })
}

/** The holdout's key columns and target with the predictions beside them, in the holdout's order. */
async function writePredictions(
  connection: DuckDBConnection,
  job: EvaluateJob,
  predictions: Readonly<Record<string, Float32Array | Float64Array>>,
): Promise<FileFact> {
  const names = Object.keys(predictions)
  await connection.run(`CREATE TABLE predictions (${names.map(name => `${name} DOUBLE`).join(', ')})`)
  const appender = await connection.createAppender('predictions')
  const rows = predictions.prediction!.length
  for (let row = 0; row < rows; row++) {
    for (const name of names) appender.appendDouble(predictions[name]![row]!)
    appender.endRow()
  }
  appender.closeSync()
  const taken = new Set(['y', ...names])
  const keys = [...new Set(job.keyColumns)].map(
    key => `holdout.${identifier(key)} AS ${identifier(taken.has(key) ? `key_${key}` : key)}`,
  )
  const columns = [
    ...keys,
    `holdout.${identifier(job.model.signature.target)}::DOUBLE AS y`,
    ...names.map(name => `predictions.${name}`),
  ]
  const file = join(job.directory, 'predictions.parquet')
  await connection.run(
    `COPY (SELECT ${columns.join(', ')} FROM ${parquet(job.holdout)} AS holdout POSITIONAL JOIN predictions)
     TO ${text(`${file}.partial`)} (FORMAT parquet, COMPRESSION zstd)`,
  )
  return keepDurably(`${file}.partial`, file)
}
