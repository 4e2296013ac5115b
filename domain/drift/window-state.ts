import type { TimeRange } from './windows.js'

/**
 * What can be said of a window: `open` until the watermark has passed its end, then `too_few` rows to
 * ever be assessed, `waiting_for_labels`, or `assessable`. Late rows and labels may change it again.
 */
export type WindowState = 'open' | 'waiting_for_labels' | 'assessable' | 'too_few'

export interface WindowPolicy {
  /** Fewest labelled rows an assessment rests on. */
  readonly minLabelled: number
  /** Smallest share of the rows that must be labelled, 0 to 1. */
  readonly minLabelledShare: number
}

export const DEFAULT_WINDOW_POLICY: WindowPolicy = { minLabelled: 500, minLabelledShare: 0.95 }

export interface WindowRows {
  /** Rows that count: predictions of the window, mirrored and pinned ones excluded. */
  readonly rows: number
  readonly labelled: number
}

/**
 * The state of a window, with the reason in words.
 * @param watermark event time, epoch milliseconds, up to which all predictions are known
 */
export function windowState(
  window: TimeRange,
  { rows, labelled }: WindowRows,
  watermark: number,
  policy: WindowPolicy = DEFAULT_WINDOW_POLICY,
): { state: WindowState; reason: string } {
  const { minLabelled, minLabelledShare } = policy
  if (watermark < window.end) {
    const [end, now] = [window.end, watermark].map(time => new Date(time).toISOString())
    return { state: 'open', reason: `ends ${end}; predictions are known until ${now}` }
  }
  if (rows < minLabelled) return { state: 'too_few', reason: `${rows} rows, fewer than ${minLabelled}` }
  const share = rows === 0 ? 1 : labelled / rows
  const labels = `${labelled} of ${rows} rows are labelled`
  if (labelled < minLabelled) {
    return { state: 'waiting_for_labels', reason: `${labels}, fewer than ${minLabelled}` }
  }
  if (share < minLabelledShare) {
    return { state: 'waiting_for_labels', reason: `${labels}, less than ${100 * minLabelledShare} %` }
  }
  return { state: 'assessable', reason: labels }
}
