import type { EntityManager } from 'typeorm'
import { MlforgeError } from '../../domain/errors.js'
import { DEFAULT_PRIORITY } from '../../domain/pools/concurrency.js'
import { grantsNow, type WaitingClaim } from '../../domain/pools/grant.js'
import { didYouMean } from '../../domain/suggest.js'

// Every transaction takes the lock of a pool last: whoever has one waits for nothing else, so no two of them
// wait for each other.

/** What asks for slots: a step of a run as it was asked for so often, or with no step the run's turn. */
export interface ClaimKey {
  readonly runId: string
  readonly step: string
  readonly generation: number
}

/** The turn of a run among those of its pipeline. */
export const turnOf = (runId: string): ClaimKey => ({ runId, step: '', generation: 0 })

interface Asked {
  readonly project: string
  readonly pool: string
  readonly slots: number
  /** When it stands in the queue since; now where it is left out. */
  readonly since?: Date
}

interface LockedPool {
  readonly project: string
  readonly name: string
  readonly slots: number
}

/**
 * Asks for slots, or how an earlier question stands; a claim keeps its place, and what it was granted.
 * @returns whether the caller has the slots
 * @throws MlforgeError pool_unknown, pool_too_small; wrong_state where the run or step is over
 */
export async function askIn(
  transaction: EntityManager,
  key: ClaimKey,
  { project, pool: name, slots, since }: Asked,
): Promise<boolean> {
  const { runId, step, generation } = key
  // Shared with others that ask, not with the transaction that ends the run: no claim is made after it.
  const runs: { status: string; priority: number | null }[] = await transaction.query(
    `SELECT status, priority FROM runs WHERE id = $1 AND status IN ('accepted', 'running') FOR SHARE`,
    [runId],
  )
  const [run] = runs
  if (!run) throw new MlforgeError('wrong_state', `Run ${runId} is over: nothing of it waits for a slot.`)
  const pool = await lockPool(transaction, project, name)
  if (slots > pool.slots) {
    throw new MlforgeError(
      'pool_too_small',
      `Step "${step}" needs ${slots} slots of pool "${name}", which has ${pool.slots}. Raise them by PUT /v1/pools/${name}, or let the step need less.`,
      { pool: name, slots: pool.slots, needed: slots },
    )
  }
  // A worker thought dead has finished it meanwhile: it is begun to find its outcome, and needs nothing.
  if (await isFinished(transaction, key)) return true
  await transaction.query(
    `INSERT INTO pool_claims AS known
       (run_id, step, generation, project, pool, slots, priority, asked_at, parked)
     VALUES ($1, $2, $3, $4, $5, $6, $7, coalesce($8, date_trunc('milliseconds', clock_timestamp())), false)
     ON CONFLICT (run_id, step, generation) DO UPDATE SET parked = false WHERE known.granted_at IS NULL`,
    [runId, step, generation, project, name, slots, run.priority ?? DEFAULT_PRIORITY, since ?? null],
  )
  await grantIn(transaction, pool)
  return isHeld(transaction, key)
}

async function isFinished(
  transaction: EntityManager,
  { runId, step, generation }: ClaimKey,
): Promise<boolean> {
  const found: unknown[] = await transaction.query(
    `SELECT 1 FROM ledger_steps WHERE run_id = $1 AND step = $2 AND generation = $3`,
    [runId, step, generation],
  )
  return found.length > 0
}

/** True for a claim that has its slots. */
export async function isHeld(
  transaction: EntityManager,
  { runId, step, generation }: ClaimKey,
): Promise<boolean> {
  const found: unknown[] = await transaction.query(
    `SELECT 1 FROM pool_claims WHERE run_id = $1 AND step = $2 AND generation = $3 AND granted_at IS NOT NULL`,
    [runId, step, generation],
  )
  return found.length > 0
}

/** Gives the slots of steps back, and grants them to those that wait. @returns the runs whose claims were granted */
export async function releaseIn(transaction: EntityManager, keys: readonly ClaimKey[]): Promise<string[]> {
  const columns = [keys.map(key => key.runId), keys.map(key => key.step), keys.map(key => key.generation)]
  return freeIn(
    transaction,
    `(run_id, step, generation) IN (SELECT * FROM unnest($1::uuid[], $2::text[], $3::int[]))`,
    columns,
  )
}

/** Of a run all that it has or waits for; of a map, whose items are steps of another run, those. */
export async function releaseRunIn(
  transaction: EntityManager,
  runId: string,
  prefix = '',
): Promise<string[]> {
  return freeIn(transaction, `run_id = $1 AND starts_with(step, $2)`, [runId, prefix])
}

/**
 * Leaves the queue without losing the place: a claim that was granted meanwhile is given back.
 * @returns the runs whose claims were granted instead
 */
export async function parkIn(transaction: EntityManager, key: ClaimKey): Promise<string[]> {
  const { runId, step, generation } = key
  const where = 'run_id = $1 AND step = $2 AND generation = $3'
  const parameters = [runId, step, generation]
  const granted: string[] = []
  for (const pool of (await lockPoolsOf(transaction, where, parameters)) ?? []) {
    await transaction.query(
      `UPDATE pool_claims SET parked = true, granted_at = NULL WHERE ${where}`,
      parameters,
    )
    granted.push(...(await grantIn(transaction, pool)))
  }
  return granted
}

/** Grants what there is room for, in the order of the queue. @returns the runs whose claims were granted */
export async function grantIn(transaction: EntityManager, pool: LockedPool): Promise<string[]> {
  const { project, name, slots } = pool
  const sums: { held: number }[] = await transaction.query(
    `SELECT coalesce(sum(slots), 0)::int AS held FROM pool_claims
     WHERE project = $1 AND pool = $2 AND granted_at IS NOT NULL`,
    [project, name],
  )
  const { held } = sums[0]!
  if (held >= slots) return []
  const rows: (ClaimKey & Pick<WaitingClaim, 'slots' | 'priority'> & { asked_at: Date })[] =
    await transaction.query(
      `SELECT run_id AS "runId", step, generation, slots, priority, asked_at FROM pool_claims
       WHERE project = $1 AND pool = $2 AND granted_at IS NULL AND NOT parked AND slots <= $3
       ORDER BY priority, asked_at, run_id, step COLLATE "C" LIMIT $4`,
      [project, name, slots, slots - held],
    )
  const waiting = rows.map(row => ({
    ...row,
    askedAt: row.asked_at.getTime(),
    id: `${row.runId}/${row.step}`,
  }))
  const granted = grantsNow(slots, held, waiting)
  for (const { runId, step, generation } of granted) {
    // By the clock, not by the beginning of the transaction: it has waited for the lock since.
    await transaction.query(
      `UPDATE pool_claims SET granted_at = clock_timestamp()
       WHERE run_id = $1 AND step = $2 AND generation = $3`,
      [runId, step, generation],
    )
  }
  return granted.map(({ runId }) => runId)
}

async function lockPool(transaction: EntityManager, project: string, name: string): Promise<LockedPool> {
  const found: LockedPool[] = await transaction.query(
    `SELECT project, name, slots FROM pools WHERE project = $1 AND name = $2 FOR UPDATE`,
    [project, name],
  )
  if (found[0]) return found[0]
  const known: { name: string }[] = await transaction.query(
    `SELECT name FROM pools WHERE project = $1 AND pipeline IS NULL LIMIT 1000`,
    [project],
  )
  const hint = didYouMean(
    name,
    known.map(each => each.name),
  )
  throw new MlforgeError(
    'pool_unknown',
    `There is no pool "${name}" in project ${project}.${hint} Make it by PUT /v1/pools/${name}, then retry the run.`,
    { pool: name },
  )
}

/** The pools of some claims, locked in an order that all who lock several keep; null where there is no claim. */
async function lockPoolsOf(
  transaction: EntityManager,
  where: string,
  parameters: readonly unknown[],
): Promise<LockedPool[] | null> {
  const claimed: unknown[] = await transaction.query(`SELECT 1 FROM pool_claims WHERE ${where} LIMIT 1`, [
    ...parameters,
  ])
  // Most steps need no pool: nothing is locked for them.
  if (claimed.length === 0) return null
  return transaction.query(
    `SELECT project, name, slots FROM pools
     WHERE (project, name) IN (SELECT project, pool FROM pool_claims WHERE ${where})
     ORDER BY project, name FOR UPDATE`,
    [...parameters],
  )
}

async function freeIn(
  transaction: EntityManager,
  where: string,
  parameters: readonly unknown[],
): Promise<string[]> {
  const pools = await lockPoolsOf(transaction, where, parameters)
  if (pools === null) return []
  await transaction.query(`DELETE FROM pool_claims WHERE ${where}`, [...parameters])
  const granted: string[] = []
  for (const pool of pools) granted.push(...(await grantIn(transaction, pool)))
  return granted
}
