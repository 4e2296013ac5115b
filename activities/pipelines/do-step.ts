import { Context } from '@temporalio/activity'
import type { Logger } from 'pino'
import type { StepInput, StepOutcome, StepReport } from '../../contracts/temporal/pipelines.js'
import { type ErrorCode, isErrorCode, MlforgeError } from '../../domain/errors.js'
import { effectKey } from '../../domain/names.js'
import type { Effect } from '../../stores/postgres/ledger-store.js'
import { beatWhile } from '../heartbeats.js'
import type { Ports } from '../ports.js'
import { withScratch } from '../scratch.js'
import type { ReadStep } from './read-step.js'
import type { StepContext, StepResult, StepRunner } from './step-context.js'
import { StepLog } from './step-log.js'
import { type IdentityOf, knownOutcome, memoKey } from './step-memo.js'
import {
  attempt,
  boundedOutcome,
  finishStep,
  type StepFinish,
  type StepPorts,
  takeStep,
} from './step-work.js'

export type DoStepPorts = StepPorts &
  Pick<Ports, 'scratch' | 'stepLogs'> & { readonly logger: Pick<Logger, 'warn'> }

/** How a step is done that ends within its activity. */
export interface StepKind {
  readonly run: StepRunner
  /** See memoKey. */
  readonly identityOf?: IdentityOf
}

/** Timers of Node.js wait no longer. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

/** Does a step of a pipeline once: a finished one answers from the ledger, an equal one from its memo. */
export async function doStep(ports: DoStepPorts, input: StepInput, kind: StepKind): Promise<StepReport> {
  const { step, begun } = await takeStep(ports, input)
  if ('report' in begun) return begun.report
  const { fence } = begun
  return attempt(ports, input, step, begun, async () => {
    const memo = await memoKey(input, step, kind.identityOf)
    const known = memo === null ? null : await knownOutcome(ports, input, step, memo)
    if (known) return finishStep(ports, input, fence, { effect: () => Promise.resolve(known), memo: null })
    const log = new StepLog(ports.stepLogs, keyOf(input), ports.logger)
    try {
      const result = await work(ports, input, step, kind.run, line => log.log(line))
      const effect = await effectOf(ports, input, result)
      const alongside = await archived(ports, input, log)
      return await finishStep(ports, input, fence, { effect, memo, ...(alongside ? { alongside } : {}) })
    } catch (error) {
      log.log(error instanceof Error ? error.message : String(error))
      await log.close()
      throw error
    }
  })
}

const keyOf = ({ runId, step, generation }: StepInput) => ({ runId, step, generation })

/** The whole log as one object, known from the transaction on that ends the step. It never fails the step. */
async function archived(
  ports: DoStepPorts,
  input: StepInput,
  log: StepLog,
): Promise<StepFinish['alongside'] | null> {
  try {
    const { content, remove } = await log.archive(ports, input.project)
    return async transaction => {
      await remove(transaction)
      return { log: content?.uri ?? null }
    }
  } catch (error) {
    ports.logger.warn({ ...keyOf(input), error: String(error) }, 'the log of a step stays in its rows')
    return null
  }
}

/** Within its time: the deadline of a try is the step's, so that it counts as one. */
async function work(
  { scratch }: DoStepPorts,
  input: StepInput,
  { spec, type, inputs }: ReadStep,
  run: StepRunner,
  log: StepContext['log'],
): Promise<StepResult | Effect<StepResult>> {
  const { project, name: pipeline, runId, step } = input
  const seconds = spec.timeoutSeconds ?? type.timeoutSeconds
  const deadline = AbortSignal.timeout(Math.min(seconds * 1000, LONGEST_TIMER_MS))
  const signal = AbortSignal.any([Context.current().cancellationSignal, deadline])
  try {
    return await withScratch(scratch, directory =>
      beatWhile(`step ${step}`, () =>
        run({
          project,
          pipeline,
          runId,
          step,
          effectKey: effectKey(input, step),
          inputs,
          directory,
          signal,
          log,
        }),
      ),
    )
  } catch (error) {
    if (!deadline.aborted) throw error
    throw new MlforgeError('timed_out', `Step "${step}" took longer than its ${seconds} seconds.`)
  }
}

/** What is refused is an answer that ends the step; everything else is committed with its outcome. */
async function effectOf(
  ports: DoStepPorts,
  { project, step }: StepInput,
  result: StepResult | Effect<StepResult>,
): Promise<Effect<StepOutcome>> {
  if (typeof result !== 'function') {
    const outcome = await boundedOutcome(ports, project, accepted(step, result))
    return () => Promise.resolve(outcome)
  }
  return async transaction => accepted(step, await result(transaction))
}

function accepted(
  step: string,
  result: StepResult,
): StepOutcome & { readonly outputs: StepContext['inputs'] } {
  if (!('refused' in result)) return result
  const { code, message, details } = result.refused
  const known: ErrorCode = isErrorCode(code) ? code : 'internal'
  throw new MlforgeError(known, message, { ...details, step })
}
