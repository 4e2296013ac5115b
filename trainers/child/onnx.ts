import { MlforgeError } from '../../domain/errors.js'
import { clipToSignature } from '../../domain/models/signature.js'
import { OnnxSession } from '../../inference/onnx-session.js'
import type { ModelFile } from '../protocol.js'
import type { Matrix } from '../trainer.js'

/** Rows of one call of the runtime: enough to be fast, few enough to stay small. */
const BATCH = 4096

/** What a session gives for each row. */
export async function predictAll(
  session: OnnxSession,
  { values, rows, columns }: Matrix,
): Promise<Float32Array> {
  const predictions = new Float32Array(rows)
  for (let from = 0; from < rows; from += BATCH) {
    const to = Math.min(from + BATCH, rows)
    predictions.set(await session.predict(values.subarray(from * columns, to * columns), to - from), from)
  }
  return predictions
}

/**
 * Predictions of an ONNX file, cut to the bounds of its signature, and the memory that it keeps.
 * @throws MlforgeError object_corrupt: it does not load; trainer_failed: it does not take these features, or
 *   does not give one float32 number for each row
 */
export async function runOnnx(
  { file, signature }: ModelFile,
  matrix: Matrix,
): Promise<{ predictions: Float32Array; residentBytes: number }> {
  const before = process.memoryUsage.rss()
  const session = await OnnxSession.load(file)
  try {
    const predictions = await predictAll(session, matrix)
    const residentBytes = Math.max(0, process.memoryUsage.rss() - before)
    return { predictions: clipToSignature(signature, predictions), residentBytes }
  } catch (error) {
    if (error instanceof MlforgeError) throw error
    // Words of the runtime, for example about the shape of its input: the same again at every try.
    throw new MlforgeError(
      'trainer_failed',
      `The ONNX model cannot score rows of ${matrix.columns} features: ${error instanceof Error ? error.message : String(error)}`,
    )
  } finally {
    await session.close()
  }
}
