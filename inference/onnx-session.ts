import { InferenceSession, Tensor } from 'onnxruntime-node'
import { MlforgeError } from '../domain/errors.js'

/**
 * An ONNX model that takes one float32 tensor [rows, features] and gives one float32 number a row.
 * `session.run` blocks the event loop for the whole inference, so call this where nothing else waits.
 */
export class OnnxSession {
  private constructor(
    private readonly session: InferenceSession,
    private readonly input: string,
    private readonly output: string,
  ) {}

  /** @throws MlforgeError object_corrupt: the file is no model that the runtime can load */
  static async load(file: string): Promise<OnnxSession> {
    let session: InferenceSession
    try {
      session = await InferenceSession.create(file, {
        intraOpNumThreads: 1,
        interOpNumThreads: 1,
        executionMode: 'sequential',
      })
    } catch (error) {
      throw new MlforgeError('object_corrupt', `${file} cannot be loaded as an ONNX model: ${String(error)}.`)
    }
    const [input] = session.inputNames
    const [output] = session.outputNames
    if (input === undefined || output === undefined) {
      throw new MlforgeError('object_corrupt', `${file} has no input or no output. Export the model again.`)
    }
    return new OnnxSession(session, input, output)
  }

  /** Scores `rows` rows of float32 values, row after row. */
  async predict(values: Float32Array, rows: number): Promise<Float32Array> {
    if (rows === 0) return new Float32Array(0)
    const columns = values.length / rows
    const results = await this.session.run({
      [this.input]: new Tensor('float32', values, [rows, columns]),
    })
    const { data } = results[this.output]!
    if (!(data instanceof Float32Array) || data.length !== rows) {
      throw new MlforgeError(
        'trainer_failed',
        `The ONNX model gave no float32 number for each of ${rows} rows.`,
      )
    }
    return data
  }

  async close(): Promise<void> {
    await this.session.release()
  }
}
