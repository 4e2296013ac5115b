import {
  type ActivityExecuteInput,
  type ActivityInterceptors,
  type ActivityInterceptorsFactory,
  type Next,
  type ActivityInboundCallsInterceptor,
} from '@temporalio/worker'
import { CancelledFailure, type Context } from '@temporalio/activity'
import type { Logger } from 'pino'
import { toFailure } from '../activities/failures.js'
import { MlforgeError } from '../domain/errors.js'
import { traced } from '../stores/lineage-scope.js'
import { boundedMessage } from '../domain/runs/bounded-failure.js'

/** Histories carry references: what is larger than this belongs into the object store. */
export const MAX_PAYLOAD_BYTES = 64 * 1024

export interface InterceptorOptions {
  readonly logger: Logger
  /** Tries of one activity after which an error of ours is the answer; a lost worker alone never is. */
  readonly activityAttempts: number
}

/** Nobody else can say how a run goes on: these are tried until their store is back. */
const NEVER_GIVE_UP = [
  'recordRun',
  'endedRuns',
  'awaitEnded',
  'acceptTick',
  'takeOnChecks',
  'lookAtRollout',
  'awaitRolloutChange',
  'recordDecisions',
  'setPlan',
  'promoteVersion',
  'resumeIncident',
  'lookAtIncident',
  'awaitIncidentChange',
  'recordIncident',
  'startRetraining',
  'startIncidentRollout',
  'trainRetrained',
  'rollOutRetrained',
  'planPipeline',
  'planMap',
  'recordSteps',
  'cancelRuns',
  'takeTurn',
  'awaitSlots',
  'leaveQueue',
]

/**
 * Errors become failures with stable codes, payloads stay small, every line says whose it is, and what a step has
 * read and written is committed with it.
 */
export function activityInterceptors(options: InterceptorOptions): ActivityInterceptorsFactory {
  return (context: Context): ActivityInterceptors => ({
    inbound: { execute: (input, next) => execute(options, context, input, next) },
  })
}

async function execute(
  { logger, activityAttempts }: InterceptorOptions,
  context: Context,
  input: ActivityExecuteInput,
  next: Next<ActivityInboundCallsInterceptor, 'execute'>,
): Promise<unknown> {
  const { activityType, workflowExecution, attempt } = context.info
  const log = logger.child({
    workflowId: workflowExecution?.workflowId,
    executionId: workflowExecution?.runId,
    activityType,
    attempt,
  })
  const started = performance.now()
  try {
    assertSmall('input', activityType, input.args)
    const result = await traced(() => next(input))
    assertSmall('result', activityType, result)
    log.debug({ ms: Math.round(performance.now() - started) }, 'activity done')
    return result
  } catch (error) {
    const { aborted } = context.cancellationSignal
    const lastAttempt = attempt >= activityAttempts && !NEVER_GIVE_UP.includes(activityType)
    const failure = aborted ? cancelled(error) : toFailure(error, lastAttempt)
    const ms = Math.round(performance.now() - started)
    if (aborted) log.info({ ms }, 'activity stopped')
    else log.warn({ error: error instanceof Error ? error.message : String(error), ms }, 'activity failed')
    throw failure
  }
}

/**
 * Work that was told to stop ends in whatever error its libraries throw; what it means is that it
 * stopped. Temporal makes a cancellation of it, or a new attempt where a worker shuts down.
 */
function cancelled(error: unknown): unknown {
  if (error instanceof CancelledFailure) return error
  const message = error instanceof Error ? error.message : String(error)
  return new CancelledFailure(boundedMessage(message), [], error instanceof Error ? error : undefined)
}

function assertSmall(what: string, activity: string, value: unknown): void {
  const bytes = Buffer.byteLength(JSON.stringify(value) ?? '')
  if (bytes <= MAX_PAYLOAD_BYTES) return
  throw new MlforgeError(
    'payload_too_large',
    `The ${what} of activity ${activity} has ${bytes} bytes, more than ${MAX_PAYLOAD_BYTES}. Store it as an object and pass the reference.`,
  )
}
