import type { Expectation } from '../../../domain/expectations/expectation.js'
import type { Measure } from '../../../domain/expectations/needs.js'
import type { Measured } from '../../../domain/expectations/outcome.js'
import { countOf, type Scope } from './scope.js'

/** What needs the whole column before a row can be judged: its order, or its mean. */
export function distributionSql(
  measure: Measure,
  expectation: Expectation,
  scope: Scope,
  measured: Measured,
): string {
  if (measure === 'unexpected') return countOf(unexpectedOfWhole(expectation, scope, measured))
  const value = scope.conditional(expectation.column!, expectation)
  return `histogram(${binOf(value, expectation.partition_object!.bins!)})`
}

/** True for a row out of order, or too far from the mean. */
export function unexpectedOfWhole(expectation: Expectation, scope: Scope, measured: Measured): string {
  const { type, column, strictly = false, double_sided: both = true } = expectation
  const value = scope.conditional(column!, expectation)
  if (type === 'expect_column_value_z_scores_to_be_less_than') {
    const { mean, stdev } = measured as { mean: number | null; stdev: number | null }
    if (mean === null || stdev === null || !Number.isFinite(stdev) || stdev === 0) return 'false'
    const score = `((${value} - '${mean}'::DOUBLE) / '${stdev}'::DOUBLE)`
    const threshold = both ? Math.abs(expectation.threshold!) : expectation.threshold!
    return `${both ? `abs(${score})` : score} >= '${threshold}'::DOUBLE`
  }
  const before = scope.previous(column!, expectation)
  const sign = type === 'expect_column_values_to_be_increasing' ? '<' : '>'
  return `${value} ${sign}${strictly ? '=' : ''} ${before}`
}

/** The number of the bin: 0 below the first edge, then from 1; the last bin holds its upper edge. */
function binOf(value: string, edges: readonly number[]): string {
  const edge = (i: number): string => `'${edges[i]}'::DOUBLE`
  const last = edges.length - 1
  // By halves: a value is compared with few edges, however many there are.
  const search = (from: number, to: number): string => {
    if (from === to) return String(from)
    const middle = (from + to) >> 1
    return `CASE WHEN ${value} < ${edge(middle)} THEN ${search(from, middle)} ELSE ${search(middle + 1, to)} END`
  }
  return `CASE WHEN ${value} IS NULL THEN NULL WHEN ${value} = ${edge(last)} THEN ${last} ELSE ${search(0, edges.length)} END`
}
