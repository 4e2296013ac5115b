import { definitionOf } from './catalogue.js'
import { klDivergence, type Observed, partitionKs, partitionPsi } from './distance.js'
import type { Bound, Expectation } from './expectation.js'
import { judgeSchema } from './judge-schema.js'
import { judgesMissing } from './needs.js'
import { resolveBound } from './offsets.js'
import { type Foreign, type JudgeContext, type Measured, type Modes, SHOWN, type Verdict } from './outcome.js'

/** Quantiles are as expected when they are this near a bound, as in Great Expectations. */
const QUANTILE_TOLERANCE = 1e-4

/** Whether an expectation holds, from what was measured. */
export function judge(expectation: Expectation, measured: Measured, context: JudgeContext): Verdict {
  const { query, rows } = definitionOf(expectation.type)!
  if (query === 'schema') return judgeSchema(expectation, context.columns)
  if (rows) return judgeRows(expectation, measured)
  const within = (observed: unknown): Verdict => ({
    success: isWithin(expectation, observed, context.now),
    observed: observed ?? null,
  })
  const judged = Number(measured.judged ?? 0)
  switch (expectation.type) {
    case 'expect_table_row_count_to_equal':
      return { success: measured.rows === expectation.value, observed: measured.rows }
    case 'expect_table_row_count_to_be_between':
      return within(measured.rows)
    case 'expect_table_row_count_to_equal_other_table':
      return {
        success: measured.rows === measured.other_rows,
        observed: { self: measured.rows, other: measured.other_rows },
      }
    case 'expect_table_row_count_change_to_be_between': {
      const { previousRows } = context
      if (previousRows === undefined) return { success: true, observed: null, details: { previous: null } }
      const details = { rows: measured.rows, previous: previousRows }
      // From nothing to something is no share: it grew beyond every bound.
      const change =
        previousRows === 0
          ? measured.rows === 0
            ? 0
            : Number.MAX_VALUE
          : ((measured.rows as number) - previousRows) / previousRows
      return { ...within(change), details }
    }
    case 'expect_column_quantile_values_to_be_between':
      return judgeQuantiles(expectation, measured.quantiles as readonly (number | null)[] | null)
    case 'expect_column_proportion_of_non_null_values_to_be_between':
      return within(measured.rows === 0 ? null : judged / (measured.rows as number))
    case 'expect_column_unique_value_count_to_be_between':
      return within(measured.distinct)
    case 'expect_column_proportion_of_unique_values_to_be_between':
      return within(judged === 0 ? null : (measured.distinct as number) / judged)
    case 'expect_column_distinct_values_to_be_in_set':
    case 'expect_column_distinct_values_to_equal_set':
    case 'expect_column_distinct_values_to_contain_set':
      return judgeDistinct(expectation, measured)
    case 'expect_column_most_common_value_to_be_in_set': {
      const { values, tied, inSet } = measured.modes as Modes
      return { success: inSet && (expectation.ties_okay === true || !tied), observed: values }
    }
    case 'expect_column_kl_divergence_to_be_less_than':
    case 'expect_column_psi_to_be_less_than':
    case 'expect_column_ks_statistic_to_be_less_than':
      return judgeDistance(expectation, (measured.histogram ?? measured.frequencies) as Observed)
    default:
      return within(
        measured.min ?? measured.max ?? measured.mean ?? measured.median ?? measured.sum ?? measured.stdev,
      )
  }
}

function judgeRows({ type, mostly = 1 }: Expectation, measured: Measured): Verdict {
  const rows = measured.rows as number
  const withValue = measured.judged as number
  const everyRow = judgesMissing(type)
  const judged = everyRow ? rows : withValue
  const unexpected = everyRow
    ? type === 'expect_column_values_to_be_null'
      ? withValue
      : rows - withValue
    : (measured.unexpected as number)
  return {
    success: judged === 0 || (judged - unexpected) / judged >= mostly,
    counts: {
      element_count: rows,
      ...(!everyRow && { missing_count: rows - judged }),
      unexpected_count: unexpected,
      unexpected_percent: judged === 0 ? null : (unexpected / judged) * 100,
    },
  }
}

/** Numbers by size, texts and times by their code points; what is not there is within no bounds. */
export function isWithin(
  { min_value: min, max_value: max, strict_min: strictMin, strict_max: strictMax }: Expectation,
  observed: unknown,
  now: string,
): boolean {
  if (typeof observed !== 'number' && typeof observed !== 'string') return false
  const compare = (bound: Bound): number => {
    const resolved = resolveBound(bound, now)
    if (typeof observed === 'number') return observed - Number(resolved)
    const [a, b] = [comparableTime(observed), comparableTime(String(resolved))]
    return a < b ? -1 : a > b ? 1 : 0
  }
  const low = min === undefined ? 1 : compare(min)
  const high = max === undefined ? -1 : compare(max)
  return (strictMin === true ? low > 0 : low >= 0) && (strictMax === true ? high < 0 : high <= 0)
}

const DATE = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2})(?::(\d{2})(?:\.(\d{1,6})0*)?)?)?$/

/** A date is its midnight; forms of one moment become one text. Other text stays. */
export function comparableTime(text: string): string {
  const found = DATE.exec(text)
  if (found === null) return text
  const [, day, minutes = '00:00', seconds = '00', fraction = ''] = found
  return `${day}T${minutes}:${seconds}.${fraction.padEnd(6, '0')}`
}

function judgeQuantiles(
  { quantile_ranges: asked }: Expectation,
  found: readonly (number | null)[] | null,
): Verdict {
  const { quantiles, value_ranges: ranges } = asked!
  const values = quantiles.map((_, i) => found?.[i] ?? null)
  const near = (a: number, b: number): boolean => Math.abs(a - b) <= QUANTILE_TOLERANCE * Math.abs(b)
  const each = values.map((value, i) => {
    if (value === null) return false
    const [least, greatest] = ranges[i]!
    return (
      (least !== null && near(value, least)) ||
      (greatest !== null && near(value, greatest)) ||
      ((least ?? -Infinity) <= value && value <= (greatest ?? Infinity))
    )
  })
  return {
    success: each.every(Boolean),
    observed: { quantiles, values },
    details: { success_details: each },
  }
}

function judgeDistinct({ value_set: set }: Expectation, { foreign, present }: Measured): Verdict {
  const found = foreign as Foreign | undefined
  const there = present === undefined ? undefined : new Set(present as readonly number[])
  const missing = there === undefined ? [] : distinctOf(set!).filter((_, i) => !there.has(i))
  return {
    success: (found?.count ?? 0) === 0 && missing.length === 0,
    observed: null,
    details: {
      ...(found && { unexpected_count: found.count, partial_unexpected_list: found.values }),
      ...(there && { missing_count: missing.length, partial_missing_list: missing.slice(0, SHOWN) }),
    },
  }
}

/** The values of a set, once each, in their order: what `present` numbers. */
export function distinctOf<T>(values: readonly T[]): T[] {
  return [...new Set(values)]
}

function judgeDistance(expectation: Expectation, observed: Observed): Verdict {
  const { type, partition_object: partition, threshold } = expectation
  const distance =
    type === 'expect_column_psi_to_be_less_than'
      ? partitionPsi(partition!, observed)
      : type === 'expect_column_ks_statistic_to_be_less_than'
        ? partitionKs(partition!, observed)
        : klDivergence(partition!, observed, {
            tail: expectation.tail_weight_holdout ?? 0,
            internal: expectation.internal_weight_holdout ?? 0,
          })
  return {
    success: distance <= threshold!,
    observed: Number.isFinite(distance) ? distance : null,
    details: {
      observed_counts: observed.counts,
      tails: observed.tails,
      ...(observed.others && { others: observed.others }),
    },
  }
}
