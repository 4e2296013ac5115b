import type { ColumnType } from '../datasets/schema.js'
import type { Expectation, Scalar, Suite } from './expectation.js'
import { MOST_EXPECTATIONS } from './suite-version.js'

/** What is known of a column of a table: as a profile has it. */
export interface ColumnFacts {
  readonly name: string
  /** Undefined for types that datasets have not. */
  readonly type?: ColumnType
  /** Rows with a value that is no NaN, and rows without. */
  readonly values: number
  readonly missing: number
  readonly distinct: number
  /** Rows with an infinite number. */
  readonly infinite: number
  /** Of finite values; dates are ISO 8601 text. */
  readonly min: Scalar | null
  readonly max: Scalar | null
  /** Values and their rows, the most frequent first; some or all of them. */
  readonly top: readonly { readonly value: Scalar; readonly count: number }[]
}

export interface TableFacts {
  readonly rows: number
  readonly columns: readonly ColumnFacts[]
}

/** A column of that many distinct values at most, each in ten rows on average, is of a set. */
const SET = 20
const ROWS_OF_A_VALUE = 10
/** Fewer values say nothing of uniqueness. */
const ENOUGH = 20
/** Part of the range that later values may lie beyond it, at either end. */
const MARGIN = 0.1
/** Missing values may become half as many again. */
const MISSING_FACTOR = 1.5

/**
 * A suite to start from: what holds of the data, with room where later data may well differ. Shape, types, values
 * never missing and keys are errors; ranges, sets and shares, which a sample only suggests, are warnings.
 * Every expectation holds of the table that was measured, and a suite can have all of them: of more, errors come first.
 */
export function inferSuite({ rows, columns }: TableFacts): Suite {
  const size: Expectation[] =
    rows === 0
      ? []
      : [
          {
            type: 'expect_table_row_count_to_be_between',
            min_value: Math.floor(rows / 2),
            max_value: rows * 2,
            severity: 'warn',
          },
        ]
  const names = columns.map(({ name }) => name)
  return {
    expectations: asManyAsCanBe([
      { type: 'expect_table_columns_to_match_ordered_list', column_list: names, severity: 'error' },
      ...size,
      ...columns.flatMap(inferColumn),
    ]),
  }
}

function asManyAsCanBe(found: readonly Expectation[]): readonly Expectation[] {
  if (found.length <= MOST_EXPECTATIONS) return found
  const isError = ({ severity }: Expectation): boolean => severity === 'error'
  const first = [...found.filter(isError), ...found.filter(one => !isError(one))]
  const kept = new Set(first.slice(0, MOST_EXPECTATIONS))
  return found.filter(one => kept.has(one))
}

function inferColumn(facts: ColumnFacts): Expectation[] {
  const { name: column, type, values, missing } = facts
  const found: Expectation[] = []
  const expect = (expectation: Omit<Expectation, 'column'>): void =>
    void found.push({ column, ...expectation })
  if (type !== undefined)
    expect({ type: 'expect_column_values_to_be_of_type', type_: type, severity: 'error' })
  if (values === 0) return found
  if (missing === 0) expect({ type: 'expect_column_values_to_not_be_null', severity: 'error' })
  else {
    const share = (MISSING_FACTOR * missing) / (values + missing)
    const mostly = Math.floor((1 - share) * 1000) / 1000
    if (mostly > 0) expect({ type: 'expect_column_values_to_not_be_null', mostly, severity: 'warn' })
  }
  if (isKey(facts)) expect({ type: 'expect_column_values_to_be_unique', severity: 'error' })
  const set = setOf(facts)
  if (set !== undefined)
    expect({ type: 'expect_column_values_to_be_in_set', value_set: set, severity: 'warn' })
  else {
    const range = rangeOf(facts)
    if (range !== undefined)
      expect({ type: 'expect_column_values_to_be_between', ...range, severity: 'warn' })
  }
  return found
}

function isKey({ type, values, distinct }: ColumnFacts): boolean {
  return (type === 'integer' || type === 'string') && values >= ENOUGH && distinct === values
}

function setOf({ type, values, distinct, top }: ColumnFacts): readonly Scalar[] | undefined {
  const ofSets = type === 'string' || type === 'boolean' || type === 'integer'
  if (!ofSets || distinct > SET || values < distinct * ROWS_OF_A_VALUE) return undefined
  // A text that was cut short is none of the values.
  const whole = top.filter(({ value }) => typeof value !== 'string' || value.length < LONGEST)
  if (whole.length < distinct) return undefined
  // An integer that is told as text is none that an expectation can name.
  if (type === 'integer' && whole.some(({ value }) => typeof value !== 'number')) return undefined
  return whole.map(({ value }) => value).toSorted((a, b) => (a < b ? -1 : 1))
}

const LONGEST = 200

const DAY_MS = 86_400_000

function rangeOf({
  type,
  infinite,
  min,
  max,
}: ColumnFacts): Pick<Expectation, 'min_value' | 'max_value'> | undefined {
  if (infinite > 0) return undefined
  if (typeof min === 'number' && typeof max === 'number') {
    const margin = (max - min) * MARGIN
    const wide = type === 'integer' ? Math.ceil(margin) : margin
    // What is never negative stays so.
    const low = min >= 0 ? Math.max(0, min - wide) : min - wide
    const high = max <= 0 ? Math.min(0, max + wide) : max + wide
    return Number.isFinite(low) && Number.isFinite(high) ? { min_value: low, max_value: high } : undefined
  }
  if ((type !== 'date' && type !== 'timestamp') || typeof min !== 'string' || typeof max !== 'string')
    return undefined
  const [from, to] = [Date.parse(min.slice(0, 10)), Date.parse(max.slice(0, 10))]
  if (Number.isNaN(from) || Number.isNaN(to)) return undefined
  // Later data is later: there is no upper bound.
  const low = new Date(from - Math.ceil(((to - from) / DAY_MS) * MARGIN) * DAY_MS)
  return { min_value: low.toISOString().slice(0, 10) }
}
