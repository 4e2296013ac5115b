import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { compareParity, type ParityVerdict } from '../../domain/training/parity.js'
import { OnnxSession } from '../../inference/onnx-session.js'
import { peakResidentBytes } from '../../inference/peak-memory.js'
import type { ExportJob, ExportResult } from '../protocol.js'
import { xgboostToOnnx } from '../onnx/xgboost-to-onnx.js'
import { Booster } from '../xgboost/booster.js'
import { loadXgboost } from '../xgboost/library.js'
import { readRows, score } from './evaluate.js'
import { writeDurably } from './files.js'
import { predictAll } from './onnx.js'
import { openDuckdb, readMatrix } from './parquet.js'

/** Rounds whose JSON text is parsed at once. */
const ROUNDS_IN_PART = 100

/** Writes the model as ONNX and compares it with the engine on every row of the holdout. */
export async function exportOnnx(job: ExportJob): Promise<ExportResult> {
  const started = performance.now()
  const library = loadXgboost(job.library)
  const booster = Booster.load(library, await readFile(job.model.file))
  let bytes: Uint8Array
  try {
    bytes = xgboostToOnnx(booster.jsonParts(ROUNDS_IN_PART), job.model.signature)
  } finally {
    booster.close()
  }
  const onnx = await writeDurably(join(job.directory, 'model.onnx'), bytes)
  return {
    kind: 'export',
    engine: `xgboost ${library.version}`,
    onnx,
    parity: await measureParity(job, onnx.file),
    seconds: (performance.now() - started) / 1000,
    peakRssBytes: peakResidentBytes(),
  }
}

/** Engine against ONNX runtime, both with the signature's bounds, on every row of the holdout. */
export async function measureParity(job: ExportJob, onnx: string): Promise<ParityVerdict> {
  const { signature } = job.model
  return openDuckdb(job.directory, async connection => {
    const target = await readRows(connection, job.holdout, signature.target, 'holdout')
    const engine = await score(connection, loadXgboost(job.library), job.model, job.holdout)
    const names = signature.features.map(feature => feature.name)
    const session = await OnnxSession.load(onnx)
    let exported: Float32Array
    try {
      exported = await predictAll(session, await readMatrix(connection, job.holdout, names))
    } finally {
      await session.close()
    }
    return compareParity(engine, exported, target)
  })
}
