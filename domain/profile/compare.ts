import { jensenShannonDistance } from '../drift/statistics/jensen-shannon.js'
import { populationStabilityIndex } from '../drift/statistics/psi.js'
import { type Alert, alertsOf } from './alerts.js'
import { sharedBins } from './histogram.js'
import { type ColumnProfile, missingOf, type Profile } from './profile.js'
import { sharedValues } from './shared-values.js'
import { SHIFTS } from './thresholds.js'

/** Of `from` and of `to`; null where the column is not there or has no such figure. */
export interface Change<T> {
  readonly from: T | null
  readonly to: T | null
}

export type Shift = 'none' | 'moderate' | 'large'

/** How differently the values of a column are distributed; missing ones aside. */
export interface Distance {
  /** What is counted: histograms on the bins that both share, the most frequent values, or histograms of lengths. */
  readonly of: 'histogram' | 'values' | 'lengths'
  readonly psi: number
  /** To base 2: 0 to 1. */
  readonly jensenShannon: number
  readonly shift: Shift
}

export interface ColumnComparison {
  readonly name: string
  /** `retyped`: the values of another kind cannot be compared. */
  readonly change: 'added' | 'removed' | 'retyped' | 'kept'
  readonly type: Change<string>
  /** Shares of rows, 0 to 1. */
  readonly missing: Change<number>
  readonly distinct: Change<number>
  readonly mean: Change<number>
  readonly std: Change<number>
  /** By QUANTILES: numbers, and ISO 8601 texts of times. */
  readonly quantiles: Change<readonly (number | string | null)[]>
  readonly distance: Distance | null
}

export interface ProfileComparison {
  readonly rows: Change<number>
  readonly duplicates: Change<number>
  /** Those of `to` in their order, then those that it has no longer. */
  readonly columns: readonly ColumnComparison[]
  readonly alerts: { readonly appeared: readonly Alert[]; readonly gone: readonly Alert[] }
}

/** Shared bins for distances: fewer than a histogram has, so that small tables do not differ by chance alone. */
export const COMPARED_BINS = 20

/** What the values of one version are otherwise than those of another, by their profiles alone. */
export function compareProfiles(from: Profile, to: Profile): ProfileComparison {
  const before = new Map(from.columns.map(column => [column.name, column]))
  const after = new Set(to.columns.map(({ name }) => name))
  const [alertsBefore, alertsAfter] = [alertsOf(from), alertsOf(to)]
  return {
    rows: { from: from.rows, to: to.rows },
    duplicates: { from: from.duplicates, to: to.duplicates },
    columns: [
      ...to.columns.map(column => compareColumn(before.get(column.name), column, from.rows, to.rows)),
      ...from.columns
        .filter(({ name }) => !after.has(name))
        .map(column => compareColumn(column, undefined, from.rows, to.rows)),
    ],
    alerts: { appeared: without(alertsAfter, alertsBefore), gone: without(alertsBefore, alertsAfter) },
  }
}

function compareColumn(
  from: ColumnProfile | undefined,
  to: ColumnProfile | undefined,
  rowsBefore: number,
  rowsAfter: number,
): ColumnComparison {
  const both = <T>(of: (column: ColumnProfile) => T | null | undefined): Change<T> => ({
    from: (from && of(from)) ?? null,
    to: (to && of(to)) ?? null,
  })
  const share = (column: ColumnProfile | undefined, rows: number): number | null =>
    column === undefined || rows === 0 ? null : missingOf(column) / rows
  const isSameKind = from !== undefined && to !== undefined && kindOf(from) === kindOf(to)
  const kept = isSameKind ? 'kept' : 'retyped'
  return {
    name: (to ?? from)!.name,
    change: from === undefined ? 'added' : to === undefined ? 'removed' : kept,
    type: both(({ type }) => type),
    missing: { from: share(from, rowsBefore), to: share(to, rowsAfter) },
    distinct: both(({ distinct }) => distinct),
    mean: both(({ numeric }) => numeric?.mean),
    std: both(({ numeric }) => numeric?.std),
    quantiles: both(({ numeric, temporal }) => numeric?.quantiles ?? temporal?.quantiles),
    distance: isSameKind ? distanceOf(from, to) : null,
  }
}

/** Integers and other numbers are compared with each other. */
function kindOf({ kind }: ColumnProfile): string {
  return kind === 'integer' ? 'number' : kind
}

function distanceOf(from: ColumnProfile, to: ColumnProfile): Distance | null {
  if (from.histogram !== null && to.histogram !== null && from.kind !== 'string') {
    const bins = sharedBins(from.histogram, to.histogram, COMPARED_BINS)
    return distance('histogram', bins.from, bins.to)
  }
  if (from.kind !== 'string' && from.kind !== 'boolean' && from.kind !== 'other') return null
  const values = sharedValues(from, to)
  if (values !== null) return distance('values', values.from, values.to)
  if (from.histogram === null || to.histogram === null) return null
  const lengths = sharedBins(from.histogram, to.histogram, COMPARED_BINS)
  return distance('lengths', lengths.from, lengths.to)
}

function distance(of: Distance['of'], from: readonly number[], to: readonly number[]): Distance | null {
  const isFilled = (counts: readonly number[]): boolean => counts.some(count => count > 0)
  if (!isFilled(from) || !isFilled(to)) return null
  const psi = populationStabilityIndex(from.map((reference, i) => ({ reference, current: to[i]! })))
  const shift = psi > SHIFTS.large.value ? 'large' : psi > SHIFTS.moderate.value ? 'moderate' : 'none'
  return { of, psi, jensenShannon: jensenShannonDistance(from, to), shift }
}

function without(alerts: readonly Alert[], others: readonly Alert[]): Alert[] {
  const key = ({ kind, column, other }: Alert): string => JSON.stringify([kind, column, other ?? null])
  const known = new Set(others.map(key))
  return alerts.filter(alert => !known.has(key(alert)))
}
