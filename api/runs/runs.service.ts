import { Inject, Injectable } from '@nestjs/common'
import { WorkflowNotFoundError } from '@temporalio/client'
import type { EntityManager } from 'typeorm'
import type { Config } from '../../config/config.js'
import { startOptions } from '../../contracts/temporal/start-options.js'
import { MlforgeError } from '../../domain/errors.js'
import type { RetryPolicy } from '../../domain/runs/retry-policy.js'
import { isOpen } from '../../domain/runs/run-status.js'
import type { Run } from '../../stores/postgres/entities/run.js'
import type { AcceptRun } from '../../stores/postgres/run-acceptance.js'
import { RunStore } from '../../stores/postgres/run-store.js'
import { RunWakes } from '../../stores/redis/wake.js'
import type { Principal } from '../http/request.js'
import { CONFIG, LOGGER, type Log } from '../platform/tokens.js'
import { Temporal } from '../temporal/temporal.js'

const START_DEADLINE_MS = 2_000
const VERB_DEADLINE_MS = 5_000

export type NewRun = Pick<
  AcceptRun,
  'kind' | 'name' | 'request' | 'idempotency' | 'priority' | 'alongside'
> & {
  warnings?: readonly string[]
  /** That of the configuration where it is left out. */
  retryPolicy?: RetryPolicy
}

/** What runs of every kind have in common: how they begin, stop and begin again. */
@Injectable()
export class RunsService {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    @Inject(LOGGER) private readonly log: Log,
    @Inject(RunStore) private readonly runs: RunStore,
    @Inject(RunWakes) private readonly wakes: RunWakes,
    @Inject(Temporal) private readonly temporal: Temporal,
  ) {}

  /** Takes work on. The answer is the row, whether or not its workflow could be started yet. */
  async accept(caller: Principal, request: NewRun): Promise<Run> {
    const { codes, maxAttempts, delaySeconds } = this.config.retries
    const { run, replayed } = await this.runs.accept({
      retryPolicy: { codes, maxAttempts, delaySeconds },
      ...request,
      project: caller.project,
      principal: caller.name,
      trigger: 'api',
    })
    return replayed ? run : this.start(run)
  }

  /**
   * Asks a run to stop. One that waits for its start ends here; one that works ends when its
   * workflow has cleaned up, so the answer still says running.
   * @throws MlforgeError wrong_state, unavailable
   */
  async cancel({ project }: Principal, id: string): Promise<Run> {
    const run = await this.runs.get(project, id)
    if (!isOpen(run.status)) {
      throw new MlforgeError(
        'wrong_state',
        `Run ${id} is ${run.status} already; only an open run can be cancelled.`,
      )
    }
    if (run.status === 'accepted' && (await this.runs.cancelAccepted(project, id))) {
      this.wakes.publish(id)
      // A start under way at this moment finds the row closed and ends by itself.
      return this.runs.get(project, id)
    }
    try {
      await this.temporal.within(VERB_DEADLINE_MS, client =>
        client.workflow.getHandle(run.workflowId).cancel(),
      )
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw error
      const now = await this.runs.get(project, id)
      throw new MlforgeError(
        'wrong_state',
        `Run ${id} has ended meanwhile (${now.status}); look at it again.`,
      )
    }
    return this.runs.get(project, id)
  }

  /** @throws MlforgeError wrong_state for a run that is open or has ended well */
  async retry({ project }: Principal, id: string): Promise<Run> {
    const run = await this.runs.retry(project, id)
    this.wakes.publish(id)
    return this.start(run)
  }

  /**
   * Starts an ended run of a pipeline again, however it has ended.
   * @param prepare what is to be done again, written with it
   */
  async reset(
    { project }: Principal,
    id: string,
    prepare: (transaction: EntityManager, run: Run) => Promise<void>,
  ): Promise<Run> {
    const run = await this.runs.reset(project, id, prepare)
    this.wakes.publish(id)
    return this.start(run)
  }

  /** Tries once; what does not work out is the outbox relay's. */
  private async start(run: Run): Promise<Run> {
    const limits = {
      heartbeatTimeoutSeconds: this.config.worker.heartbeatTimeoutSeconds,
      lookEverySeconds: this.config.rollouts.lookEverySeconds,
    }
    const { type, input, options } = startOptions(run, limits)
    try {
      const handle = await this.temporal.within(START_DEADLINE_MS, client =>
        client.workflow.start(type, { ...options, args: [input] }),
      )
      // The attempt before may still be ending and have been joined: the relay starts this one then.
      if (run.attempt > 1 && handle.firstExecutionRunId === run.executionId) return run
      await this.runs.started(run.id, run.attempt, handle.firstExecutionRunId)
      return await this.runs.get(run.project, run.id)
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      this.log.warn({ runId: run.id, reason }, 'not started yet; the relay will')
      return run
    }
  }
}
