import type { Expectation as OldExpectation } from '../datasets/expectations.js'
import { type Accepted, isOld } from './accepted.js'
import type { Expectation } from './expectation.js'
import type { Need } from './needs.js'
import { type Measured, type Outcome, shownValue } from './outcome.js'
import type { Result } from './results.js'

/** Results of the kinds of old show this many rows and values. */
const SHOWN = 10

/** So little that a share which fails by the old rule never holds by the new one. */
const SLACK = 1e-12

/** An expectation by `kind` as one by `type`: NaN is a value there, and a key with a missing part is not judged. */
function typedOf(old: OldExpectation): Expectation {
  const severity = old.severity === 'error' ? 'error' : 'warn'
  const common = { severity, nan: 'value' } as const
  switch (old.kind) {
    case 'row_count':
      return {
        ...common,
        type: 'expect_table_row_count_to_be_between',
        ...(old.min !== undefined && { min_value: old.min }),
        ...(old.max !== undefined && { max_value: old.max }),
      }
    case 'not_null':
      return {
        ...common,
        type: 'expect_column_values_to_not_be_null',
        column: old.column,
        mostly: 1 - (old.maxFraction ?? 0) + SLACK,
      }
    case 'range': {
      const { column, min, max, exclusiveMin, exclusiveMax } = old
      const strictMin = isTighter(exclusiveMin, min, (a, b) => a >= b)
      const strictMax = isTighter(exclusiveMax, max, (a, b) => a <= b)
      const low = strictMin ? exclusiveMin : min
      const high = strictMax ? exclusiveMax : max
      return {
        ...common,
        type: 'expect_column_values_to_be_between',
        column,
        ...(low !== undefined && { min_value: low, strict_min: strictMin }),
        ...(high !== undefined && { max_value: high, strict_max: strictMax }),
      }
    }
    case 'in_set':
      return {
        ...common,
        type: 'expect_column_values_to_be_in_set',
        column: old.column,
        value_set: old.values,
      }
    case 'unique':
      return {
        ...common,
        type: 'expect_compound_columns_to_be_unique',
        column_list: old.columns,
        ignore_row_if: 'any_value_is_missing',
      }
  }
}

/** Of either form, by `type`. */
export const asTyped = (each: Accepted): Expectation => (isOld(each) ? typedOf(each) : each)

type OldBound = number | string

function isTighter(
  exclusive: OldBound | undefined,
  inclusive: OldBound | undefined,
  tighter: (a: number, b: number) => boolean,
): boolean {
  if (exclusive === undefined || inclusive === undefined) return exclusive !== undefined
  return tighter(size(exclusive), size(inclusive))
}

const size = (bound: OldBound): number =>
  typeof bound === 'number' ? bound : Date.parse(`${bound.replace(' ', 'T')}${bound.length > 10 ? 'Z' : ''}`)

/** What results of old kinds tell beyond the counts. */
export function extraNeeds(old: OldExpectation): readonly Need[] {
  return old.kind === 'range'
    ? [
        { measure: 'min', query: 'scan' },
        { measure: 'max', query: 'scan' },
      ]
    : []
}

/** The result in the form that versions have kept since before there were types. */
export function oldResult(old: OldExpectation, outcome: Outcome, measured: Measured): Result {
  const failing = outcome.counts?.unexpected_count ?? 0
  const rows = (measured.rows ?? 0) as number
  const passed = old.kind === 'not_null' ? failing <= (old.maxFraction ?? 0) * rows : outcome.success
  return {
    expectation: old,
    passed,
    observed: observedOf(old, outcome, measured),
    failing,
    rows: passed ? [] : outcome.rows.slice(0, SHOWN),
  }
}

function observedOf(old: OldExpectation, { counts, foreign = [] }: Outcome, measured: Measured): unknown {
  switch (old.kind) {
    case 'row_count':
      return measured.rows
    case 'not_null':
      return counts!.unexpected_count / Math.max(counts!.element_count, 1)
    case 'range':
      return shownValue([measured.min ?? null, measured.max ?? null])
    case 'in_set':
      return foreign.slice(0, SHOWN)
    case 'unique':
      return measured.repeated
  }
}
