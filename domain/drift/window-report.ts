import { type RegressionMetrics, regressionMetrics } from '../training/metrics.js'
import { assessErrors, type ErrorAssessment } from './breach.js'
import { assessColumn, type ColumnDrift, type DriftColumn, type NoReference } from './columns.js'
import type { MonitoringPolicy } from './monitoring-policy.js'
import { errorsByQuartile, type QuartileErrors } from './quartiles.js'
import type { Reference } from './references.js'
import { categoricalSample, numericSample, type Sample } from './samples.js'
import type { WindowState } from './window-state.js'
import type { TimeRange, TimeWindow } from './windows.js'

/** Predictions that were dropped instead of logged, in epoch milliseconds of event time. */
export interface WindowGap {
  readonly from: number
  readonly to: number
  readonly dropped: number
}

/** What is known of a window before its columns are read. */
export interface WindowFacts {
  readonly deployment: string
  readonly model: string
  readonly window: TimeWindow
  readonly policy: MonitoringPolicy
  readonly state: WindowState
  readonly reason: string
  /** Newest ingested event time of the deployment, epoch milliseconds; null without any. */
  readonly watermark: number | null
  readonly gaps: readonly WindowGap[]
}

/** The answered rows of a window, as far as its errors are told from them. Missing values are NaN. */
export interface WindowValues {
  readonly output: ArrayLike<number>
  readonly label: ArrayLike<number>
  readonly version: ArrayLike<number>
  readonly versions: readonly { readonly version: number; readonly rows: number; readonly share: number }[]
  /** Of the feature that the policy shows errors by; null where it names none or no row has it. */
  readonly quartilesOf: ArrayLike<number> | null
}

/** What the window is compared with, or why there is nothing. */
export type ReferenceFacts = { readonly of: Reference } & (
  | NoReference
  | {
      /** The model version whose training rows they are; null where they are predictions. */
      readonly version: number | null
      readonly ranges: readonly TimeRange[]
      readonly rows: number
    }
)

export interface VersionErrors {
  readonly version: number
  readonly rows: number
  readonly share: number
  readonly labelled: number
  /** Null without labelled rows. */
  readonly metrics: RegressionMetrics | null
}

export type ReferenceDescription = { readonly kind: Reference['kind']; readonly text: string } & (
  | { readonly status: 'not_assessed' }
  | {
      readonly status: 'selected'
      readonly version: number | null
      readonly rows: number
      readonly ranges: readonly TimeRange[]
    }
)

/** Everything that is said of a window, and from what: the content of a report. */
export interface WindowReport extends WindowFacts {
  readonly schema: 1
  readonly rows: number
  readonly labelled: number
  /** Null unless the window is assessable and its errors could be judged. */
  readonly breached: boolean | null
  /** Null unless the window is assessable. */
  readonly errors: ErrorAssessment | null
  readonly versions: readonly VersionErrors[]
  readonly quartiles: { readonly column: string; readonly groups: readonly QuartileErrors[] } | null
  readonly reference: ReferenceDescription
  /** Label and prediction first. Evidence: none of it decides about a breach. */
  readonly columns: readonly ColumnDrift[]
}

/**
 * Assesses a window by its errors, which alone decide about a breach. They are judged in an assessable
 * window only; columns are compared in any.
 *
 * @param columns what `compareColumn` has found of each of the policy's columns, in their order
 */
export function reportWindow(
  facts: WindowFacts,
  values: WindowValues,
  reference: ReferenceFacts,
  columns: readonly ColumnDrift[],
): WindowReport {
  const { policy, state } = facts
  const labelledRows = indexesOf(values.label, Number.isFinite)
  const [y, p] = [at(values.label, labelledRows), at(values.output, labelledRows)]
  const errors = state === 'assessable' ? assessErrors(y, p, policy.breach) : null
  const { quartilesOf } = policy
  const byQuartile = values.quartilesOf
  return {
    ...facts,
    schema: 1,
    rows: values.output.length,
    labelled: labelledRows.length,
    breached: errors?.breached ?? null,
    errors,
    versions: values.versions.map(each => versionErrors(each, values, labelledRows)),
    quartiles:
      quartilesOf === undefined || byQuartile === null || labelledRows.length === 0
        ? null
        : { column: quartilesOf, groups: errorsByQuartile(at(byQuartile, labelledRows), y, p) },
    reference: describeReference(reference),
    columns,
  }
}

/** The version that answered most of a window, the newer of two alike; null for a window without rows. */
export function dominantVersion(versions: WindowValues['versions']): number | null {
  const sorted = [...versions].sort((a, b) => b.rows - a.rows || b.version - a.version)
  return sorted[0]?.version ?? null
}

function versionErrors(
  { version, rows, share }: WindowValues['versions'][number],
  values: WindowValues,
  labelledRows: readonly number[],
): VersionErrors {
  const own = labelledRows.filter(row => values.version[row] === version)
  const metrics = own.length === 0 ? null : regressionMetrics(at(values.label, own), at(values.output, own))
  return { version, rows, share, labelled: own.length, metrics }
}

/**
 * A column of a window against that of the reference. Both are values in any order; null where no row has
 * the column, NaN where one lacks it. Rows that wait for their label say nothing about the labels.
 */
export function compareColumn(
  column: DriftColumn,
  current: ArrayLike<number> | null,
  reference: ArrayLike<number> | NoReference | null,
): ColumnDrift {
  if (current === null && column.role !== 'time') {
    const reason = 'no version that answered the window has it'
    return { column: column.name, role: column.role, status: 'not_assessed', reason }
  }
  return assessColumn(column, referenceSample(column, reference), sampleOf(column, current ?? []))
}

function referenceSample(
  column: DriftColumn,
  reference: ArrayLike<number> | NoReference | null,
): Sample | NoReference {
  if (reference === null) return { absent: 'the reference has no such column' }
  return 'absent' in reference ? reference : sampleOf(column, reference)
}

function sampleOf({ role, type }: DriftColumn, values: ArrayLike<number>): Sample {
  const counted = role === 'label' ? at(values, indexesOf(values, Number.isFinite)) : values
  if (type === 'numeric') return numericSample(counted)
  return categoricalSample(Array.from(counted, value => (Number.isNaN(value) ? null : value)))
}

function describeReference(reference: ReferenceFacts): ReferenceDescription {
  const { kind } = reference.of
  if ('absent' in reference) return { kind, status: 'not_assessed', text: reference.absent }
  const { version, ranges, rows } = reference
  return { kind, status: 'selected', text: wordsFor(reference.of, version), version, rows, ranges }
}

function wordsFor(of: Reference, version: number | null): string {
  switch (of.kind) {
    case 'training':
      return `all training rows of version ${version}`
    case 'version':
      return `all training rows of version ${version}, which the policy pins`
    case 'sameSeason':
      return `training rows of version ${version} from the same season of other years`
    case 'trailing':
      return `predictions of the ${of.windows} windows before`
  }
}

function indexesOf(values: ArrayLike<number>, wanted: (value: number) => boolean): number[] {
  const found: number[] = []
  for (let row = 0; row < values.length; row++) if (wanted(values[row]!)) found.push(row)
  return found
}

function at(values: ArrayLike<number>, rows: readonly number[]): Float64Array {
  return Float64Array.from(rows, row => values[row]!)
}
