import { proxyActivities } from '@temporalio/workflow'
import type { FollowingActivities, FollowResult } from '../activities/following.js'
import { ROWS } from './activity-presets.js'

const { followAliases: follow } = proxyActivities<FollowingActivities>({
  ...ROWS,
  startToCloseTimeout: '1 minute',
  heartbeatTimeout: '30 seconds',
  // The next tick of the schedule is the retry.
  scheduleToCloseTimeout: '2 minutes',
})

/** Starts the rollouts that moves of aliases ask for, in deployments that follow one. */
export async function followAliases(input: { project: string }): Promise<FollowResult> {
  return follow(input)
}
