import type { FailingRow } from '../datasets/expectations.js'
import type { Expectation, KnownColumn, Scalar } from './expectation.js'
import type { Measure } from './needs.js'

/** Counts of an expectation of single rows, named as in Great Expectations. */
export interface RowCounts {
  /** Rows under the row condition. */
  readonly element_count: number
  /** Of those, without a value; absent where missing values are what is judged. */
  readonly missing_count?: number
  readonly unexpected_count: number
  /** Of rows with a value, 0 to 100; null when there are none. */
  readonly unexpected_percent: number | null
}

export interface Verdict {
  readonly success: boolean
  /** What was found, of an expectation of the whole. */
  readonly observed?: unknown
  readonly counts?: RowCounts
  readonly details?: Readonly<Record<string, unknown>>
}

export interface Outcome extends Verdict {
  readonly expectation: Expectation
  /** The first 20 rows that are otherwise. */
  readonly rows: readonly FailingRow[]
  /** Of sets: the first 20 foreign values, as text. */
  readonly foreign?: readonly string[]
}

/** Greatest number of distinct values, and of rows, that a result shows. */
export const SHOWN = 20

/** Characters (code points) of a text that results show: a value may have a million, and results are kept in rows. */
export const SHOWN_CHARACTERS = 200

/** What the statements measured for one expectation. */
export type Measured = Readonly<Partial<Record<Measure, unknown>>>

export interface JudgeContext {
  readonly columns: readonly KnownColumn[]
  /** Of the version before; undefined when there is none. */
  readonly previousRows?: number
  /** The instant that bounds relative to now are counted from, ISO 8601. */
  readonly now: string
}

/** As `foreign` is measured. */
export interface Foreign {
  readonly count: number
  readonly values: readonly Scalar[]
}

/** As `modes` is measured: the values with the greatest count, at most 20, and how the set stands to it. */
export interface Modes {
  readonly values: readonly Scalar[]
  readonly tied: boolean
  readonly inSet: boolean
}

/** As JSON and people have it: texts are cut, NaN and infinity are text, as in rows. */
export function shownValue(value: unknown): unknown {
  if (typeof value === 'string') return cut(value)
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value)
  if (Array.isArray(value)) return value.map(shownValue)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, shownValue(member)]))
}

function cut(text: string): string {
  if (text.length <= SHOWN_CHARACTERS) return text
  // A character is two units at most.
  return [...text.slice(0, 2 * SHOWN_CHARACTERS)].slice(0, SHOWN_CHARACTERS).join('')
}
