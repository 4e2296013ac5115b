import { proxyActivities } from '@temporalio/workflow'
import type { CompactionActivities } from '../activities/compaction.js'
import type { CompactionResult } from '../contracts/temporal/compaction.js'
import { ROWS } from './activity-presets.js'

const activities = proxyActivities<CompactionActivities>({
  ...ROWS,
  startToCloseTimeout: '4 minutes',
  heartbeatTimeout: '30 seconds',
  // The next tick of the schedule is the retry.
  scheduleToCloseTimeout: '4 minutes',
})

/** Makes few large files of the many small ones that the prediction log is ingested into. */
export async function compactPredictions(input: { project: string }): Promise<CompactionResult> {
  return activities.compactPredictions(input)
}
