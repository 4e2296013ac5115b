import type { WindowAssessment } from '../../../domain/drift/assessments.js'
import { parseEventTime } from '../../../domain/drift/event-time.js'
import { nextWindow, type TimeWindow, windowContaining } from '../../../domain/drift/windows.js'

/** What is said of a window: judged, judged to be neither, or the state it is in. */
export type Say = 'breached' | 'healthy' | 'not_judged' | 'open' | 'waiting_for_labels' | 'too_few'

const month = { every: 'month' } as const

/** Consecutive months from the first, such as `2012-01`. */
export function months(
  first: string,
  said: readonly Say[],
  labelled: readonly number[] = [],
  versions: readonly (readonly number[])[] = [],
): WindowAssessment[] {
  let window: TimeWindow = windowContaining(month, parseEventTime(`${first}-01`))
  return said.map((word, index) => {
    if (index > 0) window = nextWindow(month, window)
    const judged = word === 'breached' || word === 'healthy'
    return {
      window,
      revision: 1,
      state: judged || word === 'not_judged' ? 'assessable' : word,
      breached: judged ? word === 'breached' : null,
      labelled: labelled[index] ?? 700,
      versions: versions[index] ?? [1],
    }
  })
}
