import { MlforgeError } from '../domain/errors.js'
import { clipToSignature, type ModelSignature } from '../domain/models/signature.js'
import { SessionPool } from '../inference/session-pool.js'
import type { ObjectStore } from '../stores/objects/object-store.js'
import type { ModelVersion } from '../stores/postgres/entities/model.js'

/** Of a batch that comes alone any number is taken. */
const QUEUE_ROWS = 4_096
const KEY = 'scored'

/**
 * What a version predicts for rows, in a thread of its own; null for a version without an ONNX export.
 * @param batches columns of its features, in the order of its signature
 */
export async function scoreRows(
  objects: ObjectStore,
  version: ModelVersion,
  batches: AsyncIterable<readonly Float64Array[]> | Iterable<readonly Float64Array[]>,
  directory: string,
): Promise<Float32Array | null> {
  const { 'model.onnx': onnx } = version.artifacts
  if (!onnx) return null
  const signature = version.signature as ModelSignature
  const pool = new SessionPool({ threads: 1, queueRows: QUEUE_ROWS, deadlineSeconds: 120 })
  try {
    const file = await objects.toFile(onnx.uri, directory)
    const failed = await pool.use([{ key: KEY, file, columns: signature.features.length }])
    const problem = failed.get(KEY)
    if (problem !== undefined) {
      throw new MlforgeError('object_corrupt', `Version ${version.version} cannot be loaded: ${problem}.`)
    }
    const scored: Float32Array[] = []
    for await (const columns of batches) scored.push(await pool.run(KEY, ...rowsOf(columns)))
    return clipToSignature(signature, joined(scored))
  } finally {
    await pool.close()
  }
}

function rowsOf(columns: readonly Float64Array[]): [values: Float32Array<ArrayBuffer>, rows: number] {
  const rows = columns[0]?.length ?? 0
  const values = new Float32Array(rows * columns.length)
  columns.forEach((column, at) => {
    for (let row = 0; row < rows; row++) values[row * columns.length + at] = column[row]!
  })
  return [values, rows]
}

function joined(parts: readonly Float32Array[]): Float32Array<ArrayBuffer> {
  const all = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}
