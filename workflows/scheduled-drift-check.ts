import { ApplicationFailure, continueAsNew, proxyActivities, setCurrentDetails } from '@temporalio/workflow'
import type { DueActivities } from '../activities/drift-due.js'
import type { EndedRun } from '../contracts/temporal/messages.js'
import type { CheckedWindows, CheckTickInput, CheckTickResult } from '../contracts/temporal/monitoring.js'
import { ROWS } from './activity-presets.js'
import { allEnded } from './waiting.js'

const { takeOnChecks } = proxyActivities<DueActivities>({
  ...ROWS,
  startToCloseTimeout: '10 minutes',
  heartbeatTimeout: '30 seconds',
  scheduleToCloseTimeout: '1 hour',
})

/**
 * One tick of a schedule that checks a deployment: takes on all windows that are due, a few at a time, and
 * lives until their checks have ended, so that overlap and pause on failure speak of checks. Checks are runs
 * of their own: a tick that is cancelled leaves those that it has taken on.
 */
export async function scheduledDriftCheck({ carried, ...tick }: CheckTickInput): Promise<CheckTickResult> {
  let tally: CheckedWindows = carried ?? { checked: 0, failed: 0, after: null }
  for (;;) {
    const before = tally
    const { deployment, windows, runIds, after, limits } = await takeOnChecks({ ...tick, after: tally.after })
    show(deployment, tally, windows)
    if (runIds.length === 0) {
      if (tally.failure) throw failureOf(deployment, tally)
      return { deployment, checked: tally.checked }
    }
    // Cut in between, the same windows are looked at again: their runs are joined.
    const cut = () => continueAsNew<typeof scheduledDriftCheck>({ ...tick, carried: before })
    const summary = `checks of ${windows.join(', ')}`
    const ended = await allEnded({ project: tick.project, runIds, limits, summary, cut })
    const failed = ended.filter(({ status }) => status !== 'succeeded')
    const failure = tally.failure ?? (failed[0] && reasonOf(failed[0]))
    tally = {
      checked: tally.checked + ended.length,
      failed: tally.failed + failed.length,
      after,
      ...(failure ? { failure } : {}),
    }
  }
}

function failureOf(deployment: string, { checked, failed, failure }: CheckedWindows): ApplicationFailure {
  const message = `${failed} of ${checked} checks of deployment "${deployment}" failed; the first: ${failure!.message}`
  return ApplicationFailure.nonRetryable(message, failure!.code)
}

function reasonOf({ id, status, error }: EndedRun): { code: string; message: string } {
  if (error === null) return { code: 'internal', message: `check ${id} ended as ${status}` }
  return { code: error.code, message: error.message }
}

function show(deployment: string, { checked, failed }: CheckedWindows, windows: readonly string[]): void {
  const rows = [
    ['deployment', deployment],
    ['checked', `${checked} windows${failed === 0 ? '' : `, ${failed} of them failed`}`],
    ...(windows.length === 0 ? [] : [['now', windows.join(', ')]]),
  ]
  setCurrentDetails(
    ['| | |', '|---|---|', ...rows.map(([what, value]) => `| ${what} | ${value} |`)].join('\n'),
  )
}
