import { type DataSource, type EntityManager, IsNull } from 'typeorm'
import { MlforgeError } from '../../domain/errors.js'
import type { PipelineDefinition } from '../../domain/pipelines/definition.js'
import { didYouMean } from '../../domain/suggest.js'
import { Pool, PoolClaim } from './entities/pool.js'
import type { Run } from './entities/run.js'
import { page, type PageOf, type PageRequest } from './paging.js'
import { askIn, type ClaimKey, grantIn, parkIn } from './pool-claims.js'
import { sweepClaims } from './pool-sweep.js'
import { turnIn } from './pool-turn.js'

const NAMED = 5

export interface PoolUse {
  /** Slots that are taken. */
  readonly held: number
  /** Claims that wait. */
  readonly queued: number
}

/** How a claim that waits stands in its queue, 1 for the next. */
export interface QueuedClaim extends ClaimKey {
  readonly pool: string
  readonly slots: number
  readonly position: number
}

export type ClaimState = 'granted' | 'queued' | 'gone'

/** Slots of resources, and the turns of runs whose pipeline has a limit. */
export class PoolStore {
  constructor(private readonly dataSource: DataSource) {}

  /** Makes a pool, or changes it: more room is given to those that wait; what is held stays where it is less. */
  async put(
    project: string,
    name: string,
    { slots, description }: { readonly slots: number; readonly description: string | null },
  ): Promise<{ readonly pool: Pool; readonly created: boolean; readonly granted: readonly string[] }> {
    return this.dataSource.transaction(async transaction => {
      const rows: { created: boolean }[] = await transaction.query(
        `INSERT INTO pools (project, name, slots, description, created_at, updated_at)
         VALUES ($1, $2, $3, $4, clock_timestamp(), clock_timestamp())
         ON CONFLICT (project, name) DO UPDATE SET
           slots = $3, description = $4, updated_at = clock_timestamp()
         RETURNING xmax = 0 AS created`,
        [project, name, slots, description],
      )
      const granted = await grantIn(transaction, { project, name, slots })
      const pool = await transaction.findOneByOrFail(Pool, { project, name })
      return { pool, created: rows[0]!.created, granted }
    })
  }

  /** @throws MlforgeError not_found with the nearest name */
  async get(project: string, name: string): Promise<Pool> {
    const repository = this.dataSource.getRepository(Pool)
    const pool = await repository.findOneBy({ project, name, pipeline: IsNull() })
    if (pool) return pool
    const others = await repository.find({ where: { project, pipeline: IsNull() }, take: 1000 })
    const hint = didYouMean(
      name,
      others.map(other => other.name),
    )
    throw new MlforgeError('not_found', `There is no pool "${name}" in project ${project}.${hint}`)
  }

  async list(project: string, request: PageRequest): Promise<PageOf<Pool>> {
    const query = this.dataSource.getRepository(Pool).createQueryBuilder('pool')
    return page(query.where({ project, pipeline: IsNull() }), ['createdAt', 'name'], request)
  }

  /** Slots of all pools of a project, by their names. */
  async slots(project: string): Promise<Map<string, number>> {
    const rows = await this.dataSource
      .getRepository(Pool)
      .find({ where: { project, pipeline: IsNull() }, select: { name: true, slots: true } })
    return new Map(rows.map(({ name, slots }) => [name, slots]))
  }

  /** How much of some pools is taken, by their names. */
  async use(project: string, names: readonly string[]): Promise<Map<string, PoolUse>> {
    const rows: (PoolUse & { pool: string })[] = await this.dataSource.query(
      `SELECT pool, coalesce(sum(slots) FILTER (WHERE granted_at IS NOT NULL), 0)::int AS held,
         (count(*) FILTER (WHERE granted_at IS NULL))::int AS queued
       FROM pool_claims WHERE project = $1 AND pool = ANY($2) GROUP BY pool`,
      [project, names],
    )
    return new Map(rows.map(({ pool, held, queued }) => [pool, { held, queued }]))
  }

  /** Who has slots of a pool, or waits for them; the newest first. */
  async claims(
    project: string,
    pool: string,
    { state, ...request }: PageRequest & { readonly state?: 'held' | 'queued' },
  ): Promise<PageOf<PoolClaim>> {
    const query = this.dataSource
      .getRepository(PoolClaim)
      .createQueryBuilder('claim')
      .where({ project, pool })
    if (state !== undefined) query.andWhere(`claim.grantedAt IS ${state === 'held' ? 'NOT NULL' : 'NULL'}`)
    return page(query, ['askedAt', 'runId', 'step'], request)
  }

  /** Places of some that wait for slots of a pool, by `<run>/<step>`. */
  async positions(project: string, pool: string, keys: readonly ClaimKey[]): Promise<Map<string, number>> {
    if (keys.length === 0) return new Map()
    const rows: { at: string; position: number }[] = await this.dataSource.query(
      `SELECT run_id || '/' || step AS at, position FROM (
         SELECT run_id, step,
           (row_number() OVER (ORDER BY priority, asked_at, run_id, step COLLATE "C"))::int AS position
         FROM pool_claims WHERE project = $1 AND pool = $2 AND granted_at IS NULL) AS queue
       WHERE run_id = ANY($3)`,
      [project, pool, keys.map(({ runId }) => runId)],
    )
    return new Map(rows.map(({ at, position }) => [at, position]))
  }

  /** @throws MlforgeError pool_in_use while somebody has slots of it, waits for them, or a pipeline names it */
  async remove(project: string, name: string): Promise<void> {
    await this.get(project, name)
    await this.dataSource.transaction(async transaction => {
      await transaction.query(`SELECT 1 FROM pools WHERE project = $1 AND name = $2 FOR UPDATE`, [
        project,
        name,
      ])
      const runs: { runId: string }[] = await transaction.query(
        `SELECT DISTINCT run_id AS "runId" FROM pool_claims WHERE project = $1 AND pool = $2 LIMIT ${NAMED}`,
        [project, name],
      )
      if (runs.length > 0) {
        const ids = runs.map(({ runId }) => runId)
        throw new MlforgeError(
          'pool_in_use',
          `Pool "${name}" is used by ${ids.join(', ')}. Wait for their ends, or cancel them.`,
          { runs: ids },
        )
      }
      const users = await namingPipelines(transaction, project, name)
      if (users.length > 0) {
        throw new MlforgeError(
          'pool_in_use',
          `Pool "${name}" is named by pipelines: ${users.join(', ')}. Apply them without it, or delete them, first.`,
          { pipelines: users },
        )
      }
      await transaction.delete(Pool, { project, name })
    })
  }

  /** See askIn. */
  async ask(key: ClaimKey, asked: Parameters<typeof askIn>[2]): Promise<boolean> {
    return this.dataSource.transaction(transaction => askIn(transaction, key, asked))
  }

  /** See parkIn. */
  async park(key: ClaimKey): Promise<string[]> {
    return this.dataSource.transaction(transaction => parkIn(transaction, key))
  }

  /** The turn of a run among those of its pipeline. See turnIn. */
  async turn(run: Run, definition: PipelineDefinition, refuses: boolean): Promise<boolean> {
    return this.dataSource.transaction(transaction => turnIn(transaction, run, definition, refuses))
  }

  /** See sweepClaims. */
  async sweep(project: string): Promise<string[]> {
    return sweepClaims(this.dataSource, project)
  }

  async stateOf({ runId, step, generation }: ClaimKey): Promise<ClaimState> {
    const rows: { granted: boolean; parked: boolean; fits: boolean }[] = await this.dataSource.query(
      `SELECT claim.granted_at IS NOT NULL AS granted, claim.parked, claim.slots <= pool.slots AS fits
       FROM pool_claims claim LEFT JOIN pools pool USING (project)
       WHERE claim.run_id = $1 AND claim.step = $2 AND claim.generation = $3 AND pool.name = claim.pool`,
      [runId, step, generation],
    )
    const [claim] = rows
    if (claim?.granted) return 'granted'
    // Whoever asked for it has to ask again, and is told.
    return claim && !claim.parked && claim.fits ? 'queued' : 'gone'
  }

  /** What a run waits for. */
  async queuedOf(runId: string): Promise<QueuedClaim[]> {
    return this.dataSource.query(
      `SELECT run_id AS "runId", step, generation, pool, slots, (
         SELECT count(*)::int FROM pool_claims other
         WHERE other.project = claim.project AND other.pool = claim.pool AND other.granted_at IS NULL
           AND (other.priority, other.asked_at, other.run_id, other.step COLLATE "C")
             <= (claim.priority, claim.asked_at, claim.run_id, claim.step COLLATE "C")) AS position
       FROM pool_claims claim WHERE run_id = $1 AND granted_at IS NULL ORDER BY step`,
      [runId],
    )
  }
}

/** Pipelines whose newest definition has a step that needs the pool. */
async function namingPipelines(transaction: EntityManager, project: string, pool: string): Promise<string[]> {
  const rows: { name: string }[] = await transaction.query(
    `SELECT pipeline.name FROM pipelines pipeline
     JOIN pipeline_versions newest ON newest.pipeline_id = pipeline.id AND newest.version = pipeline.version
     WHERE pipeline.project = $1 AND pipeline.deleted_at IS NULL AND (
       jsonb_path_exists(newest.definition, '$.steps[*].pool.name ? (@ == $name)', jsonb_build_object('name', $2::text))
       OR jsonb_path_exists(newest.definition, '$.steps[*].do.pool.name ? (@ == $name)', jsonb_build_object('name', $2::text))
       OR jsonb_path_exists(newest.definition, '$.steps[*].compensate.pool.name ? (@ == $name)', jsonb_build_object('name', $2::text)))
     ORDER BY pipeline.name LIMIT ${NAMED}`,
    [project, pool],
  )
  return rows.map(({ name }) => name)
}
