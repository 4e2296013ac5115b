import koffi from 'koffi'
import { MlforgeError } from '../../domain/errors.js'
import type { Matrix, ModelFormat } from '../trainer.js'
import type { Pointer, XgboostLibrary } from './library.js'
import { copyBytes, createMatrix } from './native-matrix.js'

/** A native booster: what training and scoring share. Close it to give its memory back. */
export class Booster {
  private closed = false

  private constructor(
    readonly library: XgboostLibrary,
    readonly handle: Pointer,
    private readonly threads: number,
  ) {}

  /** An empty booster that keeps its predictions for the matrices in `cached` up to date. */
  static create(library: XgboostLibrary, cached: readonly Pointer[] = [], threads = 1): Booster {
    const out: [Pointer | null] = [null]
    library.createBooster(cached, cached.length, out)
    return new Booster(library, out[0]!, threads)
  }

  /**
   * A booster that scores a saved model (`ubj` or `json`, recognised by its bytes).
   * @throws MlforgeError object_corrupt
   */
  static load(library: XgboostLibrary, model: Uint8Array): Booster {
    const booster = Booster.create(library)
    try {
      booster.library.loadModel(booster.handle, model, model.byteLength)
      booster.library.setParameter(booster.handle, 'nthread', '1')
      return booster
    } catch (error) {
      booster.close()
      throw new MlforgeError(
        'object_corrupt',
        `The model cannot be loaded. ${(error as Error).message} Bring its file back, then retry.`,
      )
    }
  }

  get rounds(): number {
    const out: [number | null] = [0]
    this.library.boostedRounds(this.handle, out)
    return Number(out[0])
  }

  predict(matrix: Matrix): Float32Array {
    const data = createMatrix(this.library, matrix, this.threads)
    try {
      const out: [Pointer | null] = [null]
      this.library.predict(
        this.handle,
        data,
        '{"type":0,"training":false,"iteration_begin":0,"iteration_end":0,"strict_shape":true}',
        [null],
        [0],
        out,
      )
      const bytes = copyBytes(out[0]!, matrix.rows * 4)
      return new Float32Array(bytes.buffer, bytes.byteOffset, matrix.rows)
    } finally {
      this.library.freeMatrix(data)
    }
  }

  save(format: ModelFormat): Buffer {
    const length: [number | null] = [0]
    const out: [Pointer | null] = [null]
    this.library.saveModel(this.handle, `{"format":"${format}"}`, length, out)
    return copyBytes(out[0]!, Number(length[0]))
  }

  /** The model in its JSON form, in parts of so many rounds: text of a large model at once would be gigabytes. */
  *jsonParts(roundsInPart: number): Generator<Buffer> {
    const { rounds } = this
    for (let begin = 0; begin < rounds; begin += roundsInPart) {
      const out: [Pointer | null] = [null]
      this.library.slice(this.handle, begin, Math.min(begin + roundsInPart, rounds), 1, out)
      const part = new Booster(this.library, out[0]!, this.threads)
      try {
        yield part.save('json')
      } finally {
        part.close()
      }
    }
  }

  serialize(): Buffer {
    const length: [number | null] = [0]
    const out: [Pointer | null] = [null]
    this.library.serialize(this.handle, length, out)
    return copyBytes(out[0]!, Number(length[0]))
  }

  /** Total gain by feature name, for the features that some split uses. */
  totalGain(): Map<string, number> {
    const count: [number | null] = [0]
    const names: [Pointer | null] = [null]
    const scores: [Pointer | null] = [null]
    this.library.featureScore(
      this.handle,
      '{"importance_type":"total_gain"}',
      count,
      names,
      [0],
      [null],
      scores,
    )
    const used = Number(count[0])
    if (used === 0) return new Map()
    const keys = koffi.decode(names[0]!, 'const char *', used) as string[]
    const values = koffi.decode(scores[0]!, 'float', used) as ArrayLike<number>
    return new Map(keys.map((key, index) => [key, values[index]!]))
  }

  close(): void {
    if (this.closed) return
    this.closed = true
    this.library.freeBooster(this.handle)
  }
}
