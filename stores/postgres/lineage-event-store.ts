import type { DataSource, EntityManager } from 'typeorm'
import type { LineageEventState } from '../../contracts/rest/lineage.js'
import { eventTypeOf, type RunChange, type VersionFacts } from '../../domain/lineage/open-lineage.js'
import { boundedMessage } from '../../domain/runs/bounded-failure.js'
import { reasonOf } from '../../domain/runs/reason.js'
import { derivedId } from '../ids.js'
import { LineageEventRow } from './entities/lineage.js'
import { Run } from './entities/run.js'
import { page, type PageOf, type PageRequest } from './paging.js'

/** Nobody has to know after this long what was sent; nor is it owed, where nobody is told. */
export const KEPT_MS = 7 * 86_400_000

const FIRST_DELAY_MS = 1_000
const LONGEST_DELAY_MS = 300_000

/** An event that its receiver will never take, however often it is sent. */
export class EventRefused extends Error {}

/** Owes the receiver of lineage what a run has become, in the transaction that writes it. An end has a start before it. */
export async function oweEvent(transaction: EntityManager, run: Run): Promise<void> {
  const type = eventTypeOf(run.status)
  if (type === null) return
  const { id, project, attempt, status, error } = run
  await transaction.query(
    `INSERT INTO lineage_events (project, run_id, attempt, type, status, error, occurred_at, due_at, tries)
     SELECT $1, $2, $3, owed.type, owed.status, CASE WHEN owed.type = $4 THEN $6::jsonb END, now(), now(), 0
     FROM (VALUES (1, 'START', 'running'), (2, $4::text, $5::text)) AS owed (place, type, status)
     ORDER BY place ON CONFLICT DO NOTHING`,
    [project, id, attempt, type, status, error],
  )
}

export interface EventFilter extends PageRequest {
  readonly state?: LineageEventState
}

const STATES: Readonly<Record<LineageEventState, string>> = {
  owed: 'event.sentAt IS NULL AND event.refusedAt IS NULL',
  sent: 'event.sentAt IS NOT NULL',
  refused: 'event.refusedAt IS NOT NULL',
}

/** What a receiver of lineage is owed, and was sent. */
export class LineageEventStore {
  constructor(private readonly dataSource: DataSource) {}

  async list(project: string, filter: EventFilter): Promise<PageOf<LineageEventRow>> {
    const query = this.dataSource
      .getRepository(LineageEventRow)
      .createQueryBuilder('event')
      .where({ project })
    if (filter.state !== undefined) query.andWhere(STATES[filter.state])
    return page(query, ['id'], filter)
  }

  /**
   * Hands the longest owed event that nobody else has in hand to `send`; those of one run go out in their order. What
   * fails is due again later, with doubling delay.
   * @returns whether there was one
   */
  async relay(send: (change: RunChange) => Promise<void>): Promise<boolean> {
    return this.dataSource.transaction(async transaction => {
      const event = await transaction
        .getRepository(LineageEventRow)
        .createQueryBuilder('event')
        .where(`${STATES.owed} AND event.dueAt <= now()`)
        .andWhere(
          `NOT EXISTS (SELECT FROM lineage_events before WHERE before.run_id = event.runId AND before.id < event.id
             AND before.sent_at IS NULL AND before.refused_at IS NULL)`,
        )
        .orderBy('event.dueAt')
        .addOrderBy('event.id')
        .setLock('pessimistic_write')
        .setOnLocked('skip_locked')
        .limit(1)
        .getOne()
      if (event === null) return false
      await transaction.update(LineageEventRow, event.id, await outcomeOf(transaction, event, send))
      return true
    })
  }

  /**
   * Forgets what is too old to be asked for.
   * @param isTold whether there is a receiver: what it is owed stays until it has taken it
   */
  async forget(isTold: boolean): Promise<void> {
    await this.dataSource.query(
      `DELETE FROM lineage_events WHERE occurred_at < now() - make_interval(secs => $1)
         AND NOT ($2::boolean AND sent_at IS NULL AND refused_at IS NULL)`,
      [KEPT_MS / 1000, isTold],
    )
  }
}

type Outcome = Pick<LineageEventRow, 'tries' | 'lastError'> &
  Partial<Pick<LineageEventRow, 'sentAt' | 'refusedAt' | 'dueAt'>>

async function outcomeOf(
  transaction: EntityManager,
  event: LineageEventRow,
  send: (change: RunChange) => Promise<void>,
): Promise<Outcome> {
  const tries = event.tries + 1
  try {
    await send(await changeOf(transaction, event))
    return { tries, sentAt: new Date(), lastError: null }
  } catch (error) {
    const lastError = boundedMessage(reasonOf(error))
    if (error instanceof EventRefused) return { tries, lastError, refusedAt: new Date() }
    const delay = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** event.tries)
    return { tries, lastError, dueAt: new Date(Date.now() + delay) }
  }
}

/** All that is told of a change: the same however late it is, since edges of later steps are left out. */
async function changeOf(transaction: EntityManager, event: LineageEventRow): Promise<RunChange> {
  const { runId, attempt, type, status, error, occurredAt } = event
  const { kind, name, trigger, principal } = await transaction.findOneByOrFail(Run, { id: runId })
  const edges: { relation: 'read' | 'wrote'; node: string }[] = await transaction.query(
    `SELECT DISTINCT relation, node FROM lineage_edges WHERE run_id = $1 AND created_at <= $2 ORDER BY relation, node`,
    [runId, occurredAt],
  )
  const nodesOf = (relation: 'read' | 'wrote') =>
    edges.filter(edge => edge.relation === relation).map(({ node }) => node)
  const [read, wrote] = [nodesOf('read'), nodesOf('wrote')]
  return {
    type,
    // A run that is started again is another one to OpenLineage.
    attemptId: attempt === 1 ? runId : derivedId(runId, `attempt ${attempt}`),
    runId,
    attempt,
    kind,
    name,
    status,
    trigger,
    principal,
    error: error && { code: error.code, message: error.message },
    at: occurredAt.getTime(),
    parent: await parentOf(transaction, read),
    read,
    wrote,
    versions: await versionsOf(transaction, event.project, [...read, ...wrote]),
  }
}

async function parentOf(transaction: EntityManager, read: readonly string[]): Promise<RunChange['parent']> {
  const id = read.find(node => node.startsWith('run:'))?.slice('run:'.length)
  const run = id === undefined ? null : await transaction.findOneBy(Run, { id })
  return run && { runId: run.id, kind: run.kind, name: run.name }
}

/** Columns and size of tables, by the ids of their nodes. */
async function versionsOf(
  transaction: EntityManager,
  project: string,
  nodes: readonly string[],
): Promise<ReadonlyMap<string, VersionFacts>> {
  const rows: { node: string; schema: VersionFacts['columns']; rows: string; bytes: string }[] =
    await transaction.query(
      `SELECT 'dataset:' || d.name || '@' || v.version AS node, v.schema, v.rows, v.parquet->>'bytes' AS bytes
       FROM dataset_versions v JOIN datasets d ON d.id = v.dataset_id
       WHERE d.project = $1 AND v.schema IS NOT NULL AND 'dataset:' || d.name || '@' || v.version = ANY($2)
         AND d.name = ANY($3)`,
      [project, nodes, nodes.map(node => /^dataset:([^@]+)@/.exec(node)?.[1] ?? '')],
    )
  return new Map(
    rows.map(({ node, schema, ...size }) => [
      node,
      {
        columns: schema.map(({ name, type }) => ({ name, type })),
        rows: Number(size.rows),
        bytes: size.bytes === null ? null : Number(size.bytes),
      },
    ]),
  )
}
