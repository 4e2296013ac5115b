import type { SuiteRef } from '../expectations/suite-version.js'
import type { DeclaredColumns } from './schema.js'

/** What a dataset commit is to do, complete: kept with its run. */
export interface CommitRequest {
  readonly upload: {
    readonly id: string
    readonly uri: string
    readonly sha256: string
    readonly bytes: number
    readonly delimiter: string
    readonly columns: readonly string[]
    readonly rows: number
  }
  readonly columns: DeclaredColumns
  readonly nullValues: readonly string[]
  /** As asked: their columns are checked against the schema once that is known. */
  readonly expectations: readonly unknown[]
  /** Version of the suite of the dataset that they are of; null or left out where the request brought them, or none. */
  readonly suite?: SuiteRef | null
  readonly message: string | null
}
