import { proxyActivities } from '@temporalio/workflow'
import type { DueActivities } from '../activities/drift-due.js'
import type { DueWindows } from '../contracts/temporal/monitoring.js'
import { ROWS } from './activity-presets.js'

const { checkDueWindows } = proxyActivities<DueActivities>({
  ...ROWS,
  startToCloseTimeout: '4 minutes',
  heartbeatTimeout: '30 seconds',
  // The next tick of the schedule is the retry.
  scheduleToCloseTimeout: '4 minutes',
})

/** Takes on checks of the windows that have something new to say. */
export async function superviseWindows(input: { project: string }): Promise<DueWindows> {
  return checkDueWindows(input)
}
