import { type DataSource, type EntityManager, In, IsNull, MoreThan, Not } from 'typeorm'
import type { RunFailure } from '../../contracts/temporal/messages.js'
import type { MapRequest } from '../../contracts/temporal/pipelines.js'
import { MlforgeError } from '../../domain/errors.js'
import type { RunKind } from '../../domain/names.js'
import { decideRetry } from '../../domain/runs/retry-policy.js'
import {
  isOpen,
  isRetryable,
  mayFollow,
  type RunStatus,
  writeSequence,
} from '../../domain/runs/run-status.js'
import { IdempotencyKey } from './entities/idempotency-key.js'
import { OutboxRow } from './entities/outbox.js'
import { Run } from './entities/run.js'
import { oweEvent } from './lineage-event-store.js'
import { type AcceptRun, acceptRun, promiseStart, runIn, sameRequest } from './run-acceptance.js'
import { page, type PageOf, type PageRequest } from './paging.js'
import { releaseRunIn } from './pool-claims.js'
import { keepTransferIn, releaseTransferIn } from './transfer-store.js'

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
  /** @param wake told of runs that got what they waited for by the end of another one */
  constructor(
    private readonly dataSource: DataSource,
    private readonly wake: (runId: string) => void = () => undefined,
  ) {}

  /**
   * Takes work on: row, promised start and idempotency key in one transaction.
   * @throws MlforgeError idempotency_key_reused for a known key with another body
   */
  async accept(request: AcceptRun): Promise<{ run: Run; replayed: boolean }> {
    return this.dataSource.transaction(transaction => this.acceptIn(transaction, request))
  }

  /** The same in the caller's transaction. */
  async acceptIn(transaction: EntityManager, request: AcceptRun): Promise<{ run: Run; replayed: boolean }> {
    return acceptRun(transaction, request)
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
    return runIn(this.dataSource.manager, project, id)
  }

  /** Null where there is none with the id. */
  async find(project: string, id: string): Promise<Run | null> {
    return this.dataSource.getRepository(Run).findOneBy({ project, id })
  }

  /** The newest run of a pipeline that somebody has asked for and that succeeded; null where there is none. */
  async lastSucceeded(project: string, pipeline: string, principal: string): Promise<Run | null> {
    return this.dataSource.getRepository(Run).findOne({
      where: { project, kind: 'pipeline', name: pipeline, principal, status: 'succeeded' },
      order: { createdAt: 'DESC', id: 'DESC' },
    })
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
    const run = await runIn(transaction, project, id, true)
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
    return runIn(transaction, project, id)
  }

  /**
   * Starts a run of a pipeline that has ended, however it has, again under its own id.
   * @param prepare what is to be done again, written with it
   * @throws MlforgeError wrong_state for a run that is open
   */
  async reset(
    project: string,
    id: string,
    prepare: (transaction: EntityManager, run: Run) => Promise<void>,
  ): Promise<Run> {
    return this.dataSource.transaction(async transaction => {
      const run = await runIn(transaction, project, id, true)
      if (isOpen(run.status)) {
        throw new MlforgeError('wrong_state', `Run ${id} is ${run.status}. Cancel it, or wait for its end.`)
      }
      await prepare(transaction, run)
      await reopen(transaction, run)
      return runIn(transaction, project, id)
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
      const run = await runIn(transaction, project, id, true)
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
   * Id of a run that was asked for exactly the same and has learned from it, or is about to; null for none.
   * @param except the run that asks
   */
  async learned(
    project: string,
    { kind, name, request }: { readonly kind: RunKind; readonly name: string; readonly request: object },
    except: string,
  ): Promise<string | null> {
    const found = await this.dataSource
      .getRepository(Run)
      .createQueryBuilder('run')
      .where({ project, kind, name, id: Not(except) })
      .andWhere(`run.status IN ('accepted', 'running', 'succeeded', 'refused')`)
      .andWhere('run.request = :request::jsonb', { request: JSON.stringify(request) })
      .orderBy('run.createdAt')
      .getOne()
    return found?.id ?? null
  }

  /**
   * Applies a write unless a later one is already there. A run that ends by it gives its slots back.
   * @param sequence from writeSequence
   * @returns whether the row has the write: also true when this very write was made before and only
   *   its answer was lost
   * @throws MlforgeError wrong_state for a status that may not follow the row's
   */
  async update(id: string, sequence: number, change: RunUpdate): Promise<boolean> {
    const granted: string[] = []
    const written = await this.dataSource.transaction(transaction =>
      this.updateIn(transaction, id, sequence, change, granted),
    )
    granted.forEach(this.wake)
    return written
  }

  async updateIn(
    transaction: EntityManager,
    id: string,
    sequence: number,
    change: RunUpdate,
    granted: string[] = [],
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
    if (change.status !== undefined) await oweEvent(transaction, run)
    if (!isOpen(run.status)) granted.push(...(await releaseOf(transaction, run)))
    return true
  }
}

/** What a run that is over has of pools (a map has it in the name of the run that it does a step of), and data. */
async function releaseOf(
  transaction: EntityManager,
  { id, kind, request, nextAttemptAt }: Run,
): Promise<string[]> {
  if (isTransfer(kind) && nextAttemptAt === null) await releaseTransferIn(transaction, id)
  if (kind === 'pipeline') return releaseRunIn(transaction, id)
  if (kind !== 'map') return []
  const { runId, step } = request as MapRequest
  return releaseRunIn(transaction, runId, `${step}/`)
}

const isTransfer = (kind: RunKind): boolean => kind === 'push' || kind === 'pull'

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
  if (isTransfer(run.kind)) await keepTransferIn(transaction, run.id)
  await promiseStart(transaction, run.id, attempt, now)
}
