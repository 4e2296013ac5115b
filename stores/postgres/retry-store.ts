import type { DataSource } from 'typeorm'
import { Run } from './entities/run.js'

const DAY_MS = 24 * 3600 * 1000

/** Runs that failed and are to be started again by themselves. */
export class RetryStore {
  constructor(private readonly dataSource: DataSource) {}

  /** Those whose time has come, longest due first. */
  async due(project: string, limit: number): Promise<Run[]> {
    return this.dataSource
      .getRepository(Run)
      .createQueryBuilder('run')
      .where({ project })
      .andWhere('run.nextAttemptAt <= now()')
      .orderBy('run.nextAttemptAt')
      .take(limit)
      .getMany()
  }

  /**
   * When one more start of a run of this kind and name fits into the budget of the day; null for now.
   * @param perDay starts after the first one, of all runs of the kind and name in 24 hours
   */
  async whenInBudget({ project, kind, name }: Run, perDay: number): Promise<Date | null> {
    const rows: { created_at: Date }[] = await this.dataSource.query(
      `SELECT start.created_at FROM outbox AS start JOIN runs AS run ON run.id = start.run_id
       WHERE run.project = $1 AND run.kind = $2 AND run.name = $3 AND start.attempt > 1
         AND start.created_at > now() - interval '24 hours'
       ORDER BY start.created_at DESC OFFSET $4 LIMIT 1`,
      [project, kind, name, Math.max(0, perDay - 1)],
    )
    const [oldest] = rows
    return oldest === undefined ? null : new Date(oldest.created_at.getTime() + DAY_MS)
  }

  /** Puts an automatic start off, where the run still waits for it. */
  async postpone({ id, attempt }: Run, until: Date, note: string): Promise<void> {
    await this.dataSource
      .getRepository(Run)
      .createQueryBuilder()
      .update()
      .set({ nextAttemptAt: until, retryNote: note })
      .where('id = :id AND attempt = :attempt AND next_attempt_at IS NOT NULL', { id, attempt })
      .execute()
  }
}
