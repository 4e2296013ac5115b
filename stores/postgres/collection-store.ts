import type { DataSource, EntityManager } from 'typeorm'
import type { CollectionPlan } from '../../contracts/temporal/data-collection.js'
import { MlforgeError } from '../../domain/errors.js'
import { DataCollectionRow } from './entities/data-collection.js'
import { RUN_UNDER_WAY, TRANSFER_HOLDS } from './lease-sql.js'
import type { Collecting } from './sweep-store.js'

/** How long a plan may be executed. */
export const PLAN_HOURS = 24

/** Collections: what they are to remove, and in which epoch. */
export class CollectionStore {
  constructor(private readonly dataSource: DataSource) {}

  /** With the run that makes a plan, or executes one. @throws MlforgeError not_found, wrong_state */
  async open(
    transaction: EntityManager,
    run: { readonly id: string; readonly project: string },
    planId: string | null,
  ): Promise<void> {
    if (planId !== null) await this.claimPlan(transaction, run, planId)
    await transaction.insert(DataCollectionRow, {
      runId: run.id,
      project: run.project,
      epoch: null,
      plan: null,
      plannedAt: null,
      planId,
      executedBy: null,
    })
  }

  async get(runId: string): Promise<DataCollectionRow> {
    return this.dataSource.getRepository(DataCollectionRow).findOneByOrFail({ runId })
  }

  async some(runIds: readonly string[]): Promise<Map<string, DataCollectionRow>> {
    const rows = await this.dataSource
      .getRepository(DataCollectionRow)
      .createQueryBuilder('row')
      .where('row.runId = ANY(:runIds)', { runIds })
      .getMany()
    return new Map(rows.map(row => [row.runId, row]))
  }

  /** The run of a collection of a project that is under way and removes; null where none does. */
  async executing(project: string): Promise<string | null> {
    const [row]: { id: string }[] = await this.dataSource.query(
      `SELECT r.id FROM runs r WHERE r.project = $1 AND r.kind = 'collection' AND ${RUN_UNDER_WAY}
         AND r.request->>'execute' = 'true' LIMIT 1`,
      [project],
    )
    return row?.id ?? null
  }

  /**
   * Begins the epoch of a collection: transactions that make versions have ended by then, or keep what they
   * rely on from it. Again, it is the epoch that it has begun.
   */
  async beginEpoch(runId: string, project: string): Promise<Collecting> {
    return this.dataSource.transaction(async transaction => {
      const row = await transaction.findOneOrFail(DataCollectionRow, {
        where: { runId },
        lock: { mode: 'pessimistic_write' },
      })
      if (row.epoch !== null) return { runId, project, epoch: row.epoch }
      const [begun]: { epoch: string }[] = await transaction.query(
        `INSERT INTO data_epochs AS known (project, epoch) VALUES ($1, 1)
         ON CONFLICT (project) DO UPDATE SET epoch = known.epoch + 1 RETURNING epoch`,
        [project],
      )
      const { epoch } = begun!
      // What a collection before has left behind.
      await transaction.query(
        'UPDATE data_packs SET doomed_at = NULL, doomed_by = NULL WHERE project = $1 AND doomed_by IS NOT NULL',
        [project],
      )
      await transaction.query(
        `DELETE FROM data_holds h WHERE NOT EXISTS (
           SELECT 1 FROM data_transfers t LEFT JOIN runs r ON r.id = t.run_id
           WHERE t.run_id = h.owner AND ${TRANSFER_HOLDS})`,
      )
      await transaction.update(DataCollectionRow, { runId }, { epoch })
      return { runId, project, epoch }
    })
  }

  async planned(runId: string, plan: CollectionPlan, manager: EntityManager): Promise<void> {
    await manager.update(DataCollectionRow, { runId }, { plan, plannedAt: new Date() })
  }

  private async claimPlan(
    transaction: EntityManager,
    run: { readonly id: string; readonly project: string },
    planId: string,
  ): Promise<void> {
    const [, claimed]: [unknown, number] = await transaction.query(
      `UPDATE data_collections SET executed_by = $1
       WHERE run_id = $2 AND project = $3 AND executed_by IS NULL AND epoch IS NULL
         AND planned_at > now() - interval '${PLAN_HOURS} hours'`,
      [run.id, planId, run.project],
    )
    if (claimed > 0) return
    const row = await transaction.findOneBy(DataCollectionRow, { runId: planId, project: run.project })
    if (row === null) throw new MlforgeError('not_found', `There is no collection ${planId}.`)
    throw new MlforgeError('wrong_state', `Collection ${planId} ${whyNot(row)}`)
  }
}

function whyNot({ plannedAt, executedBy, epoch }: DataCollectionRow): string {
  if (epoch !== null) return 'was executed at once. Make a new plan.'
  if (plannedAt === null) return 'has no plan yet. Wait until it has succeeded.'
  if (executedBy !== null) return `is executed by collection ${executedBy} already.`
  return `was planned at ${plannedAt.toISOString()}, more than ${PLAN_HOURS} hours ago. Make a new plan.`
}
