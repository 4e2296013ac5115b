import { executeChild, ParentClosePolicy, proxyActivities, workflowInfo } from '@temporalio/workflow'
import type { ScheduleActivities } from '../activities/schedules.js'
import type { ScheduledTrainingInput, TrainModelResult } from '../contracts/temporal/messages.js'
import { startOptions } from '../contracts/temporal/start-options.js'
import { ROWS } from './activity-presets.js'
import type { trainModel } from './train-model.js'

const { acceptTick } = proxyActivities<ScheduleActivities>({ ...ROWS, scheduleToCloseTimeout: '1 hour' })

/**
 * One tick of a schedule: takes a training on, under an id that follows from the tick, and lives
 * as long as the training does, so that the schedule's overlap policy speaks of trainings.
 */
export async function scheduledTraining(input: ScheduledTrainingInput): Promise<TrainModelResult> {
  const { run, limits } = await acceptTick({ ...input, tickId: workflowInfo().workflowId })
  const { type, input: training, options } = startOptions(run, limits)
  const { workflowIdConflictPolicy: _childrenHaveNone, ...childOptions } = options
  return executeChild<typeof trainModel>(type as 'trainModel', {
    ...childOptions,
    args: [training],
    // A tick that is terminated leaves its training alone; cancelling the tick cancels it.
    parentClosePolicy: ParentClosePolicy.ABANDON,
  })
}
