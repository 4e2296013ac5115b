import { canonicalJson, type Json } from '../canonical-json.js'
import type { MonitoringPolicy } from './monitoring-policy.js'
import { type WindowState, windowState } from './window-state.js'
import type { TimeWindow } from './windows.js'

/** The rows and labels of a window, told apart from all others by their content. */
export interface WindowContent {
  /** Rows that count: predictions of the window, mirrored and pinned ones excluded. */
  readonly rows: number
  readonly labelled: number
  /** Of ids, versions and outputs, whatever their order. */
  readonly rowsHash: string
  /** Of ids and labels. */
  readonly labelsHash: string
  /** Predictions that were dropped and not logged. */
  readonly dropped: number
}

/**
 * Canonical JSON of all that a window's assessment follows from: the same text, the same assessment. It is
 * hashed to see whether a window is due again, after late rows, corrected labels or another policy.
 */
export function windowBasis(
  window: TimeWindow,
  content: WindowContent,
  state: WindowState,
  policy: MonitoringPolicy,
): string {
  return canonicalJson({ content, policy, state, window } as unknown as Json)
}

/** Whether a window is in a state that is assessed without being asked for. */
export function isAssessedByItself(state: WindowState): boolean {
  return state === 'assessable' || state === 'too_few'
}

/** The state of a window under a policy, with the reason in words. */
export function stateOf(
  window: TimeWindow,
  { rows, labelled }: Pick<WindowContent, 'rows' | 'labelled'>,
  watermark: number | null,
  policy: MonitoringPolicy,
): { state: WindowState; reason: string } {
  return windowState(window, { rows, labelled }, watermark ?? -8.64e15, policy)
}
