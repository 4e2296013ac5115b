import { ActivityCancellationType, type ActivityOptions } from '@temporalio/workflow'
import type { RunLimits } from '../contracts/temporal/messages.js'
import type { PlannedStep } from '../contracts/temporal/pipelines.js'
import { QUEUES } from '../contracts/temporal/queues.js'
import { stepType } from '../domain/pipelines/step-types.js'

// Application errors are bounded by the worker's interceptor, which counts attempts and knows the
// codes; losing a worker is not the work's fault and is bounded by time alone.

// A cancelled run waits for its activity to say that it has stopped: what is committed is then known,
// and no child process outlives the row that says cancelled.
const cancellationType = ActivityCancellationType.WAIT_CANCELLATION_COMPLETED

/** Writes of single rows: they never give up, since nobody else can say how the run ended. */
export const ROWS: ActivityOptions = {
  taskQueue: QUEUES.io,
  startToCloseTimeout: '15 seconds',
  retry: { initialInterval: '500 milliseconds', maximumInterval: '10 seconds' },
}

/** Waiting for a change. Where nobody serves the queue, whoever waits looks without it. */
export function watch(limits: RunLimits): ActivityOptions {
  return {
    taskQueue: QUEUES.watch,
    scheduleToStartTimeout: '1 minute',
    startToCloseTimeout: '15 minutes',
    heartbeatTimeout: `${limits.heartbeatTimeoutSeconds} seconds`,
    // It holds nothing that would have to be given back first.
    cancellationType: ActivityCancellationType.TRY_CANCEL,
    retry: { initialInterval: '500 milliseconds', maximumInterval: '10 seconds' },
  }
}

/** A look at a source: of files, as long as their content takes to be read. */
export function sourceLook(limits: RunLimits): ActivityOptions {
  return {
    taskQueue: QUEUES.io,
    startToCloseTimeout: '30 minutes',
    heartbeatTimeout: `${limits.heartbeatTimeoutSeconds} seconds`,
    cancellationType,
    retry: { initialInterval: '500 milliseconds', maximumInterval: '30 seconds' },
  }
}

/** Reading, converting and committing data. */
export function dataWork(limits: RunLimits): ActivityOptions {
  return {
    taskQueue: QUEUES.io,
    startToCloseTimeout: '1 hour',
    scheduleToCloseTimeout: '6 hours',
    heartbeatTimeout: `${limits.heartbeatTimeoutSeconds} seconds`,
    cancellationType,
    retry: { initialInterval: '1 second', maximumInterval: '30 seconds' },
  }
}

/** The same of work that goes on from where it was when it is tried again: however much it is, it ends. */
export function longDataWork(limits: RunLimits): ActivityOptions {
  return { ...dataWork(limits), startToCloseTimeout: '6 hours', scheduleToCloseTimeout: '7 days' }
}

/** Training, evaluation and export, each in a child process of a train worker. */
export function engineWork(limits: RunLimits): ActivityOptions {
  return {
    taskQueue: QUEUES.train,
    startToCloseTimeout: '3 days',
    scheduleToCloseTimeout: '7 days',
    heartbeatTimeout: `${limits.heartbeatTimeoutSeconds} seconds`,
    cancellationType,
    retry: { initialInterval: '1 second', maximumInterval: '30 seconds' },
  }
}

/** A step of a pipeline: it watches its own time, so that a try that took too long counts as one. */
export function stepWork(
  step: Pick<PlannedStep, 'uses' | 'timeoutSeconds'>,
  limits: RunLimits,
): ActivityOptions {
  const work = stepType(step.uses)?.work
  return {
    taskQueue: work === 'compute' ? QUEUES.train : QUEUES.io,
    // What a run of its own or a wait takes is not its activity's.
    startToCloseTimeout:
      work === 'run' || work === 'wait' ? '2 minutes' : `${stepSeconds(step) + 60} seconds`,
    heartbeatTimeout: `${limits.heartbeatTimeoutSeconds} seconds`,
    cancellationType,
    retry: { initialInterval: '1 second', maximumInterval: '30 seconds' },
  }
}

/** The time of a try of a step. */
export function stepSeconds({ uses, timeoutSeconds }: Pick<PlannedStep, 'uses' | 'timeoutSeconds'>): number {
  return timeoutSeconds ?? stepType(uses)?.timeoutSeconds ?? 0
}
