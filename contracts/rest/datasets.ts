import type { Artifact } from './common.js'
import type { CodeState } from './data.js'
import type { Retention } from './data-collection.js'
import type { TypedExpectation } from './expectations.js'
import type { TransformedSource } from './fits.js'
import type { Operation } from './operations.js'
import type { SuiteReference } from './suites.js'
import type { FileReading } from './uploads.js'

export type ColumnType = 'integer' | 'number' | 'string' | 'boolean' | 'date' | 'timestamp'

export interface ColumnDeclaration {
  type: ColumnType
  /** For date and timestamp: strftime format such as `%m/%d/%Y`. */
  format?: string
}

/** An expectation of the five kinds that were before there were types. */
export interface Expectation {
  type?: never
  kind: 'row_count' | 'not_null' | 'range' | 'in_set' | 'unique'
  column?: string
  columns?: string[]
  /** Bounds of row_count and range; those of dates are ISO 8601 text. */
  min?: number | string
  max?: number | string
  exclusiveMin?: number | string
  exclusiveMax?: number | string
  values?: (string | number | boolean)[]
  /** For not_null: the part of rows that may be empty, 0 to 1. */
  maxFraction?: number
  /** A failed `error` refuses the version; a failed `warning` is kept with it. */
  severity?: 'error' | 'warning'
}

export interface CommitDataset {
  /** Id of an upload of this project; either this or `transformed`. */
  upload?: string
  /** Instead of an upload: what a transformation makes of a version of a dataset. Types are those that it gives. */
  transformed?: TransformedSource
  /** Types by column; columns left out are inferred, or taken from the last version where there is one. */
  columns?: Record<string, ColumnDeclaration>
  /** Texts that mean "no value", in CSV besides the empty one; those of the last version where left out. */
  nullValues?: string[]
  /** By `type`, as in Great Expectations, or by `kind`; those of the current suite of the dataset where left out. */
  expectations?: (Expectation | TypedExpectation)[]
  /**
   * What is done with data that fails an expectation of severity error. Default `refuse`: it becomes no version. In
   * quarantine it becomes one of the branch `<branch>.quarantine`, which a gate decides about.
   */
  failedExpectations?: 'refuse' | 'quarantine'
  message?: string
  /** That it is for, `main` by default; a new one begins at the newest version of that. */
  branch?: string
  /** What is done with rows that the types cannot read. Default `refuse`: the version is refused. */
  badRows?: 'refuse' | 'quarantine'
  /** Most rows that are put in quarantine; no bound when not given. */
  maxBadRows?: number
  /** Most of all rows, 0 to 1, that are put in quarantine. Default 0.1, unless `maxBadRows` is given. */
  maxBadShare?: number
}

export interface Dataset {
  name: string
  latestVersion: number
  createdAt: string
  /** Which versions are kept; null where all are. */
  retention: Retention | null
}

export interface Column {
  name: string
  type: ColumnType
  format?: string
  nullable: boolean
}

/** Rows that an expectation of single rows has looked at, named as in Great Expectations. */
export interface ExpectationCounts {
  /** Under the row condition. */
  element_count: number
  /** Of those, without a value. */
  missing_count?: number
  unexpected_count: number
  /** Of rows with a value, 0 to 100; null when there are none. */
  unexpected_percent: number | null
}

export interface ExpectationResult {
  expectation: Expectation | TypedExpectation
  passed: boolean
  observed: unknown
  failingRows: number
  examples: { row: number; values: Record<string, unknown> }[]
  /** Of expectations by type that judge single rows. */
  counts?: ExpectationCounts
}

export interface DatasetVersion {
  dataset: string
  version: number
  /** The branch on which it was made. */
  branch: string
  /** Numbers of the versions that it comes after. */
  parentVersions: number[]
  /** The identity of the content: of a table raw bytes, conversion and engine version; else that of its files. */
  root: string
  /** SHA-256 of the root of its files; null until the files of a new table are in packs. */
  manifest: string | null
  files: number | null
  bytes: number | null
  /** Null where it has no table. */
  rows: number | null
  /** Rows of the file that could not be read and are not in the table: see the artifact quarantine.jsonl. */
  quarantined: number
  /** How its file was read; null where it has no table, or one that predictions were joined to. */
  reading: FileReading | null
  schema: Column[]
  /** What was inferred and how sure it was; declared columns are marked. */
  proposal: unknown
  /** The suite of the dataset, where it was checked by that. */
  suite: SuiteReference | null
  expectations: ExpectationResult[]
  profile: unknown
  parents: string[]
  message: string | null
  author: string | null
  /** Where the code stood that made its files. */
  code: CodeState | null
  /** SHA-256 of the commit object in the object store; null until it is there. */
  commit: string | null
  runId: string
  createdAt: string
  /** Since when its files cannot be read; null where they can. */
  retiredAt: string | null
  /** Who has had it erased, and why. */
  purge: { by: string; reason: string } | null
  artifacts: Artifact[]
}

/** A dataset commit under way or ended. */
export interface DatasetCommit extends Operation {
  dataset: string
  version: number | null
  /** False when the content equals the latest version, which is then the answer. */
  created: boolean | null
  /** On which its version is: `<branch>.quarantine` where it is not as expected and was to be kept all the same. */
  branch: string | null
  /** The suite of the dataset when it was taken on, where it is checked by that. */
  suite: SuiteReference | null
  live: { stage: string } | null
}

export interface Rows {
  columns: string[]
  rows: unknown[][]
  /** Number of the first row, from 0. */
  offset: number
  total: number
}
