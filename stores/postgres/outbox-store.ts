import type { DataSource, EntityManager } from 'typeorm'
import { boundedMessage } from '../../domain/runs/bounded-failure.js'
import { reasonOf } from '../../domain/runs/reason.js'
import { OutboxRow } from './entities/outbox.js'
import { Run } from './entities/run.js'

/** A start that is still owed after this long is given up: the run is `start_failed`. */
export const START_DEADLINE_MS = 3_600_000

export interface DueStart {
  readonly outboxId: string
  readonly run: Run
  readonly attempt: number
  readonly tries: number
  readonly promisedAt: Date
}

/** Promised workflow starts. The API tries at once; what it could not do the relay does. */
export class OutboxStore {
  constructor(private readonly dataSource: DataSource) {}

  /**
   * Hands each due start to `start`, one transaction each, skipping what another relay holds.
   * A start that fails is tried again later, with doubling delay.
   * @returns how many starts were handled
   */
  async relay(
    limit: number,
    start: (due: DueStart, transaction: EntityManager) => Promise<void>,
  ): Promise<number> {
    let handled = 0
    while (handled < limit && (await this.relayOne(start))) handled++
    return handled
  }

  private async relayOne(
    start: (due: DueStart, transaction: EntityManager) => Promise<void>,
  ): Promise<boolean> {
    return this.dataSource.transaction(async transaction => {
      const row = await transaction
        .getRepository(OutboxRow)
        .createQueryBuilder('outbox')
        .where('outbox.doneAt IS NULL AND outbox.dueAt <= now()')
        .orderBy('outbox.dueAt')
        .setLock('pessimistic_write')
        .setOnLocked('skip_locked')
        .limit(1)
        .getOne()
      if (!row) return false
      const run = await transaction.findOneByOrFail(Run, { id: row.runId })
      const { id: outboxId, attempt, tries, createdAt: promisedAt } = row
      try {
        await start({ outboxId, run, attempt, tries, promisedAt }, transaction)
        await transaction.update(OutboxRow, row.id, { doneAt: new Date() })
      } catch (error) {
        const delay = Math.min(60_000, 1_000 * 2 ** row.tries)
        await transaction.update(OutboxRow, row.id, {
          tries: row.tries + 1,
          dueAt: new Date(Date.now() + delay),
          lastError: boundedMessage(reasonOf(error)),
        })
      }
      return true
    })
  }
}
