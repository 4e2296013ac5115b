import { proxyActivities } from '@temporalio/workflow'
import type { LabelActivities } from '../activities/labels.js'
import type { LabelsLookedFor } from '../contracts/temporal/monitoring.js'
import { ROWS } from './activity-presets.js'

const { lookForLabels } = proxyActivities<LabelActivities>({
  ...ROWS,
  startToCloseTimeout: '4 minutes',
  heartbeatTimeout: '30 seconds',
  // The next tick of the schedule is the retry.
  scheduleToCloseTimeout: '4 minutes',
})

/** Labels find their predictions; those that were held for too long without one are reported. */
export async function superviseLabels(input: { project: string }): Promise<LabelsLookedFor> {
  return lookForLabels(input)
}
