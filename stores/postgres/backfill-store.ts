import { type DataSource, type EntityManager, In } from 'typeorm'
import type { RunFailure } from '../../contracts/temporal/messages.js'
import { type ItemCounts, type ItemState, NO_ITEMS } from '../../domain/assets/items.js'
import type { PlannedItem } from '../../domain/assets/plan.js'
import { MlforgeError } from '../../domain/errors.js'
import { Backfill, BackfillItem } from './entities/backfill.js'
import { Run } from './entities/run.js'
import { page, type PageOf, type PageRequest } from './paging.js'

/** An item whose run has ended. */
export interface EndedItem {
  readonly item: BackfillItem
  readonly run: Run
}

export interface ItemFilter extends PageRequest {
  readonly state?: ItemState
  readonly asset?: string
}

/** True where a run of an item has come to an end: one that is started again by itself has not. */
const HAS_ENDED = `run.status NOT IN ('accepted', 'running') AND run.next_attempt_at IS NULL`

/** Backfills and their items. */
export class BackfillStore {
  constructor(private readonly dataSource: DataSource) {}

  /** The plan of a new backfill. */
  async create(transaction: EntityManager, runId: string, items: readonly PlannedItem[]): Promise<void> {
    await transaction.query(
      `INSERT INTO backfills (run_id, attempt, closed, revision) VALUES ($1, 0, 0, 0)`,
      [runId],
    )
    const rows = items.map(({ asset, partition, needs }, position) => ({ position, asset, partition, needs }))
    await transaction.query(
      `INSERT INTO backfill_items (run_id, position, asset, partition, needs, state, generation)
       SELECT $1, position, asset, partition, needs, 'waiting', 0
       FROM jsonb_to_recordset($2::jsonb) AS item(position int, asset text, partition text, needs int[])`,
      [runId, JSON.stringify(rows)],
    )
  }

  async find(runId: string): Promise<Backfill | null> {
    return this.dataSource.getRepository(Backfill).findOneBy({ runId })
  }

  async counts(runId: string, manager: EntityManager = this.dataSource.manager): Promise<ItemCounts> {
    const rows: { state: ItemState; count: number }[] = await manager.query(
      'SELECT state, count(*)::int AS count FROM backfill_items WHERE run_id = $1 GROUP BY state',
      [runId],
    )
    return { ...NO_ITEMS, ...Object.fromEntries(rows.map(({ state, count }) => [state, count])) }
  }

  /** Of some backfills. */
  async countsOf(runIds: readonly string[]): Promise<ReadonlyMap<string, ItemCounts>> {
    const rows: { id: string; state: ItemState; count: number }[] = await this.dataSource.query(
      `SELECT run_id AS id, state, count(*)::int AS count FROM backfill_items
       WHERE run_id = ANY($1) GROUP BY run_id, state`,
      [runIds],
    )
    const found = new Map<string, ItemCounts>()
    for (const { id, state, count } of rows) found.set(id, { ...(found.get(id) ?? NO_ITEMS), [state]: count })
    return found
  }

  /** By asset, in the order in which they are made. */
  async countsByAsset(
    runId: string,
  ): Promise<{ readonly asset: string; readonly counts: ItemCounts; readonly seconds: number | null }[]> {
    const rows: { asset: string; state: ItemState; count: number; seconds: number | null }[] =
      await this.dataSource.query(
        `SELECT asset, state, count(*)::int AS count,
           avg(extract(epoch FROM ended_at - started_at)) FILTER (WHERE state = 'succeeded')::float AS seconds
         FROM backfill_items WHERE run_id = $1
         GROUP BY asset, state ORDER BY min(min(position)) OVER (PARTITION BY asset)`,
        [runId],
      )
    const found = new Map<string, { counts: ItemCounts; seconds: number | null }>()
    for (const { asset, state, count, seconds } of rows) {
      const known = found.get(asset) ?? { counts: NO_ITEMS, seconds: null }
      found.set(asset, {
        counts: { ...known.counts, [state]: count },
        seconds: seconds ?? known.seconds,
      })
    }
    return Array.from(found, ([asset, known]) => ({ asset, ...known }))
  }

  /** A page in the order of the plan. */
  async items(runId: string, { state, asset, ...request }: ItemFilter): Promise<PageOf<BackfillItem>> {
    const query = this.dataSource.getRepository(BackfillItem).createQueryBuilder('item').where({ runId })
    if (state !== undefined) query.andWhere({ state })
    if (asset !== undefined) query.andWhere({ asset })
    return page(query, ['position'], request, 'ASC')
  }

  /** States of all items, in the order of the plan. */
  async states(
    runId: string,
  ): Promise<Pick<BackfillItem, 'asset' | 'partition' | 'state' | 'note' | 'error'>[]> {
    return this.dataSource.query(
      'SELECT asset, partition, state, note, error FROM backfill_items WHERE run_id = $1 ORDER BY position',
      [runId],
    )
  }

  /** Whether there is something to do: a run of an item has ended, or none is under way. */
  async isDue(runId: string): Promise<boolean> {
    const rows: { due: boolean | null }[] = await this.dataSource.query(
      `SELECT bool_or(${HAS_ENDED}) AS due FROM backfill_items AS item JOIN runs AS run ON run.id = item.child
       WHERE item.run_id = $1 AND item.state = 'running'`,
      [runId],
    )
    return rows[0]!.due ?? true
  }

  /** Items at work whose runs have ended, first planned first. */
  async ended(runId: string, limit: number): Promise<EndedItem[]> {
    const items = await this.dataSource
      .getRepository(BackfillItem)
      .createQueryBuilder('item')
      .innerJoin(Run, 'run', 'run.id = item.child')
      .where({ runId, state: 'running' })
      .andWhere(HAS_ENDED)
      .orderBy('item.position')
      .limit(limit)
      .getMany()
    const runs = await this.dataSource.getRepository(Run).findBy({ id: In(items.map(({ child }) => child!)) })
    const byId = new Map(runs.map(run => [run.id, run]))
    return items.map(item => ({ item, run: byId.get(item.child!)! }))
  }

  /** Runs that make items now. */
  async children(runId: string): Promise<string[]> {
    const rows = await this.dataSource.getRepository(BackfillItem).findBy({ runId, state: 'running' })
    return rows.map(({ child }) => child!)
  }

  /**
   * Runs a change of the items for an attempt of the backfill, while nobody else changes them. In a new attempt
   * what has not ended well waits again.
   * @throws MlforgeError wrong_state for an attempt that was closed, or that another one has followed
   */
  async changing<T>(
    runId: string,
    attempt: number,
    change: (transaction: EntityManager) => Promise<T>,
  ): Promise<T> {
    return this.dataSource.transaction(async transaction => {
      const backfill = await lock(transaction, runId)
      if (backfill.closed >= attempt || backfill.attempt > attempt) {
        throw new MlforgeError('wrong_state', `Attempt ${attempt} of backfill ${runId} is over.`)
      }
      if (backfill.attempt < attempt) {
        await transaction.update(Backfill, { runId }, { attempt })
        await transaction.query(
          `UPDATE backfill_items SET state = 'waiting', error = NULL, note = NULL, ended_at = NULL
           WHERE run_id = $1 AND state NOT IN ('succeeded', 'skipped', 'waiting')`,
          [runId],
        )
      }
      const done = await change(transaction)
      await transaction.increment(Backfill, { runId }, 'revision', 1)
      return done
    })
  }

  /**
   * The run has ended without a word of its workflow: nothing more is begun by it.
   * @returns runs that still work for it
   */
  async close({ id: runId, attempt }: Pick<Run, 'id' | 'attempt'>): Promise<string[]> {
    return this.dataSource.transaction(async transaction => {
      await lock(transaction, runId)
      await transaction.update(Backfill, { runId }, { closed: attempt })
      await this.withdraw(transaction, runId)
      await transaction.update(
        BackfillItem,
        { runId, state: In(['waiting', 'running']) },
        { state: 'cancelled', endedAt: new Date() },
      )
      await transaction.increment(Backfill, { runId }, 'revision', 1)
      // By their rows: whoever asks again, since he was lost before they were stopped, hears of them too.
      const working: { child: string }[] = await transaction.query(
        `SELECT item.child FROM backfill_items AS item JOIN runs AS run ON run.id = item.child
         WHERE item.run_id = $1 AND run.status IN ('accepted', 'running') ORDER BY item.position`,
        [runId],
      )
      return working.map(({ child }) => child)
    })
  }

  /** What has not begun never will, and runs of items are not started again by themselves. */
  async stop(transaction: EntityManager, runId: string): Promise<void> {
    await this.withdraw(transaction, runId)
    await transaction.update(
      BackfillItem,
      { runId, state: 'waiting' },
      { state: 'cancelled', endedAt: new Date() },
    )
  }

  /** Waiting items, all of whose needs have ended well. */
  async ready(transaction: EntityManager, runId: string, limit: number): Promise<BackfillItem[]> {
    return transaction
      .createQueryBuilder(BackfillItem, 'item')
      .where({ runId, state: 'waiting' })
      .andWhere(
        `NOT EXISTS (SELECT 1 FROM backfill_items AS need WHERE need.run_id = item.run_id
           AND need.position = ANY(item.needs) AND need.state NOT IN ('succeeded', 'skipped'))`,
      )
      .orderBy('item.position')
      .limit(limit)
      .getMany()
  }

  /**
   * Blocks items that cannot begin any more.
   * @param all true: after one that has not ended well, none begins
   */
  async block(transaction: EntityManager, runId: string, all: boolean): Promise<void> {
    const bad = `('failed', 'cancelled', 'blocked')`
    const which = all
      ? `EXISTS (SELECT 1 FROM backfill_items AS bad WHERE bad.run_id = $1 AND bad.state IN ${bad})`
      : `EXISTS (SELECT 1 FROM backfill_items AS need WHERE need.run_id = $1
           AND need.position = ANY(item.needs) AND need.state IN ${bad})`
    for (;;) {
      const [, count]: [unknown, number] = await transaction.query(
        `UPDATE backfill_items AS item SET state = 'blocked', ended_at = now(), note = $2
         WHERE run_id = $1 AND state = 'waiting' AND ${which}`,
        [runId, all ? 'another one has not ended well' : 'what it needs has not ended well'],
      )
      if (count === 0) return
    }
  }

  /** The run that was begun last for an item, as it is now. */
  async childIn(transaction: EntityManager, { child }: BackfillItem): Promise<Run | null> {
    return child === null ? null : transaction.findOneBy(Run, { id: child })
  }

  /** Whether an item is still being made by the run that it was when it was read. */
  async isStill(transaction: EntityManager, { runId, position, child }: BackfillItem): Promise<boolean> {
    return transaction.existsBy(BackfillItem, { runId, position, state: 'running', child: child! })
  }

  async begin(
    transaction: EntityManager,
    { runId, position }: BackfillItem,
    change: Pick<BackfillItem, 'child' | 'generation' | 'madeFrom'>,
  ): Promise<void> {
    const row = { ...change, state: 'running' as const, startedAt: new Date(), endedAt: null, error: null }
    // The type of a partial row does not end for values as deep as JSON.
    await transaction.update(BackfillItem, { runId, position }, row as object)
  }

  async end(
    transaction: EntityManager,
    { runId, position }: BackfillItem,
    state: Exclude<ItemState, 'waiting' | 'running'>,
    { note = null, error = null }: { readonly note?: string | null; readonly error?: RunFailure | null } = {},
  ): Promise<void> {
    const row = { state, note, error, endedAt: new Date() }
    await transaction.update(BackfillItem, { runId, position }, row as object)
  }

  /** The first item that has not ended well by itself. */
  async firstFailed(runId: string, manager: EntityManager): Promise<BackfillItem | null> {
    return manager.findOne(BackfillItem, {
      where: { runId, state: In(['failed', 'cancelled']) },
      order: { position: 'ASC' },
    })
  }

  private async withdraw(transaction: EntityManager, runId: string): Promise<void> {
    await transaction.query(
      `UPDATE runs AS run SET next_attempt_at = NULL, retry_note = 'its backfill has stopped'
       FROM backfill_items AS item
       WHERE item.run_id = $1 AND item.state = 'running' AND run.id = item.child
         AND run.next_attempt_at IS NOT NULL`,
      [runId],
    )
  }
}

async function lock(transaction: EntityManager, runId: string): Promise<Backfill> {
  return transaction.findOneOrFail(Backfill, { where: { runId }, lock: { mode: 'pessimistic_write' } })
}
