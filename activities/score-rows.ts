import { MlforgeError } from '../domain/errors.js'
import { clipToSignature, type ModelSignature } from '../domain/models/signature.js'
import { SessionPool } from '../inference/session-pool.js'
import type { ObjectStore } from '../stores/objects/object-store.js'
import type { ModelVersion } from '../stores/postgres/entities/model.js'

const BATCH_ROWS = 4_096
const KEY = 'scored'

/**
 * What a version predicts for rows, in a thread of its own; null for a version without an ONNX export.
 * @param columns its features by name, all of the same length
 */
export async function scoreRows(
  objects: ObjectStore,
  version: ModelVersion,
  columns: ReadonlyMap<string, Float64Array>,
  directory: string,
): Promise<Float32Array | null> {
  const { 'model.onnx': onnx } = version.artifacts
  if (!onnx) return null
  const signature = version.signature as ModelSignature
  const features = signature.features.map(({ name }) => columns.get(name)!)
  const rows = features[0]?.length ?? 0
  const pool = new SessionPool({ threads: 1, queueRows: BATCH_ROWS, deadlineSeconds: 120 })
  try {
    const file = await objects.toFile(onnx.uri, directory)
    const failed = await pool.use([{ key: KEY, file, columns: features.length }])
    const problem = failed.get(KEY)
    if (problem !== undefined) {
      throw new MlforgeError('object_corrupt', `Version ${version.version} cannot be loaded: ${problem}.`)
    }
    const scored = new Float32Array(rows)
    for (let from = 0; from < rows; from += BATCH_ROWS) {
      const count = Math.min(BATCH_ROWS, rows - from)
      const values = new Float32Array(count * features.length)
      features.forEach((column, at) => {
        for (let row = 0; row < count; row++) values[row * features.length + at] = column[from + row]!
      })
      scored.set(await pool.run(KEY, values, count), from)
    }
    return clipToSignature(signature, scored)
  } finally {
    await pool.close()
  }
}
