import { executeChild, ParentClosePolicy, proxyActivities, workflowInfo } from '@temporalio/workflow'
import type { ScheduleActivities } from '../activities/schedules.js'
import type { SkippedTick, TickInput } from '../contracts/temporal/messages.js'
import { startOptions } from '../contracts/temporal/start-options.js'
import { ROWS } from './activity-presets.js'

const { acceptTick } = proxyActivities<ScheduleActivities>({ ...ROWS, scheduleToCloseTimeout: '1 hour' })

/**
 * One tick of a schedule: takes a run on, under an id that follows from the tick, and lives as long as the
 * run does, so that the schedule's overlap policy speaks of runs.
 */
export async function runOfTick<R>(input: TickInput): Promise<R | SkippedTick> {
  const tick = await acceptTick({ ...input, tickId: workflowInfo().workflowId })
  if ('skipped' in tick) return tick.skipped
  const { run, limits, ended } = tick
  // The same tick once more, as by a backfill: what it was for is done.
  if (ended) return ended.result as R
  const { type, input: work, options } = startOptions(run, limits)
  const { workflowIdConflictPolicy: _childrenHaveNone, ...childOptions } = options
  return executeChild(type, {
    ...childOptions,
    args: [work],
    // A tick that is terminated leaves its run alone; cancelling the tick cancels it.
    parentClosePolicy: ParentClosePolicy.ABANDON,
  }) as Promise<R>
}
