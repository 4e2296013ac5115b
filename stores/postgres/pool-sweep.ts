import type { DataSource, EntityManager } from 'typeorm'
import { type ClaimKey, grantIn, releaseIn } from './pool-claims.js'

const SWEPT = 1000

/**
 * Gives back what belongs to runs that are over, to steps that are finished, and to those that were asked for
 * once more since; and grants what there is room for. Everything else does that itself: this is for what was
 * changed by hand or by an older release.
 * @returns runs that got what they waited for
 */
export async function sweepClaims(dataSource: DataSource, project: string): Promise<string[]> {
  const over: ClaimKey[] = await dataSource.query(
    `SELECT claim.run_id AS "runId", claim.step, claim.generation FROM pool_claims claim
     LEFT JOIN runs run ON run.id = claim.run_id
     LEFT JOIN pipeline_runs own ON own.run_id = claim.run_id
     LEFT JOIN ledger_steps done
       ON done.run_id = claim.run_id AND done.step = claim.step AND done.generation = claim.generation
     WHERE claim.project = $1 AND (
       run.status IS NULL OR run.status NOT IN ('accepted', 'running') OR done.run_id IS NOT NULL
       OR (claim.step <> '' AND claim.generation
         < coalesce((own.generations ->> split_part(claim.step, '/', 1))::int, 1)))
     LIMIT ${SWEPT}`,
    [project],
  )
  const granted = await dataSource.transaction(transaction => releaseIn(transaction, over))
  const waiting: { name: string }[] = await dataSource.query(
    `SELECT DISTINCT pool AS name FROM pool_claims
     WHERE project = $1 AND granted_at IS NULL AND NOT parked LIMIT ${SWEPT}`,
    [project],
  )
  for (const { name } of waiting) {
    granted.push(
      ...(await dataSource.transaction(async transaction => {
        const pools: { slots: number }[] = await transaction.query(
          `SELECT slots FROM pools WHERE project = $1 AND name = $2 FOR UPDATE`,
          [project, name],
        )
        return pools[0] ? grantIn(transaction, { project, name, ...pools[0] }) : []
      })),
    )
  }
  await dataSource.transaction(forgetLimits)
  return granted
}

/** Keys of limits come and go: what nobody has counted by for long is no pool any more. */
async function forgetLimits(transaction: EntityManager): Promise<void> {
  // Locked first, so that the statement after it sees the claims of all who had the lock before.
  const old: { project: string; name: string }[] = await transaction.query(
    `SELECT project, name FROM pools
     WHERE pipeline IS NOT NULL AND updated_at < now() - interval '7 days' AND NOT EXISTS (
       SELECT 1 FROM pool_claims claim WHERE claim.project = pools.project AND claim.pool = pools.name)
     LIMIT ${SWEPT} FOR UPDATE SKIP LOCKED`,
  )
  for (const { project, name } of old) {
    await transaction.query(
      `DELETE FROM pools WHERE project = $1 AND name = $2
       AND NOT EXISTS (SELECT 1 FROM pool_claims WHERE project = $1 AND pool = $2)`,
      [project, name],
    )
  }
}
