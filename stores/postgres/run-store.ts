import {
  type DataSource,
  type EntityManager,
  In,
  IsNull,
  MoreThan,
  Not,
  type QueryDeepPartialEntity,
} from 'typeorm'
import type { RunFailure } from '../../contracts/temporal/messages.js'
import { MlforgeError } from '../../domain/errors.js'
import { type RunKind, type RunTrigger, workflowId } from '../../domain/names.js'
import { decideRetry, type RetryPolicy } from '../../domain/runs/retry-policy.js'
import {
  isOpen,
  isRetryable,
  mayFollow,
  type RunStatus,
  writeSequence,
} from '../../domain/runs/run-status.js'
import { uuidv7 } from '../ids.js'
import { IdempotencyKey } from './entities/idempotency-key.js'
import { OutboxRow } from './entities/outbox.js'
import { Run } from './entities/run.js'
import { page, type PageOf, type PageRequest } from './paging.js'

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
}

/** A write to a run row by its workflow: see writeSequence for its order. */
export interface RunUpdate {
  readonly status?: RunStatus
  readonly stage?: string
  readonly executionId?: string
  readonly result?: unknown
  readonly error?: RunFailure
  readonly warnings?: readonly string[]
}

export interface RunFilter extends PageRequest {
  readonly kind?: RunKind
  readonly name?: string
  readonly status?: RunStatus
}

/** Run rows, and the promises to start them. */
export class RunStore {
  constructor(private readonly dataSource: DataSource) {}

  /**
   * Takes work on: row, promised start and idempotency key in one transaction.
   * @throws MlforgeError idempotency_key_reused for a known key with another body
   */
  async accept(
    request: AcceptRun,
    /** What else is written with a run that is new. */
    alongside?: (transaction: EntityManager, run: Run) => Promise<void>,
  ): Promise<{ run: Run; replayed: boolean }> {
    return this.dataSource.transaction(async transaction => {
      const accepted = await this.acceptIn(transaction, request)
      if (!accepted.replayed) await alongside?.(transaction, accepted.run)
      return accepted
    })
  }

  /** The same in the caller's transaction. */
  async acceptIn(transaction: EntityManager, request: AcceptRun): Promise<{ run: Run; replayed: boolean }> {
    const { project, kind, name } = request
    const id = request.id ?? uuidv7()
    const earlier = request.idempotency && (await this.claim(transaction, request, id))
    if (earlier) return { run: await this.getIn(transaction, project, earlier), replayed: true }
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
    if (fresh && !request.startedByCaller) await promiseStart(transaction, id, 1, now)
    return { run: await this.getIn(transaction, project, id), replayed: !fresh }
  }

  /**
   * The run that a request with this key has had before, whatever has changed since; null for a new one.
   * @throws MlforgeError idempotency_key_reused for a known key with another body
   */
  async replayed(
    project: string,
    principal: string,
    { route, key, bodySha256 }: NonNullable<AcceptRun['idempotency']>,
  ): Promise<Run | null> {
    const known = await this.dataSource
      .getRepository(IdempotencyKey)
      .findOneBy({ project, principal, route, key, expiresAt: MoreThan(new Date()) })
    return known && this.get(project, sameRequest(known, bodySha256))
  }

  async get(project: string, id: string): Promise<Run> {
    return this.getIn(this.dataSource.manager, project, id)
  }

  /** Null where there is none with the id. */
  async find(project: string, id: string): Promise<Run | null> {
    return this.dataSource.getRepository(Run).findOneBy({ project, id })
  }

  /** The one rollout of a deployment that has not ended; null where there is none. */
  async openRollout(project: string, deployment: string): Promise<Run | null> {
    return this.dataSource
      .getRepository(Run)
      .findOneBy({ project, kind: 'rollout', name: deployment, status: In(['accepted', 'running']) })
  }

  async list(project: string, filter: RunFilter): Promise<PageOf<Run>> {
    const query = this.dataSource.getRepository(Run).createQueryBuilder('run').where({ project })
    if (filter.kind !== undefined) query.andWhere({ kind: filter.kind })
    if (filter.name !== undefined) query.andWhere({ name: filter.name })
    if (filter.status !== undefined) query.andWhere({ status: filter.status })
    return page(query, ['createdAt', 'id'], filter)
  }

  /**
   * Starts an ended run again under its own id; finished steps are not repeated.
   * @param after the attempt that ended; when a later one has begun meanwhile, nothing is started
   * @throws MlforgeError wrong_state for a run that is open or has ended well
   */
  async retry(project: string, id: string, after?: { attempt: number }): Promise<Run> {
    return this.dataSource.transaction(transaction => this.retryIn(transaction, project, id, after))
  }

  /** The same in the caller's transaction. */
  async retryIn(
    transaction: EntityManager,
    project: string,
    id: string,
    after?: { attempt: number },
  ): Promise<Run> {
    const run = await this.getIn(transaction, project, id, true)
    // Two that see the same failed attempt start it once.
    if (after && run.attempt !== after.attempt) return run
    if (run.kind === 'rollout') {
      throw new MlforgeError('wrong_state', `Rollout ${id} is over. Start another one.`)
    }
    if (!isRetryable(run.status)) {
      throw new MlforgeError(
        'wrong_state',
        `Run ${id} is ${run.status}; only a run that ended badly can be retried.`,
      )
    }
    await reopen(transaction, run)
    return this.getIn(transaction, project, id)
  }

  /**
   * Starts a run of a pipeline that has ended, however it has, again under its own id.
   * @param prepare what is to be done again, written with it
   * @throws MlforgeError wrong_state for a run that is open
   */
  async reset(
    project: string,
    id: string,
    prepare: (transaction: EntityManager) => Promise<void>,
  ): Promise<Run> {
    return this.dataSource.transaction(async transaction => {
      const run = await this.getIn(transaction, project, id, true)
      if (isOpen(run.status)) {
        throw new MlforgeError(
          'wrong_state',
          `Run ${id} is ${run.status}. Cancel it, or wait for its end, before steps of it are reset.`,
        )
      }
      await prepare(transaction)
      await reopen(transaction, run)
      return this.getIn(transaction, project, id)
    })
  }

  /**
   * Cancels a run that has not started: its promised start is withdrawn.
   * @returns false when it has started meanwhile (or has ended): then Temporal must be asked
   */
  async cancelAccepted(project: string, id: string): Promise<boolean> {
    return this.dataSource.transaction(async transaction => {
      const withdrawn = await transaction.update(
        OutboxRow,
        { runId: id, doneAt: IsNull() },
        { doneAt: new Date() },
      )
      const run = await this.getIn(transaction, project, id, true)
      if (withdrawn.affected === 0 || run.status !== 'accepted') return false
      const error = { code: 'cancelled', message: 'Cancelled before it started.' }
      return this.updateIn(transaction, id, writeSequence(run.attempt, 'closing'), {
        status: 'cancelled',
        error,
      })
    })
  }

  /** The start was made: remembers Temporal's id for links; nothing is owed any more. */
  async started(id: string, attempt: number, executionId: string): Promise<void> {
    await this.dataSource.transaction(async transaction => {
      // Promise before run, as the relay and a cancel do: in another order two of them could deadlock.
      await transaction.update(OutboxRow, { runId: id, attempt }, { doneAt: new Date() })
      await transaction.update(Run, { id, attempt }, { executionId })
    })
  }

  /** Open runs that nothing has been heard of for a while, longest first. */
  async untouched(project: string, seconds: number, limit: number): Promise<Run[]> {
    return this.dataSource
      .getRepository(Run)
      .createQueryBuilder('run')
      .where({ project })
      .andWhere(`run.status IN ('accepted', 'running')`)
      .andWhere(`run.touchedAt < now() - make_interval(secs => :seconds)`, { seconds })
      .orderBy('run.touchedAt')
      .take(limit)
      .getMany()
  }

  /** True while the relay still has to make the run's start. */
  async isStartOwed(id: string): Promise<boolean> {
    return this.dataSource.getRepository(OutboxRow).existsBy({ runId: id, doneAt: IsNull() })
  }

  /** A run was looked at and nothing was to be done: others come first the next time. */
  async touch(id: string): Promise<void> {
    await this.dataSource.getRepository(Run).update({ id }, { touchedAt: new Date() })
  }

  /** Ended runs whose history is not archived yet, those not looked at for longest first. */
  async unarchived(project: string, limit: number): Promise<Run[]> {
    return this.dataSource.getRepository(Run).find({
      where: { project, endedAt: Not(IsNull()), history: IsNull(), executionId: Not(IsNull()) },
      order: { touchedAt: 'ASC' },
      take: limit,
    })
  }

  async archived(id: string, attempt: number, history: string): Promise<void> {
    await this.dataSource.getRepository(Run).update({ id, attempt }, { history })
  }

  /**
   * Id of a training that was asked for exactly the same and has learned from it, or is about to; null for
   * none.
   * @param except the training that asks
   */
  async learned(project: string, model: string, spec: object, except: string): Promise<string | null> {
    const found = await this.dataSource
      .getRepository(Run)
      .createQueryBuilder('run')
      .where({ project, kind: 'training', name: model, id: Not(except) })
      .andWhere(`run.status IN ('accepted', 'running', 'succeeded', 'refused')`)
      .andWhere('run.request = :spec::jsonb', { spec: JSON.stringify(spec) })
      .orderBy('run.createdAt')
      .getOne()
    return found?.id ?? null
  }

  /**
   * Applies a write unless a later one is already there.
   * @param sequence from writeSequence
   * @returns whether the row has the write: also true when this very write was made before and only
   *   its answer was lost
   * @throws MlforgeError wrong_state for a status that may not follow the row's
   */
  async update(id: string, sequence: number, change: RunUpdate): Promise<boolean> {
    return this.dataSource.transaction(transaction => this.updateIn(transaction, id, sequence, change))
  }

  async updateIn(
    transaction: EntityManager,
    id: string,
    sequence: number,
    change: RunUpdate,
  ): Promise<boolean> {
    const run = await transaction.findOne(Run, { where: { id }, lock: { mode: 'pessimistic_write' } })
    if (!run || run.sequence > sequence) return false
    if (run.sequence === sequence) return isSameWrite(run, change)
    if (change.status !== undefined && !mayFollow(run.status, change.status)) {
      throw new MlforgeError('wrong_state', `Run ${id} is ${run.status} and cannot become ${change.status}.`)
    }
    const now = new Date()
    const warnings = [...new Set([...run.warnings, ...(change.warnings ?? [])])]
    Object.assign(run, change, { sequence, warnings, touchedAt: now })
    if (change.status === 'running') {
      run.startedAt ??= now
      run.error = null
    }
    if (change.status !== undefined && !isOpen(change.status)) {
      run.endedAt = now
      const code = run.error?.code ?? null
      const decision = decideRetry(run.retryPolicy, {
        status: change.status,
        code,
        attempt: run.attempt,
        endedAt: now,
      })
      run.nextAttemptAt = decision.retry ? decision.at : null
      run.retryNote = decision.retry || change.status === 'succeeded' ? null : decision.reason
    }
    await transaction.save(run)
    return true
  }

  private async getIn(manager: EntityManager, project: string, id: string, lock = false): Promise<Run> {
    const run = await manager.findOne(Run, {
      where: { project, id },
      ...(lock ? { lock: { mode: 'pessimistic_write' as const } } : {}),
    })
    if (!run) throw new MlforgeError('not_found', `There is no run ${id} in project ${project}.`)
    return run
  }

  /** Id of the run that has had this key and body before, undefined when the key is now this run's. */
  private async claim(
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
}

/** A row that could not be inserted is there already, or another open one of its name excludes it. */
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
function sameRequest({ key, runId, bodySha256: known }: IdempotencyKey, bodySha256: string): string {
  if (known === bodySha256) return runId
  throw new MlforgeError(
    'idempotency_key_reused',
    `Idempotency-Key "${key}" was used for run ${runId} with another body. Use a new key for a new request.`,
    { runId },
  )
}

/** Attempt and write are the same by the sequence; two executions of one attempt are two writers. */
function isSameWrite(run: Run, { status, executionId }: RunUpdate): boolean {
  return (
    (status === undefined || status === run.status) &&
    (executionId === undefined || executionId === run.executionId)
  )
}

async function reopen(transaction: EntityManager, run: Run): Promise<void> {
  const now = new Date()
  const attempt = run.attempt + 1
  await transaction.update(Run, run.id, {
    status: 'accepted',
    stage: 'accepted',
    attempt,
    sequence: writeSequence(attempt, 0),
    nextAttemptAt: null,
    retryNote: null,
    endedAt: null,
    history: null,
    touchedAt: now,
  })
  await promiseStart(transaction, run.id, attempt, now)
}

async function promiseStart(
  transaction: EntityManager,
  runId: string,
  attempt: number,
  now: Date,
): Promise<void> {
  await transaction.insert(OutboxRow, { runId, attempt, createdAt: now, dueAt: now, tries: 0 })
}
