import type { SuiteRef } from '../expectations/suite-version.js'
import type { BadRows } from './bad-rows.js'
import type { UnusualReading } from './reading.js'
import type { DeclaredColumns } from './schema.js'

/** Bytes of a table, and how they are read. */
export interface CommitSource {
  readonly uri: string
  readonly sha256: string
  readonly bytes: number
  /** Of CSV. */
  readonly delimiter: string | null
  /** Null where they are known only once the file is read. */
  readonly columns: readonly string[] | null
  readonly rows: number | null
  /** Left out for CSV in UTF-8 with double quotes and a header. */
  readonly reading?: UnusualReading
}

export interface Transformed {
  readonly dataset: { readonly name: string; readonly version: number }
  readonly transformation: { readonly name: string; readonly version: number }
  /** Left out: each row by what all rows have taught. */
  readonly outOfFold?: boolean
}

/** What a dataset commit is to do, complete: kept with its run. */
export interface CommitRequest {
  /** Where its bytes come from; left out where they are made by the commit itself. */
  readonly upload?: CommitSource & { readonly id: string }
  /** Instead of an upload: what a transformation makes of a version of a dataset. */
  readonly transformed?: Transformed
  readonly columns: DeclaredColumns
  readonly nullValues: readonly string[]
  /** As asked: their columns are checked against the schema once that is known. */
  readonly expectations: readonly unknown[]
  /** Version of the suite of the dataset that they are of; null or left out where the request brought them, or none. */
  readonly suite?: SuiteRef | null
  readonly message: string | null
  /** Left out: the main one. */
  readonly branch?: string
  /** Left out: data that fails an expectation is refused; else it becomes a version beside its branch. */
  readonly failedExpectations?: 'quarantine'
  /** Left out: a row that cannot be read refuses the version. */
  readonly badRows?: BadRows
}
