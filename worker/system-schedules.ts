import {
  type Client,
  isGrpcServiceError,
  ScheduleAlreadyRunning,
  ScheduleNotFoundError,
  ScheduleOverlapPolicy,
} from '@temporalio/client'
import { TypedSearchAttributes } from '@temporalio/common'
import type { Config } from '../config/config.js'
import { WORKFLOWS } from '../contracts/temporal/messages.js'
import { QUEUES } from '../contracts/temporal/queues.js'
import { searchAttributes } from '../contracts/temporal/search-attributes.js'

/** How often it is looked for versions that whoever made them has not published. */
const DATA_SECONDS = 60
/** A schedule that says nothing of itself for so long, so many times, will not say anything any more. */
const ANSWER_MS = 5_000
const LOOKS = 3
/** gRPC's code. */
const UNAVAILABLE = 14

/** The schedules that look after what nobody waits for. Made, or made equal to the configuration, when a worker starts. */
export async function ensureSystemSchedules(client: Client, config: Config): Promise<void> {
  const schedules: readonly (readonly [type: string, everySeconds: number, summary: string])[] = [
    [
      WORKFLOWS.reconcile,
      config.reconcile.intervalSeconds,
      'Close run rows that nobody else will, archive histories',
    ],
    [
      WORKFLOWS.superviseRetries,
      config.retries.intervalSeconds,
      'Start failed runs again when their policy says so',
    ],
    [
      WORKFLOWS.superviseWindows,
      config.monitoring.intervalSeconds,
      'Check windows of predictions that have something new to say',
    ],
    [
      WORKFLOWS.superviseLabels,
      config.labels.intervalSeconds,
      'Match labels with predictions, report labels without one',
    ],
    [
      WORKFLOWS.followAliases,
      config.rollouts.followEverySeconds,
      'Roll out versions that aliases have come to name',
    ],
    [
      WORKFLOWS.compactPredictions,
      config.compaction.intervalSeconds,
      'Merge small files of the prediction log',
    ],
    [WORKFLOWS.superviseData, DATA_SECONDS, 'Write new versions of datasets to the object store'],
  ]
  await Promise.all(
    schedules.map(([type, everySeconds, summary]) =>
      ensure(client, config.project, type, everySeconds, summary),
    ),
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
  const handle = client.schedule.getHandle(scheduleId)
  /** False where there is one. */
  const create = async (): Promise<boolean> => {
    try {
      await client.schedule.create({ scheduleId, ...definition })
      return true
    } catch (error) {
      if (error instanceof ScheduleAlreadyRunning) return false
      throw error
    }
  }
  if (await create()) return
  if (await answers(client, scheduleId)) {
    await handle.update(current => ({ ...definition, state: current.state }))
    return
  }
  // It goes through the ticks that it has missed one by one, in one task: those of some days are too many
  // for the time that a task may take, and it is tried again for ever. What it missed nobody needs. Another
  // worker may do the same right now.
  await handle.delete().catch((error: unknown) => {
    if (!(error instanceof ScheduleNotFoundError)) throw error
  })
  await create()
}

/** @throws where Temporal itself cannot be asked */
async function answers(client: Client, scheduleId: string): Promise<boolean> {
  const handle = client.schedule.getHandle(scheduleId)
  for (let look = 1; look <= LOOKS; look++) {
    try {
      await client.withDeadline(Date.now() + ANSWER_MS, () => handle.describe())
      return true
    } catch (error) {
      const { cause } = error as Error
      if (isGrpcServiceError(cause) && cause.code === UNAVAILABLE) throw error
    }
  }
  return false
}
