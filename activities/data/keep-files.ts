import type { EntityManager } from 'typeorm'
import type { PushRequest } from '../../contracts/temporal/data.js'
import type { CommitOutcome, RunInput } from '../../contracts/temporal/messages.js'
import { MlforgeError } from '../../domain/errors.js'
import type { Effect } from '../../stores/postgres/ledger-store.js'
import { beatWhile } from '../heartbeats.js'
import { onceStep } from '../step.js'
import { type CheckedFiles, checkFiles } from './check-files.js'
import type { DataPorts } from './transfers.js'

/** Sees, in the transaction that makes a version, that all which it relies on is there and stays. */
export type Keep = (transaction: EntityManager) => Promise<void>

const TRIES = 3

/**
 * The step that makes a version of a push. Where something was removed between its being looked for and the
 * transaction, it is looked for again: what is in no pack any more has to be sent again.
 * @throws MlforgeError chunks_missing
 */
export async function keepingFiles(
  ports: DataPorts,
  input: RunInput,
  work: (keep: Keep) => Promise<Effect<CommitOutcome>>,
): Promise<CommitOutcome> {
  for (let tries = 1; ; tries++) {
    try {
      return await onceStep<CommitOutcome>(ports, input, 'commit', async () => {
        const push = (await ports.runs.get(input.project, input.runId)).request as PushRequest
        const base = tries === 1 ? push.base : null
        const packs = await held(ports, input, { ...push, base }, tries)
        return work(keepOf(ports, input, { base, packs }))
      })
    } catch (error) {
      const isMissing = error instanceof MlforgeError && error.code === 'chunks_missing'
      if (!isMissing || tries === TRIES) throw error
    }
  }
}

/** How many packs are held for a push. */
async function held(ports: DataPorts, input: RunInput, push: PushRequest, tries: number): Promise<number> {
  const checked = await ports.ledger.outcome<CheckedFiles>({ ...input, step: 'check' })
  if (tries === 1 && checked?.packs !== undefined) return checked.packs
  await ports.holds.drop(input.runId)
  const { packs } = await beatWhile('checking files again', signal =>
    checkFiles(ports, input, push, { signal }),
  )
  return packs!
}

export function keepOf(
  { datasets, holds }: Pick<DataPorts, 'datasets' | 'holds'>,
  { project, name, runId }: Pick<RunInput, 'project' | 'name' | 'runId'>,
  { base, packs }: { readonly base: number | null; readonly packs: number },
): Keep {
  return async transaction => {
    const isThere =
      (base === null || (await datasets.isKept(transaction, project, name, base))) &&
      (await holds.confirm(transaction, project, runId, packs))
    if (isThere) return
    throw new MlforgeError(
      'chunks_missing',
      'Chunks that it relies on were removed meanwhile. Push again: what is there is not sent again.',
    )
  }
}
