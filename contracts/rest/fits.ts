import type { Artifact } from './common.js'
import type { Operation } from './operations.js'
import type { TransformationStep } from './transformations.js'

/** Asks for a version of a transformation: steps, fitted to the rows of a version of a dataset. */
export interface StartFit {
  dataset: string
  /** Number, `latest`, branch, tag or instant in braces; `latest` where left out. */
  version?: string
  /** Predicate in SQL for the rows that are learned from; all of them where left out. */
  where?: string
  steps: TransformationStep[]
  /**
   * 2 to 100: deals the rows into so many parts, and learns of each also what the others teach, so that the table
   * can be transformed without that a row knows its own target (`outOfFold` of a commit).
   */
  folds?: number
  /** Of the folds, 0 to 2^32 - 1; 0 where left out. */
  seed?: number
}

/** A fit under way or ended. */
export interface Fit extends Operation {
  transformation: string
  dataset: DatasetOfFit
  where: string | null
  folds: DealtFolds | null
  /** The version that it has made or found. */
  version: number | null
  /** False where the newest version had learned the same from the same. */
  created: boolean | null
}

/** The row at a position from 0 is in the fold that MD5 of `<seed>:<position>`, its last 8 bytes, modulo the count gives. */
export interface DealtFolds {
  count: number
  seed: number
}

export interface DatasetOfFit {
  name: string
  version: number
  root: string
}

export interface Transformation {
  name: string
  latestVersion: number
  createdAt: string
}

/** A column and its type in DuckDB. */
export interface TransformationColumn {
  name: string
  type: string
}

export interface TransformationVersion {
  transformation: string
  version: number
  /** Of what it has learned, with its steps: the artifact `state.json`. */
  sha256: string
  steps: TransformationStep[]
  /** Columns of the table that it was fitted to. */
  input: TransformationColumn[]
  /** Columns that it makes of them. */
  output: TransformationColumn[]
  /** Rows that it was fitted to. */
  rows: number
  where: string | null
  /** Null where nothing was learned of parts. */
  folds: DealtFolds | null
  /** Null where a pipeline has made the table that it was fitted to. */
  dataset: DatasetOfFit | null
  runId: string
  createdAt: string
  artifacts: Artifact[]
}

/** Rows as JSON, by column: dates are ISO 8601 text, whole numbers past 2^53 are text. */
export interface TransformRows {
  /** 1 to 1,000. */
  rows: Record<string, unknown>[]
}

export interface TransformedRows {
  /** In the order of those that were given. */
  rows: Record<string, unknown>[]
}

/** What a commit is made of, instead of an upload. */
export interface TransformedSource {
  dataset: string
  /** Number, `latest`, branch, tag or instant in braces; `latest` where left out. */
  version?: string
  transformation: string
  /** The newest where left out. */
  transformationVersion?: number
  /**
   * True: each row by what the folds have taught that it is not in. Only of the table that the transformation was
   * fitted to, by folds. Default false: each row by what all have taught.
   */
  outOfFold?: boolean
}
