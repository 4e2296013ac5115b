import type { EntityManager } from 'typeorm'
import type { ContentRef } from '../../contracts/temporal/messages.js'
import type { StepLogRef, StepLogStore } from '../../stores/postgres/step-log-store.js'
import type { Ports } from '../ports.js'

export type StepLogPorts = Pick<Ports, 'objects'> & { readonly stepLogs: StepLogStore }

export interface ArchivedLog {
  /** Null where nothing was printed. */
  readonly content: ContentRef | null
  /** Removes the rows that the object holds: in the transaction that makes it known. */
  readonly remove: (transaction: EntityManager) => Promise<void>
}

const CHUNKS_AT_ONCE = 16

/**
 * Makes one object of a step's log. The rows stay until `remove`, so that a log is never nowhere.
 * @param rest what could not be written as rows
 */
export async function archiveStepLog(
  { objects, stepLogs }: StepLogPorts,
  project: string,
  ref: StepLogRef,
  rest = '',
): Promise<ArchivedLog> {
  let last = 0
  async function* content(): AsyncGenerator<Buffer> {
    for (;;) {
      const chunks = await stepLogs.read(ref, last, CHUNKS_AT_ONCE)
      if (chunks.length === 0) break
      last = chunks.at(-1)!.sequence
      yield Buffer.from(chunks.map(({ text }) => text).join(''))
    }
    if (rest !== '') yield Buffer.from(rest)
  }
  const isEmpty = rest === '' && (await stepLogs.end(ref)).sequence === 0
  const written = isEmpty ? null : await objects.write(project, content())
  return {
    content: written,
    remove: async transaction => {
      if (last > 0) await stepLogs.remove(transaction, ref, last)
    },
  }
}
