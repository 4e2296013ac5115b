import type { DataSource, EntityManager } from 'typeorm'

export interface StepLogRef {
  readonly runId: string
  readonly step: string
  readonly generation: number
}

export interface LoggedChunk {
  readonly sequence: number
  readonly text: string
  readonly writtenAt: Date
}

/** How far a log has come: its last sequence, 0 where it is empty, and its size. */
export interface LogEnd {
  readonly sequence: number
  readonly bytes: number
}

const OF_STEP = 'run_id = $1 AND step = $2 AND generation = $3'

/** What steps of runs print, in chunks; a closed log is an object, and has no rows here. */
export class StepLogStore {
  constructor(private readonly dataSource: DataSource) {}

  async end({ runId, step, generation }: StepLogRef): Promise<LogEnd> {
    const rows: LogEnd[] = await this.dataSource.query(
      `SELECT coalesce(max(sequence), 0) AS sequence, coalesce(sum(octet_length(text)), 0)::int AS bytes
       FROM step_log_chunks WHERE ${OF_STEP}`,
      [runId, step, generation],
    )
    return rows[0]!
  }

  /**
   * Adds a chunk under a sequence. The same chunk again is the one that is there: its answer was lost.
   * @returns false where another chunk has this sequence
   */
  async append({ runId, step, generation }: StepLogRef, sequence: number, text: string): Promise<boolean> {
    const key = [runId, step, generation, sequence]
    const added: unknown[] = await this.dataSource.query(
      `INSERT INTO step_log_chunks (run_id, step, generation, sequence, text, written_at)
       VALUES ($1, $2, $3, $4, $5, statement_timestamp()) ON CONFLICT DO NOTHING RETURNING sequence`,
      [...key, text],
    )
    if (added.length > 0) return true
    const same: unknown[] = await this.dataSource.query(
      `SELECT FROM step_log_chunks WHERE ${OF_STEP} AND sequence = $4 AND text = $5`,
      [...key, text],
    )
    return same.length > 0
  }

  /** Chunks after a sequence (0 for all), in their order. */
  async read(
    { runId, step, generation }: StepLogRef,
    afterSequence: number,
    limit: number,
  ): Promise<LoggedChunk[]> {
    return this.dataSource.query(
      `SELECT sequence, text, written_at AS "writtenAt" FROM step_log_chunks
       WHERE ${OF_STEP} AND sequence > $4 ORDER BY sequence LIMIT $5`,
      [runId, step, generation, afterSequence, limit],
    )
  }

  /** Removes the chunks up to a sequence, which are kept elsewhere from this transaction on. */
  async remove(
    transaction: EntityManager,
    { runId, step, generation }: StepLogRef,
    untilSequence: number,
  ): Promise<void> {
    await transaction.query(`DELETE FROM step_log_chunks WHERE ${OF_STEP} AND sequence <= $4`, [
      runId,
      step,
      generation,
      untilSequence,
    ])
  }
}
