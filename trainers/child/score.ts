import { join } from 'node:path'
import type { DuckDBConnection } from '@duckdb/node-api'
import { regressionMetrics } from '../../domain/training/metrics.js'
import { peakResidentBytes } from '../../inference/peak-memory.js'
import type { FileFact, ScoreJob, ScoreResult } from '../protocol.js'
import { keepDurably } from './files.js'
import { runOnnx } from './onnx.js'
import { openDuckdb, parquet, readMatrix, readTarget, text } from './parquet.js'

/** Scores a table by an ONNX model, and measures it where there is a target. */
export async function scoreOnnx({ model, table, target, directory }: ScoreJob): Promise<ScoreResult> {
  const started = performance.now()
  return openDuckdb(directory, async connection => {
    const y = target === null ? null : await readTarget(connection, table, target)
    const features = model.signature.features.map(feature => feature.name)
    const matrix = await readMatrix(connection, table, features)
    const { predictions, residentBytes } = await runOnnx(model, matrix)
    const first = predictions.findIndex(prediction => !Number.isFinite(prediction))
    return {
      kind: 'score',
      engine: 'onnxruntime',
      rows: matrix.rows,
      metrics: y === null ? null : regressionMetrics(y, predictions),
      notFinite: first === -1 ? null : first + 1,
      residentBytes,
      predictions: await writePredictions(connection, table, predictions, directory),
      seconds: (performance.now() - started) / 1000,
      peakRssBytes: peakResidentBytes(),
    }
  })
}

async function writePredictions(
  connection: DuckDBConnection,
  table: string,
  predictions: Float32Array,
  directory: string,
): Promise<FileFact> {
  await connection.run('CREATE TABLE predictions (prediction DOUBLE)')
  const appender = await connection.createAppender('predictions')
  for (const prediction of predictions) {
    appender.appendDouble(prediction)
    appender.endRow()
  }
  appender.closeSync()
  const file = join(directory, 'scored.parquet')
  await connection.run(
    `COPY (SELECT * FROM ${parquet(table)} POSITIONAL JOIN predictions)
     TO ${text(`${file}.partial`)} (FORMAT parquet, COMPRESSION zstd)`,
  )
  return keepDurably(`${file}.partial`, file)
}
