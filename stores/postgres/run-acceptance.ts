import { type EntityManager, In, type QueryDeepPartialEntity } from 'typeorm'
import { MlforgeError } from '../../domain/errors.js'
import { type RunKind, type RunTrigger, workflowId } from '../../domain/names.js'
import type { RetryPolicy } from '../../domain/runs/retry-policy.js'
import { writeSequence } from '../../domain/runs/run-status.js'
import { uuidv7 } from '../ids.js'
import { IdempotencyKey } from './entities/idempotency-key.js'
import { OutboxRow } from './entities/outbox.js'
import { Run } from './entities/run.js'
import { recordParent } from './lineage-store.js'
import { holdVersions, versionsRead } from './versions-read.js'

const KEY_LIFE_MS = 7 * 24 * 3600 * 1000

export interface AcceptRun {
  /** Given where the id must be the same each time, as for a tick of a schedule. */
  readonly id?: string
  readonly project: string
  readonly kind: RunKind
  readonly name: string
  readonly request: unknown
  readonly warnings?: readonly string[]
  readonly principal: string
  readonly trigger: RunTrigger
  readonly retryPolicy: RetryPolicy
  /** True where a workflow starts the run itself, as a tick of a schedule does. */
  readonly startedByCaller?: boolean
  readonly idempotency?: { readonly route: string; readonly key: string; readonly bodySha256: string }
  /** 1 comes first, 5 last; that of its kind where it is left out. */
  readonly priority?: number | null
  /** What is written when the run is taken on, as the last in its transaction. */
  readonly alongside?: (transaction: EntityManager, run: Run) => Promise<void>
}

/**
 * Takes work on: row, promised start and idempotency key, in the caller's transaction.
 * @throws MlforgeError idempotency_key_reused for a known key with another body, version_retired where it is to
 *   read a version whose files are not kept any more
 */
export async function acceptRun(
  transaction: EntityManager,
  request: AcceptRun,
): Promise<{ run: Run; replayed: boolean }> {
  const { project, kind, name } = request
  const id = request.id ?? uuidv7()
  const earlier = request.idempotency && (await claim(transaction, request, id))
  if (earlier) return { run: await runIn(transaction, project, earlier), replayed: true }
  const now = new Date()
  const row: Partial<Run> = {
    id,
    project,
    kind,
    name,
    status: 'accepted',
    sequence: writeSequence(1, 0),
    attempt: 1,
    generation: 1,
    workflowId: workflowId({ project, kind, name, runId: id }),
    stage: 'accepted',
    request: request.request,
    warnings: request.warnings ?? [],
    retryPolicy: request.retryPolicy,
    priority: request.priority ?? null,
    principal: request.principal,
    trigger: request.trigger,
    createdAt: now,
    touchedAt: now,
  }
  const inserted = await transaction
    .createQueryBuilder()
    .insert()
    .into(Run)
    .values(row as QueryDeepPartialEntity<Run>)
    .orIgnore()
    .returning('id')
    .execute()
  const fresh = (inserted.raw as unknown[]).length > 0
  if (!fresh) await refuseSecond(transaction, request, id)
  if (fresh) await holdVersions(transaction, project, versionsRead(kind, name, request.request))
  const parent = parentOf(request.principal)
  if (fresh && parent !== null) await recordParent(transaction, id, parent)
  if (fresh && !request.startedByCaller) await promiseStart(transaction, id, 1, now)
  if (fresh && request.alongside) {
    await request.alongside(transaction, await runIn(transaction, project, id))
  }
  return { run: await runIn(transaction, project, id), replayed: !fresh }
}

/** The run that has asked for another one; null where somebody else has. */
function parentOf(principal: string): string | null {
  return /^(?:pipeline|incident|retraining|backfill):([0-9a-f-]{36})$/.exec(principal)?.[1] ?? null
}

/** Id of the run that has had this key and body before, undefined when the key is now this run's. */
async function claim(
  transaction: EntityManager,
  request: AcceptRun,
  runId: string,
): Promise<string | undefined> {
  const { route, key, bodySha256 } = request.idempotency!
  const { project, principal } = request
  const claimed: unknown[] = await transaction.query(
    `INSERT INTO idempotency_keys AS known (project, principal, route, key, body_sha256, run_id, expires_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7)
     ON CONFLICT (project, principal, route, key)
     DO UPDATE SET body_sha256 = $5, run_id = $6, expires_at = $7 WHERE known.expires_at < now()
     RETURNING run_id`,
    [project, principal, route, key, bodySha256, runId, new Date(Date.now() + KEY_LIFE_MS)],
  )
  if (claimed.length > 0) return undefined
  const known = await transaction.findOneByOrFail(IdempotencyKey, { project, principal, route, key })
  return sameRequest(known, bodySha256)
}

async function refuseSecond(
  transaction: EntityManager,
  { project, kind, name }: AcceptRun,
  id: string,
): Promise<void> {
  if (await transaction.existsBy(Run, { project, id })) return
  const open = await transaction.findOneBy(Run, { project, kind, name, status: In(['accepted', 'running']) })
  throw new MlforgeError(
    'rollout_in_progress',
    `Deployment "${name}" is being rolled out by ${open?.id ?? 'another request'}. Wait for its end, or abort it.`,
    open ? { rolloutId: open.id } : {},
  )
}

/** Id of the run that a key is known for. @throws MlforgeError idempotency_key_reused for another body */
export function sameRequest({ key, runId, bodySha256: known }: IdempotencyKey, bodySha256: string): string {
  if (known === bodySha256) return runId
  throw new MlforgeError(
    'idempotency_key_reused',
    `Idempotency-Key "${key}" was used for run ${runId} with another body. Use a new key for a new request.`,
    { runId },
  )
}

/** From now on the relay owes the run its start. */
export async function promiseStart(
  transaction: EntityManager,
  runId: string,
  attempt: number,
  now: Date,
): Promise<void> {
  await transaction.insert(OutboxRow, { runId, attempt, createdAt: now, dueAt: now, tries: 0 })
}

/** A run, locked where it is to be changed. @throws MlforgeError not_found */
export async function runIn(manager: EntityManager, project: string, id: string, lock = false): Promise<Run> {
  const run = await manager.findOne(Run, {
    where: { project, id },
    ...(lock ? { lock: { mode: 'pessimistic_write' as const } } : {}),
  })
  if (!run) throw new MlforgeError('not_found', `There is no run ${id} in project ${project}.`)
  return run
}
