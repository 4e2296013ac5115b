import { MlforgeError } from '../../domain/errors.js'
import type { Matrix, ModelFormat, Trainer, TrainingSet } from '../trainer.js'
import { Booster } from './booster.js'
import { loadXgboost, type Pointer, type XgboostLibrary } from './library.js'
import { createMatrix, setField } from './native-matrix.js'

interface State {
  readonly booster: Booster
  readonly data: Pointer
  readonly features: readonly string[]
}

/** XGBoost through its C API: predictions and trees equal those of the Python package bit for bit. */
export class XgboostTrainer implements Trainer {
  readonly engine: string
  private readonly library: XgboostLibrary
  private state: State | undefined

  /** @throws MlforgeError engine_missing */
  constructor(libraryPath: string) {
    this.library = loadXgboost(libraryPath)
    this.engine = `xgboost ${this.library.version}`
  }

  get round(): number {
    return this.started.booster.rounds
  }

  init(data: TrainingSet, parameters: Readonly<Record<string, string | number>>): void {
    const threads = Number(parameters.nthread ?? 1)
    const matrix = createMatrix(this.library, data.matrix, threads)
    let booster: Booster | undefined
    try {
      setField(this.library, matrix, 'label', data.labels)
      this.library.setMatrixNames(matrix, 'feature_name', data.features, data.features.length)
      booster = Booster.create(this.library, [matrix], threads)
      // Without these the saved model does not know its features.
      this.library.setBoosterNames(booster.handle, 'feature_name', data.features, data.features.length)
      for (const [name, value] of Object.entries(parameters)) {
        this.library.setParameter(booster.handle, name, String(value))
      }
    } catch (error) {
      booster?.close()
      this.library.freeMatrix(matrix)
      throw error
    }
    this.state = { booster, data: matrix, features: data.features }
  }

  step(): void {
    const { booster, data } = this.started
    this.library.update(booster.handle, booster.rounds, data)
  }

  trainRmse(): number {
    const { booster, data } = this.started
    const out: [string | null] = [null]
    this.library.evaluate(booster.handle, booster.rounds - 1, [data], ['train'], 1, out)
    return Number(/train-rmse:(\S+)/.exec(out[0] ?? '')?.[1])
  }

  /**
   * `SerializeToBuffer` keeps the state of the random generator beside the model, so that sampling
   * goes on where it was; the saved model alone would not (engine test `resume`).
   */
  checkpoint(): Buffer {
    return this.started.booster.serialize()
  }

  restore(checkpoint: Uint8Array): void {
    this.library.unserialize(this.started.booster.handle, checkpoint, checkpoint.byteLength)
  }

  predict(matrix: Matrix): Float32Array {
    return this.started.booster.predict(matrix)
  }

  exportModel(format: ModelFormat): Buffer {
    return this.started.booster.save(format)
  }

  featureImportance(): Record<string, number> {
    const { booster, features } = this.started
    const gains = booster.totalGain()
    return Object.fromEntries(features.map(feature => [feature, gains.get(feature) ?? 0]))
  }

  close(): void {
    if (this.state === undefined) return
    this.state.booster.close()
    this.library.freeMatrix(this.state.data)
    this.state = undefined
  }

  private get started(): State {
    if (this.state === undefined) throw new MlforgeError('internal', 'The trainer was used before init().')
    return this.state
  }
}
