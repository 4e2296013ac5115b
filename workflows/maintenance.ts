import { proxyActivities } from '@temporalio/workflow'
import type {
  MaintenanceActivities,
  ReconcileInput,
  ReconcileResult,
  RetryResult,
} from '../activities/maintenance.js'
import { ROWS } from './activity-presets.js'

const { reconcileRuns, archiveHistories, retryDueRuns } = proxyActivities<MaintenanceActivities>({
  ...ROWS,
  startToCloseTimeout: '1 minute',
  // The next tick of the schedule is the retry.
  scheduleToCloseTimeout: '2 minutes',
})

/** Closes run rows whose workflow has ended without telling, and archives histories of what has ended. */
export async function reconcile(input: ReconcileInput): Promise<ReconcileResult & { archived: number }> {
  const result = await reconcileRuns(input)
  const { archived } = await archiveHistories(input)
  return { ...result, archived }
}

/** Starts failed runs again when their retry policy says so and their time has come. */
export async function superviseRetries(input: { project: string }): Promise<RetryResult> {
  return retryDueRuns(input)
}
