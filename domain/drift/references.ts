import { MlforgeError } from '../errors.js'
import { utcDay } from './event-time.js'
import {
  DAY_MS,
  isoWeek,
  mondayOf,
  previousWindow,
  type TimeRange,
  type TimeWindow,
  type WindowSpec,
} from './windows.js'

/**
 * What a window is compared with: all training rows of the live version (`training`) or of a pinned one
 * (`version`), those of the same calendar period in other years (`sameSeason`), or the predictions of
 * the `windows` windows before it (`trailing`).
 */
export type Reference =
  | { readonly kind: 'training' | 'sameSeason' }
  | { readonly kind: 'trailing'; readonly windows: number }
  | { readonly kind: 'version'; readonly version: number }

/** Event times, in order and apart, of which rows exist. */
export interface Coverage {
  /** Of the training rows of the version whose data is the reference. */
  readonly training: readonly TimeRange[]
  /** Of the deployment's predictions. */
  readonly predictions: readonly TimeRange[]
}

/** Which rows to read, or why there are none. */
export type ReferenceRows =
  | {
      readonly status: 'selected'
      readonly from: 'training' | 'predictions'
      /** The model version whose training rows they are, where it is not the live one. */
      readonly version: number | null
      readonly ranges: readonly TimeRange[]
    }
  | { readonly status: 'not_assessed'; readonly reason: string }

/** A period of which less is there does not stand for its season. */
const SEASON_SHARE = 0.5

/**
 * The rows a reference selects for a window. A window is never compared with its own rows.
 * @throws MlforgeError invalid_request for `trailing` with no whole number of windows above 0
 */
export function referenceRows(
  reference: Reference,
  spec: WindowSpec,
  window: TimeWindow,
  coverage: Coverage,
): ReferenceRows {
  switch (reference.kind) {
    case 'training':
    case 'version': {
      const version = reference.kind === 'version' ? reference.version : null
      return selected('training', version, without(window, coverage.training), 'there is no training data')
    }
    case 'sameSeason': {
      const ranges = seasons(spec, window, coverage.training)
      return selected('training', null, ranges, `the training data has no period like ${window.id}`)
    }
    case 'trailing': {
      const { windows } = reference
      if (!Number.isInteger(windows) || windows < 1) {
        throw new MlforgeError(
          'invalid_request',
          `trailing(${windows}) needs a whole number of windows, at least 1.`,
        )
      }
      let first: TimeRange = window
      for (let back = 0; back < windows; back++) first = previousWindow(spec, first)
      const before = { start: first.start, end: window.start }
      const ranges = coverage.predictions.flatMap(range => overlap(range, before))
      return selected(
        'predictions',
        null,
        ranges,
        `there are no predictions in the ${windows} windows before it`,
      )
    }
  }
}

function selected(
  from: 'training' | 'predictions',
  version: number | null,
  ranges: readonly TimeRange[],
  otherwise: string,
): ReferenceRows {
  if (ranges.length === 0) return { status: 'not_assessed', reason: otherwise }
  return { status: 'selected', from, version, ranges }
}

/** The window's calendar period in each other year of the coverage, as far as it is covered. */
function seasons(spec: WindowSpec, window: TimeWindow, coverage: readonly TimeRange[]): TimeRange[] {
  const first = coverage[0]
  const last = coverage.at(-1)
  if (first === undefined || last === undefined) return []
  const ranges: TimeRange[] = []
  // A week or a long window may belong to the year before or after that of its first day.
  const until = new Date(last.end).getUTCFullYear() + 1
  for (let year = new Date(first.start).getUTCFullYear() - 1; year <= until; year++) {
    const period = inYear(spec, window, year)
    if (period === null || overlap(period, window).length > 0) continue
    const covered = coverage.flatMap(range => overlap(range, period))
    const length = covered.reduce((sum, { start, end }) => sum + end - start, 0)
    if (length >= SEASON_SHARE * (period.end - period.start)) ranges.push(...covered)
  }
  return ranges
}

/** The same period in another year; null where the year has none (29 February, ISO week 53). */
function inYear(spec: WindowSpec, window: TimeWindow, year: number): TimeRange | null {
  const date = new Date(window.start)
  switch (spec.every) {
    case 'week': {
      const start = mondayOf(year, isoWeek(window.start).week)
      return start === null ? null : { start, end: start + 7 * DAY_MS }
    }
    case 'month':
      return { start: utcDay(year, date.getUTCMonth(), 1), end: utcDay(year, date.getUTCMonth() + 1, 1) }
    case 'day':
    case 'fixed': {
      const start =
        utcDay(year, date.getUTCMonth(), date.getUTCDate()) + (((window.start % DAY_MS) + DAY_MS) % DAY_MS)
      const exists = new Date(start).getUTCDate() === date.getUTCDate()
      return exists ? { start, end: start + window.end - window.start } : null
    }
  }
}

function overlap(one: TimeRange, other: TimeRange): TimeRange[] {
  const [start, end] = [Math.max(one.start, other.start), Math.min(one.end, other.end)]
  return start < end ? [{ start, end }] : []
}

function without(hole: TimeRange, ranges: readonly TimeRange[]): TimeRange[] {
  return ranges.flatMap(range => [
    ...overlap(range, { start: -Infinity, end: hole.start }),
    ...overlap(range, { start: hole.end, end: Infinity }),
  ])
}
