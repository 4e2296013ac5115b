import type { DeclaredColumns } from './schema.js'

/** What a run of kind `dataset` is to commit: the request of its row, complete. */
export interface DatasetRequest {
  readonly upload: {
    readonly id: string
    readonly uri: string
    readonly sha256: string
    readonly bytes: number
    readonly fileName: string | null
    readonly delimiter: string
    readonly columns: readonly string[]
    readonly rows: number
  }
  readonly columns: DeclaredColumns
  readonly nullValues: readonly string[]
  readonly expectations: readonly ExpectationRequest[]
  readonly message: string | null
}

/** One thing that the rows must meet; which fields are needed follows from the kind. */
export interface ExpectationRequest {
  readonly kind: 'row_count' | 'not_null' | 'range' | 'in_set' | 'unique'
  readonly column?: string
  readonly columns?: readonly string[]
  readonly min?: number
  readonly max?: number
  readonly exclusiveMin?: number
  readonly exclusiveMax?: number
  readonly values?: readonly (string | number | boolean)[]
  readonly maxFraction?: number
  readonly severity?: 'error' | 'warning'
}
