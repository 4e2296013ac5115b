/** Types that parameters and inputs share; an integer is a number too. */
export type ScalarType = 'string' | 'integer' | 'number' | 'boolean'

/**
 * Types of a step's inputs and outputs. `json` takes anything, `strings` a list of texts, `tables` and
 * `texts` an object whose members are tables or texts.
 */
export type ValueType = ScalarType | 'json' | 'table' | 'file' | 'strings' | 'tables' | 'texts'

/** Rows as one Parquet file in the object store. */
export interface TableValue {
  readonly kind: 'table'
  readonly uri: string
  readonly sha256: string
  readonly bytes: number
  readonly rows: number
}

/** Any other content in the object store. */
export interface FileValue {
  readonly kind: 'file'
  readonly name: string
  readonly uri: string
  readonly sha256: string
  readonly bytes: number
}
