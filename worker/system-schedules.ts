import { type Client, ScheduleAlreadyRunning, ScheduleOverlapPolicy } from '@temporalio/client'
import { TypedSearchAttributes } from '@temporalio/common'
import type { Config } from '../config/config.js'
import { WORKFLOWS } from '../contracts/temporal/messages.js'
import { QUEUES } from '../contracts/temporal/queues.js'
import { searchAttributes } from '../contracts/temporal/search-attributes.js'

/** The schedules that look after runs. Made, or made equal to the configuration, when a worker starts. */
export async function ensureSystemSchedules(client: Client, config: Config): Promise<void> {
  const { project } = config
  await ensure(
    client,
    project,
    WORKFLOWS.reconcile,
    config.reconcile.intervalSeconds,
    'Close run rows that nobody else will, archive histories',
  )
  await ensure(
    client,
    project,
    WORKFLOWS.superviseRetries,
    config.retries.intervalSeconds,
    'Start failed runs again when their policy says so',
  )
  await ensure(
    client,
    project,
    WORKFLOWS.superviseWindows,
    config.monitoring.intervalSeconds,
    'Check windows of predictions that have something new to say',
  )
  await ensure(
    client,
    project,
    WORKFLOWS.compactPredictions,
    config.compaction.intervalSeconds,
    'Merge small files of the prediction log',
  )
}

async function ensure(
  client: Client,
  project: string,
  type: string,
  everySeconds: number,
  summary: string,
): Promise<void> {
  const scheduleId = `${project}/system/${type}`
  const definition = {
    spec: { intervals: [{ every: everySeconds * 1000 }] },
    action: {
      type: 'startWorkflow' as const,
      workflowType: type,
      workflowId: scheduleId,
      taskQueue: QUEUES.workflows,
      args: [{ project }],
      // A tick that no worker takes is worth nothing once the next is due.
      workflowExecutionTimeout: 5 * 60_000,
      staticSummary: summary,
      typedSearchAttributes: new TypedSearchAttributes([
        { key: searchAttributes.project, value: project },
        { key: searchAttributes.kind, value: 'system' },
      ]),
    },
    policies: {
      overlap: ScheduleOverlapPolicy.SKIP,
      // What one tick missed the next one sees.
      catchupWindow: everySeconds * 1000,
      pauseOnFailure: false,
    },
  }
  try {
    await client.schedule.create({ scheduleId, ...definition })
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error
    await client.schedule.getHandle(scheduleId).update(current => ({ ...definition, state: current.state }))
  }
}
