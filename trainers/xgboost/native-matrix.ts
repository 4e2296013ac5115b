import koffi from 'koffi'
import type { Matrix } from '../trainer.js'
import type { Pointer, XgboostLibrary } from './library.js'

/**
 * Hands an array to `use` as an array-interface string. XGBoost reads the address by itself, so the
 * values must sit in native memory: the address of a JavaScript array gives wrong numbers silently.
 */
function withArray(values: Float32Array, shape: readonly number[], use: (array: string) => void): void {
  const memory: unknown = koffi.alloc('float', Math.max(1, values.length))
  try {
    new Float32Array(koffi.view(memory, values.length * 4)).set(values)
    // The address is larger than JSON numbers may be in JavaScript, hence no JSON.stringify.
    use(`{"data":[${koffi.address(memory)},true],"shape":[${shape.join(',')}],"typestr":"<f4","version":3}`)
  } finally {
    koffi.free(memory)
  }
}

/** A DMatrix that holds its own copy of the values. Free it with `library.freeMatrix`. */
export function createMatrix(library: XgboostLibrary, matrix: Matrix, threads: number): Pointer {
  const out: [Pointer | null] = [null]
  withArray(matrix.values, [matrix.rows, matrix.columns], array =>
    library.createDenseMatrix(array, `{"missing":NaN,"nthread":${threads}}`, out),
  )
  return out[0]!
}

/** Sets a float field of a DMatrix, such as `label`. */
export function setField(
  library: XgboostLibrary,
  matrix: Pointer,
  field: string,
  values: Float32Array,
): void {
  withArray(values, [values.length], array => library.setMatrixInfo(matrix, field, array))
}

/** Copies bytes that the library owns until its next call. */
export function copyBytes(pointer: Pointer, bytes: number): Buffer {
  return Buffer.from(new Uint8Array(koffi.view(pointer, bytes)))
}
