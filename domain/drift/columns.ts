import type { ColumnType } from '../datasets/schema.js'
import { rowsOf, type Sample, type SampleType } from './samples.js'
import { type Bin, binned } from './statistics/bins.js'
import { type Statistic, STATISTICS, type StatisticName } from './statistics/registry.js'

/** What a column is to the model. `time` says when, such as month or hour: it differs by definition. */
export type ColumnRole = 'feature' | 'prediction' | 'label' | 'time'

export interface DriftColumn {
  readonly name: string
  readonly role: ColumnRole
  readonly type: SampleType
}

/** Other thresholds than the statistics' own. */
export type Thresholds = Readonly<Partial<Record<StatisticName, number>>>

export interface TestResult {
  readonly statistic: StatisticName
  readonly score: number | null
  readonly threshold: number
  readonly drifted: boolean
  /** The test's statistic, where the score is its p-value. */
  readonly value?: number
  readonly reason?: string
}

export type ColumnDrift = { readonly column: string; readonly role: ColumnRole } & (
  | { readonly status: 'not_tested' | 'not_assessed'; readonly reason: string }
  | {
      readonly status: 'assessed'
      /** What the first test says; p-values of many rows find differences that do not matter. */
      readonly drifted: boolean
      readonly tests: readonly TestResult[]
      readonly bins: readonly Bin[]
      readonly rows: { readonly reference: number; readonly current: number }
    }
)

/** A reference that is not there, and why. */
export interface NoReference {
  readonly absent: string
}

/** How values of a type are compared; null for moments, which are columns of the role `time`. */
export function sampleTypeOf(type: ColumnType): SampleType | null {
  switch (type) {
    case 'integer':
    case 'number':
      return 'numeric'
    case 'string':
    case 'boolean':
      return 'categorical'
    case 'date':
    case 'timestamp':
      return null
  }
}

/** The tests of a column, the deciding one first; none for the role `time`. */
export function testsFor(column: DriftColumn): StatisticName[] {
  if (column.role === 'time') return []
  const names = Object.keys(STATISTICS) as StatisticName[]
  return names.filter(name => (STATISTICS[name] as Statistic).types.includes(column.type))
}

/**
 * Compares a column of a window with its reference. A column is `not_tested` by its role, and
 * `not_assessed` where reference or window have nothing to compare; never silently left out.
 *
 * @throws RangeError when a sample is not of the column's type
 */
export function assessColumn(
  column: DriftColumn,
  reference: Sample | NoReference,
  current: Sample,
  thresholds: Thresholds = {},
): ColumnDrift {
  const { name, role } = column
  const without = (status: 'not_tested' | 'not_assessed', reason: string): ColumnDrift => ({
    column: name,
    role,
    status,
    reason,
  })
  if (role === 'time') return without('not_tested', 'the column says when, which differs by definition')
  if ('absent' in reference) return without('not_assessed', reference.absent)
  if (reference.type !== column.type || current.type !== column.type) {
    throw new RangeError(`column ${name} is ${column.type}, not ${reference.type} and ${current.type}`)
  }
  const rows = { reference: rowsOf(reference), current: rowsOf(current) }
  if (rows.reference === 0) return without('not_assessed', 'the reference has no rows')
  if (rows.current === 0) return without('not_assessed', 'the window has no rows')
  const bins = binned(reference, current)
  const tests = testsFor(column).map((statistic): TestResult => {
    const { measure, driftedWhen, threshold: usual }: Statistic = STATISTICS[statistic]
    const { score, statistic: value, reason } = measure({ reference, current, bins })
    const threshold = thresholds[statistic] ?? usual
    const drifted = score !== null && (driftedWhen === 'above' ? score > threshold : score < threshold)
    return {
      statistic,
      score,
      threshold,
      drifted,
      ...(value !== undefined && { value }),
      ...(reason !== undefined && { reason }),
    }
  })
  return { column: name, role, status: 'assessed', drifted: tests[0]!.drifted, tests, bins, rows }
}
