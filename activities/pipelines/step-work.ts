import { Context } from '@temporalio/activity'
import { TemporalFailure } from '@temporalio/common'
import type { StepInput, StepOutcome, StepReport } from '../../contracts/temporal/pipelines.js'
import { canonicalJson, type Json } from '../../domain/canonical-json.js'
import { MlforgeError } from '../../domain/errors.js'
import { boundedMessage } from '../../domain/runs/bounded-failure.js'
import { compensatedBy } from '../../domain/pipelines/compensations.js'
import type { PipelineStep } from '../../stores/postgres/entities/pipeline.js'
import type { Fence } from '../../stores/postgres/leases.js'
import type { Effect, StepRef } from '../../stores/postgres/ledger-store.js'
import { copyEdges } from '../../stores/postgres/lineage-store.js'
import { isHeld, releaseIn } from '../../stores/postgres/pool-claims.js'
import { knownError, toFailure } from '../failures.js'
import { json } from '../objects.js'
import type { Ports } from '../ports.js'
import { type ReadStep, readStep } from './read-step.js'

// The life of a step around its work. Outcome, state and effects are committed together, by the latest
// worker that took the step. A try that failed is counted in the step's row: a worker that was lost costs
// none, nor does a store that did not answer.

export type StepPorts = Pick<Ports, 'runs' | 'ledger' | 'pipelineRuns' | 'pools' | 'objects' | 'wakes'>

/** Workers that were lost over one step, or stores, after which it is taken for the cause. */
const MOST_LOST = 20

const MAX_OUTPUT_BYTES = 32 * 1024

export interface BegunStep {
  readonly fence: Fence
  readonly row: PipelineStep
}

/**
 * A step of a run, with what it is given, and its writer: the caller, or nobody where it is finished, or waits
 * for slots of its pool.
 */
export interface TakenStep {
  readonly step: ReadStep
  readonly begun: { readonly report: StepReport } | BegunStep
}

/** Takes a step on. Stores that do not answer are asked until they do: it has not begun before. */
export async function takeStep(ports: StepPorts, input: StepInput): Promise<TakenStep> {
  try {
    const step = await readStep(ports, input)
    const queued = await askForSlots(ports, input, step)
    return { step, begun: queued ? { report: queued } : await beginStep(ports, input, step) }
  } catch (error) {
    const known = knownError(error)
    throw known.code === 'unavailable' ? toFailure(known, false) : known
  }
}

/** A step that needs slots of a pool begins once it has them. Says that it waits, or nothing where it does not. */
async function askForSlots(
  { pools }: StepPorts,
  { project, runId, step, generation }: StepInput,
  { spec: { pool } }: ReadStep,
): Promise<Extract<StepReport, { state: 'queued' }> | null> {
  if (!pool) return null
  const { name, slots } = pool
  const has = await pools.ask({ runId, step, generation }, { project, pool: name, slots })
  return has ? null : { state: 'queued', pool: name }
}

/**
 * Makes the caller the writer of the step, and shows it as under way. A step that works within its activity
 * counts its starts: those without an end are workers it has lost.
 */
async function beginStep(
  { ledger, pipelineRuns, wakes }: StepPorts,
  input: StepInput,
  { spec, inputs, type }: ReadStep,
): Promise<TakenStep['begun']> {
  const { activityId, attempt: activityAttempt } = Context.current().info
  const owner = `${input.step} (activity ${activityId}, attempt ${activityAttempt})`
  let row: PipelineStep | undefined
  const begun = await ledger.begin<StepOutcome>(refOf(input), owner, async transaction => {
    // Gone where a worker thought dead has ended the step after all: the next try finds how.
    if (spec.pool && !(await isHeld(transaction, input))) {
      throw new MlforgeError(
        'lease_lost',
        `Step "${input.step}" has lost its slots of pool "${spec.pool.name}".`,
      )
    }
    row = await pipelineRuns.begin(transaction, input, {
      attempt: input.attempt,
      counts: type.work === 'io' || type.work === 'compute',
      inputs,
    })
  })
  if ('outcome' in begun) return { report: reportOf(begun.outcome) }
  wakes.publish(input.runId)
  return { fence: begun.fence, row: row! }
}

/** Work on a step that has begun: what goes wrong becomes a failure with a code, counted as a try. */
export async function attempt(
  ports: StepPorts,
  input: StepInput,
  { spec, type }: ReadStep,
  { fence, row }: BegunStep,
  body: () => Promise<StepReport>,
): Promise<StepReport> {
  const { ledger, pipelineRuns, wakes } = ports
  try {
    const lost = row.starts - 1 - row.tries
    if (lost > MOST_LOST) {
      throw new MlforgeError(
        'step_poisonous',
        `Step "${input.step}" has begun ${lost} times without an end: its worker was lost, or a store did not answer. Look at what it does to them, then retry the run.`,
      )
    }
    return await body()
  } catch (error) {
    if (Context.current().cancellationSignal.aborted) {
      // Steps that are waited for count no starts.
      if (row.starts > 0)
        await ledger.fenced(fence, tx => pipelineRuns.handBack(tx, input)).catch(() => undefined)
      throw error
    }
    // Said already how it goes on, or another worker does it.
    if (error instanceof TemporalFailure) throw error
    const known = knownError(error)
    if (known.code === 'lease_lost') throw error
    const { code, message } = known
    const failure = { code, message: boundedMessage(message) }
    const counts = code !== 'unavailable'
    const tries = await ledger
      .fenced(fence, tx => pipelineRuns.failedTry(tx, input, failure, counts))
      .catch(() => undefined)
    wakes.publish(input.runId)
    const maxAttempts = spec.retry?.maxAttempts ?? type.maxAttempts
    throw toFailure(
      known,
      counts && tries !== undefined && tries >= maxAttempts,
      delayMs(known, spec.retry?.delaySeconds),
    )
  }
}

/** What is committed with the outcome of a step. */
export interface StepFinish {
  /** Makes the outcome, in the transaction that commits it. */
  readonly effect: Effect<StepOutcome>
  /** What equal outcomes are found by later; null where none may be taken over. */
  readonly memo: string | null
  /** More rows that end with the step. */
  readonly alongside?: Effect<{ readonly log: string | null }>
}

export async function finishStep(
  { ledger, pipelineRuns, wakes }: StepPorts,
  input: StepInput,
  fence: Fence,
  { effect, memo, alongside }: StepFinish,
): Promise<StepReport> {
  let granted: string[] = []
  const outcome = await ledger.finish<StepOutcome>(refOf(input), fence, async transaction => {
    const done = await effect(transaction)
    const more = await alongside?.(transaction)
    await pipelineRuns.succeed(transaction, input, more?.log ?? null)
    const undone = compensatedBy(input.step)
    if (undone !== null) await pipelineRuns.undo(transaction, input, undone)
    if (done.cachedFrom) await copyEdges(transaction, done.cachedFrom, input)
    if (memo !== null) await pipelineRuns.remember(transaction, input.project, memo, input)
    granted = await releaseIn(transaction, [input])
    return done
  })
  for (const runId of [input.runId, ...granted]) wakes.publish(runId)
  return reportOf(outcome)
}

/** An outcome whose outputs are kept as an object, and only named in the ledger, where they are large. */
export async function boundedOutcome(
  { objects }: Pick<StepPorts, 'objects'>,
  project: string,
  outcome: StepOutcome & { readonly outputs: Readonly<Record<string, Json>> },
): Promise<StepOutcome> {
  if (Buffer.byteLength(canonicalJson(outcome.outputs)) <= MAX_OUTPUT_BYTES) return outcome
  const { outputs, ...rest } = outcome
  return { ...rest, outputsAt: await json(objects, project, outputs) }
}

/** What the workflow is told of a finished step: never its outputs. */
function reportOf({ note, taken, cachedFrom }: StepOutcome): StepReport {
  return {
    state: 'succeeded',
    ...(note === undefined ? {} : { note }),
    ...(taken === undefined ? {} : { taken }),
    ...(cachedFrom ? { cached: true } : {}),
  }
}

/** Steps of a run are done at the same time: each has a lease of its own. */
function refOf({ runId, step, generation, attempt: ofRun }: StepInput): StepRef {
  return { runId, step, generation, attempt: ofRun, hidden: true, lease: `run/${runId}/${step}` }
}

/** Until the next try: what the other side asked for, else what the step says, else growing. */
function delayMs({ details }: MlforgeError, delaySeconds: number | undefined): number | undefined {
  const asked = details['retryAfterSeconds']
  const seconds = typeof asked === 'number' ? asked : delaySeconds
  return seconds === undefined ? undefined : seconds * 1000
}
