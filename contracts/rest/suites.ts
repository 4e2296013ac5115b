import type { ExpectationResult } from './datasets.js'
import type { ExpectationSuite } from './expectations.js'
import type { Operation } from './operations.js'

/** Which version of the suite of a dataset something was checked by. */
export interface SuiteReference {
  version: number
  /** SHA-256 of the suite as canonical JSON (RFC 8785). */
  sha256: string
}

export interface PutSuite {
  suite: ExpectationSuite
  /** The version that is to be the current one still, null for none; whichever it is where left out. */
  expected?: number | null
  author?: string
  message?: string
}

/** A version of the suite of a dataset, without what is in it. */
export interface SuiteSummary extends SuiteReference {
  dataset: string
  /** True for the one that commits are checked by. */
  current: boolean
  /** How many there are in it. */
  expectations: number
  author: string | null
  message: string | null
  /** Who has given it first. */
  principal: string
  createdAt: string
}

export interface SuiteVersion extends SuiteSummary {
  suite: ExpectationSuite
}

export interface SuitePut extends SuiteVersion {
  /** False where there was a version with this content. */
  created: boolean
}

export interface ImportSuite {
  /** JSON of a suite of Great Expectations, 0.18 or 1.x. */
  greatExpectations: Record<string, unknown>
}

/** An expectation that was not taken over. */
export interface LeftOutExpectation {
  at: string
  type: string
  reason: string
}

export interface ImportedSuite {
  suite: ExpectationSuite
  left: LeftOutExpectation[]
}

export interface InferSuite {
  /** Version of the dataset: by number, `latest` (the default), branch, tag, or instant in braces. */
  version?: string
}

export interface InferredSuite {
  dataset: string
  /** The version of the dataset that it was made from. */
  version: number
  suite: ExpectationSuite
}

export interface StartValidation {
  /** Version of the dataset: by number, `latest` (the default), branch, tag, or instant in braces. */
  version?: string
  /** Version of its suite, the current one where left out. */
  suite?: number
}

/** A check of a version of a dataset. It ends as refused where an expectation of severity error does not hold. */
export interface Validation extends Operation {
  dataset: string
  version: number
  suite: SuiteReference
  /** What was found, once it has ended. */
  found: ValidationFound | null
}

export interface ValidationFound {
  expectations: number
  /** Those of severity error that do not hold. */
  failed: number
  /** Those of severity warn that do not hold. */
  warned: number
}

/** A statement of DuckDB over the table. */
export interface ValidationStatement {
  /**
   * `scan`: rows and aggregates; `uniqueness`: keys and distinct values; `reference`: other tables; `distribution`:
   * bins, order of rows, distance from the mean; `samples`: only where rows fail, the first of them.
   */
  kind: 'scan' | 'uniqueness' | 'reference' | 'distribution' | 'samples'
  about: string
  /** Places in `results` of the expectations that it answers something of. */
  expectations: number[]
}

/** How the expectations are measured. What the names and types of columns say is in no statement. */
export interface ValidationPlan {
  /** How often the table is read: statements but `samples`. Past 400 aggregates one is split. */
  scans: number
  statements: ValidationStatement[]
}

export interface ValidationResults {
  plan: ValidationPlan
  results: ExpectationResult[]
}
