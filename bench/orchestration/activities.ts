import type { Pool } from 'pg'

/** The work of the peer: one durable write for each step. */
export function writeActivities(pool: Pool) {
  return {
    async write({ step }: { step: number }): Promise<{ step: number }> {
      await pool.query('INSERT INTO bench_writes (step) VALUES ($1)', [step])
      return { step }
    },
  }
}

export type WriteActivities = ReturnType<typeof writeActivities>
