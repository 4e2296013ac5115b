import { Context } from '@temporalio/activity'
import type { RunInput } from '../contracts/temporal/messages.js'
import { MlforgeError } from '../domain/errors.js'
import type { Fence } from '../stores/postgres/leases.js'
import type { Effect, LedgerStore } from '../stores/postgres/ledger-store.js'
import type { Ports } from './ports.js'

export interface StepPorts {
  readonly ledger: LedgerStore
  readonly wakes: Pick<Ports['wakes'], 'publish'>
}

/**
 * Does a step of a run once: a finished one answers from the ledger. The work runs outside of any
 * transaction and returns what is to be written; that and the outcome are committed together, and
 * only by the latest holder of the run, so a worker thought dead that wakes up changes nothing.
 * A hidden step is none of the run's stages: the row's stage stays.
 */
export async function onceStep<T extends object>(
  { ledger, wakes }: StepPorts,
  input: RunInput,
  step: string,
  work: (fence: Fence) => Promise<T | Effect<T>>,
  { hidden = false }: { hidden?: boolean } = {},
): Promise<T> {
  const { runId, generation, attempt: ofRun } = input
  const ref = { runId, step, generation, attempt: ofRun, hidden }
  const { activityId, attempt } = Context.current().info
  const begun = await ledger.begin<T>(ref, `${step} (activity ${activityId}, attempt ${attempt})`)
  if ('outcome' in begun) return begun.outcome
  const { fence } = begun
  wakes.publish(input.runId)
  const result = await work(fence)
  const effect: Effect<T> = typeof result === 'function' ? result : () => Promise.resolve(result)
  return ledger.finish(ref, fence, effect)
}

/** Outcome of an earlier step, which the workflow's order guarantees. */
export async function outcomeOf<T>(ledger: LedgerStore, input: RunInput, step: string): Promise<T> {
  const outcome = await ledger.outcome<T>({ ...input, step })
  if (outcome !== undefined) return outcome
  throw new MlforgeError(
    'internal',
    `Step ${step} of run ${input.runId} (generation ${input.generation}) has no outcome in the ledger. ` +
      'Retry the run with POST .../retry.',
  )
}
