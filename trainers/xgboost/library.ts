import { existsSync } from 'node:fs'
import koffi from 'koffi'
import { MlforgeError } from '../../domain/errors.js'

/** The one version whose checkpoints, bytes and predictions were proven; `mlforge engines install` fetches it. */
export const XGBOOST_VERSION = '3.4.1'

/** A pointer as koffi hands it out. It has no use here but to be handed back. */
export type Pointer = bigint & { readonly brand?: 'pointer' }
type Out<T> = [T | null]
/** A C function of the library that answers 0, or -1 and leaves its reason in XGBGetLastError. */
type Call<Arguments extends readonly unknown[]> = (...args: Arguments) => void

/** The part of XGBoost's C API that MLForge calls (xgboost/c_api.h). Each throws `trainer_failed`. */
export interface XgboostLibrary {
  readonly version: string
  readonly createDenseMatrix: Call<[data: string, config: string, out: Out<Pointer>]>
  readonly setMatrixInfo: Call<[matrix: Pointer, field: string, data: string]>
  readonly setMatrixNames: Call<[matrix: Pointer, field: string, names: readonly string[], count: number]>
  readonly freeMatrix: Call<[matrix: Pointer]>
  readonly createBooster: Call<[matrices: readonly Pointer[], count: number, out: Out<Pointer>]>
  readonly freeBooster: Call<[booster: Pointer]>
  readonly setParameter: Call<[booster: Pointer, name: string, value: string]>
  readonly setBoosterNames: Call<[booster: Pointer, field: string, names: readonly string[], count: number]>
  readonly update: Call<[booster: Pointer, round: number, matrix: Pointer]>
  readonly evaluate: Call<
    [
      booster: Pointer,
      round: number,
      matrices: readonly Pointer[],
      names: readonly string[],
      count: number,
      out: Out<string>,
    ]
  >
  readonly slice: Call<[booster: Pointer, begin: number, end: number, step: number, out: Out<Pointer>]>
  readonly boostedRounds: Call<[booster: Pointer, out: Out<number>]>
  readonly predict: Call<
    [
      booster: Pointer,
      matrix: Pointer,
      config: string,
      shape: Out<Pointer>,
      dimensions: Out<number>,
      out: Out<Pointer>,
    ]
  >
  readonly saveModel: Call<[booster: Pointer, config: string, length: Out<number>, out: Out<Pointer>]>
  readonly loadModel: Call<[booster: Pointer, bytes: Uint8Array, length: number]>
  readonly serialize: Call<[booster: Pointer, length: Out<number>, out: Out<Pointer>]>
  readonly unserialize: Call<[booster: Pointer, bytes: Uint8Array, length: number]>
  readonly featureScore: Call<
    [
      booster: Pointer,
      config: string,
      count: Out<number>,
      names: Out<Pointer>,
      dimensions: Out<number>,
      shape: Out<Pointer>,
      scores: Out<Pointer>,
    ]
  >
}

const loaded = new Map<string, XgboostLibrary>()

/**
 * Binds libxgboost.so, once for each path.
 * @throws MlforgeError engine_missing: no such file, not loadable, or another version
 */
export function loadXgboost(path: string): XgboostLibrary {
  const known = loaded.get(path)
  if (known !== undefined) return known
  const library = bind(path)
  if (library.version !== XGBOOST_VERSION) {
    throw new MlforgeError(
      'engine_missing',
      `${path} is XGBoost ${library.version}, MLForge needs ${XGBOOST_VERSION}. Run \`mlforge engines install\`.`,
    )
  }
  loaded.set(path, library)
  return library
}

function bind(path: string): XgboostLibrary {
  if (!existsSync(path)) {
    throw new MlforgeError('engine_missing', `XGBoost is not at ${path}. Run \`mlforge engines install\`.`)
  }
  let native: ReturnType<typeof koffi.load>
  try {
    native = koffi.load(path)
  } catch (error) {
    throw new MlforgeError(
      'engine_missing',
      `${path} cannot be loaded: ${String(error)}. Run \`mlforge engines install\` again.`,
    )
  }
  const lastError: () => string = native.func('const char *XGBGetLastError()')
  const readVersion: (a: Out<number>, b: Out<number>, c: Out<number>) => void = native.func(
    'void XGBoostVersion(_Out_ int *major, _Out_ int *minor, _Out_ int *patch)',
  )
  const parts: [Out<number>, Out<number>, Out<number>] = [[0], [0], [0]]
  readVersion(...parts)

  function call<Arguments extends readonly unknown[]>(name: string, parameters: string): Call<Arguments> {
    const invoke: (...args: Arguments) => number = native.func(`int ${name}(${parameters})`)
    return (...args) => {
      if (invoke(...args) !== 0) throw new MlforgeError('trainer_failed', `XGBoost: ${reason(lastError())}`)
    }
  }

  return {
    version: parts.map(part => part[0]).join('.'),
    createDenseMatrix: call('XGDMatrixCreateFromDense', 'const char *, const char *, _Out_ void **'),
    setMatrixInfo: call('XGDMatrixSetInfoFromInterface', 'void *, const char *, const char *'),
    setMatrixNames: call('XGDMatrixSetStrFeatureInfo', 'void *, const char *, const char **, uint64_t'),
    freeMatrix: call('XGDMatrixFree', 'void *'),
    createBooster: call('XGBoosterCreate', 'void **, uint64_t, _Out_ void **'),
    freeBooster: call('XGBoosterFree', 'void *'),
    setParameter: call('XGBoosterSetParam', 'void *, const char *, const char *'),
    setBoosterNames: call('XGBoosterSetStrFeatureInfo', 'void *, const char *, const char **, uint64_t'),
    update: call('XGBoosterUpdateOneIter', 'void *, int, void *'),
    evaluate: call(
      'XGBoosterEvalOneIter',
      'void *, int, void **, const char **, uint64_t, _Out_ const char **',
    ),
    slice: call('XGBoosterSlice', 'void *, int, int, int, _Out_ void **'),
    boostedRounds: call('XGBoosterBoostedRounds', 'void *, _Out_ int *'),
    predict: call(
      'XGBoosterPredictFromDMatrix',
      'void *, void *, const char *, _Out_ void **, _Out_ uint64_t *, _Out_ void **',
    ),
    saveModel: call('XGBoosterSaveModelToBuffer', 'void *, const char *, _Out_ uint64_t *, _Out_ void **'),
    loadModel: call('XGBoosterLoadModelFromBuffer', 'void *, const void *, uint64_t'),
    serialize: call('XGBoosterSerializeToBuffer', 'void *, _Out_ uint64_t *, _Out_ void **'),
    unserialize: call('XGBoosterUnserializeFromBuffer', 'void *, const void *, uint64_t'),
    featureScore: call(
      'XGBoosterFeatureScore',
      'void *, const char *, _Out_ uint64_t *, _Out_ void **, _Out_ uint64_t *, _Out_ void **, _Out_ void **',
    ),
  }
}

/** The reason without the C++ stack that XGBoost appends. */
function reason(message: string): string {
  return message
    .split('Stack trace')[0]!
    .replace(/^\[[^\]]*\]\s*/, '')
    .replaceAll(/\s+/g, ' ')
    .trim()
}
