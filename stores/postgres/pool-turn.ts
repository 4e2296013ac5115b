import type { EntityManager } from 'typeorm'
import type { PipelineRunRequest } from '../../contracts/temporal/pipelines.js'
import { MlforgeError } from '../../domain/errors.js'
import type { PipelineDefinition } from '../../domain/pipelines/definition.js'
import { concurrencyKey } from '../../domain/pools/concurrency.js'
import { sha256Hex } from '../ids.js'
import type { Run } from './entities/run.js'
import { askIn, turnOf } from './pool-claims.js'

/** Longer values of a key are named by their hash. */
const LONGEST_KEY = 200
const NAMED = 5

/**
 * Asks for the turn of a run, in the caller's transaction and as the last that it does.
 * @param refuses true where a run for which there is no room is not to wait
 * @returns true where it has its turn; false where it waits
 * @throws MlforgeError pipeline_full naming open runs, where it is not to wait
 */
export async function turnIn(
  transaction: EntityManager,
  run: Pick<Run, 'id' | 'project' | 'name' | 'request' | 'createdAt'>,
  { concurrency }: PipelineDefinition,
  refuses: boolean,
): Promise<boolean> {
  if (!concurrency) return true
  const { project, name } = run
  const { version, parameters } = run.request as PipelineRunRequest
  const key = concurrencyKey(concurrency, parameters)
  const part = key !== null && key.length > LONGEST_KEY ? sha256Hex(key) : key
  const pool = `pipeline/${name}${part === null ? '' : `/${part}`}`
  // An older version that is run once more does not bring its limit back.
  await transaction.query(
    `INSERT INTO pools AS known (project, name, slots, pipeline, version, created_at, updated_at)
     VALUES ($1, $2, $3, $4, $5, clock_timestamp(), clock_timestamp())
     ON CONFLICT (project, name) DO UPDATE SET slots = $3, version = $5, updated_at = clock_timestamp()
     WHERE known.version < $5`,
    [project, pool, concurrency.limit, name, version],
  )
  const has = await askIn(transaction, turnOf(run.id), { project, pool, slots: 1, since: run.createdAt })
  if (has || !refuses) return has
  const open: { id: string }[] = await transaction.query(
    `SELECT run_id AS id FROM pool_claims WHERE project = $1 AND pool = $2 AND granted_at IS NOT NULL
     ORDER BY granted_at LIMIT ${NAMED}`,
    [project, pool],
  )
  const ids = open.map(({ id }) => id)
  throw new MlforgeError(
    'pipeline_full',
    `Pipeline "${name}" has ${concurrency.limit} open runs${key === null ? '' : ` for ${key.slice(0, LONGEST_KEY)}`}, as many as it may: ${ids.join(', ')}. Wait for the end of one, or cancel one.`,
    { runs: ids, limit: concurrency.limit },
  )
}
