import { type DataSource, type EntityManager, In, Like, Not } from 'typeorm'
import { LedgerStep } from './entities/ledger-step.js'
import { Run } from './entities/run.js'
import { assertFence, type Fence, takeLease } from './leases.js'
import { recordTouched } from './lineage-store.js'

export interface StepRef {
  readonly runId: string
  readonly step: string
  readonly generation: number
  readonly attempt: number
  /** True for a step that is no stage to show. */
  readonly hidden?: boolean
  /** What its writer takes, where steps of a run are done at the same time; the whole run where left out. */
  readonly lease?: string
}

/** What is written with the outcome of a step, in the same transaction. */
export type Effect<T> = (transaction: EntityManager) => Promise<T>

/** Finished steps of runs. A step is finished when its row is there, and then it is never done again. */
export class LedgerStore {
  constructor(private readonly dataSource: DataSource) {}

  /** Outcome of a step that is finished, undefined for one that is not. */
  async outcome<T>(ref: StepRef): Promise<T | undefined> {
    return this.find<T>(this.dataSource.manager, ref)
  }

  /**
   * Begins a step: makes the caller the writer of the run, fencing off earlier ones (of a worker thought
   * dead), and shows the step as the run's stage. A step that is finished gives its outcome and changes
   * nothing. The stage needs no sequence: only the attempt that the row is at writes it, while it runs.
   * @param alongside what else is written when the step begins
   */
  async begin<T>(
    ref: StepRef,
    owner: string,
    alongside?: Effect<unknown>,
  ): Promise<{ outcome: T } | { fence: Fence }> {
    return this.dataSource.transaction(async transaction => {
      const outcome = await this.find<T>(transaction, ref)
      if (outcome !== undefined) return { outcome }
      const { runId, step, attempt, hidden, lease = `run/${runId}` } = ref
      const fence = await takeLease(transaction, lease, owner)
      await alongside?.(transaction)
      if (hidden === true) return { fence }
      const now = new Date()
      await transaction.update(
        Run,
        { id: runId, attempt, status: 'running' },
        { stage: step, touchedAt: now },
      )
      return { fence }
    })
  }

  /** Runs a write of the current writer; one that has been taken over changes nothing. */
  async fenced<T>(fence: Fence, effect: Effect<T>): Promise<T> {
    return this.dataSource.transaction(async transaction => {
      await assertFence(transaction, fence)
      return effect(transaction)
    })
  }

  /**
   * Commits a step: its effect, its outcome and its lineage, together or not at all. When the step was finished
   * meanwhile, nothing is written and the outcome that is there is the answer.
   * @throws MlforgeError lease_lost
   */
  async finish<T extends object>(ref: StepRef, fence: Fence, effect: Effect<T>): Promise<T> {
    return this.fenced(fence, async transaction => {
      const done = await this.find<T>(transaction, ref)
      if (done !== undefined) return done
      const outcome = await effect(transaction)
      const { runId, step, generation, attempt } = ref
      const row = { runId, step, generation, attempt, outcome, finishedAt: new Date() }
      await transaction.insert(LedgerStep, row)
      await recordTouched(transaction, ref)
      return outcome
    })
  }

  /** Finished steps of a run in their order; items of maps, of which there may be many, are left out. */
  async steps(runId: string): Promise<LedgerStep[]> {
    return this.dataSource
      .getRepository(LedgerStep)
      .find({ where: { runId, step: Not(Like('%/%')) }, order: { finishedAt: 'ASC' } })
  }

  /** How many items of a map are finished, from the first on without a gap. */
  async finishedItems({
    runId,
    step,
    generation,
  }: Pick<StepRef, 'runId' | 'step' | 'generation'>): Promise<number> {
    const rows: { from: number }[] = await this.dataSource.query(
      `SELECT count(*)::int AS "from" FROM (
         SELECT item, row_number() OVER (ORDER BY item) - 1 AS place FROM (
           SELECT split_part(step, '/', 2)::int AS item FROM ledger_steps
           WHERE run_id = $1 AND generation = $3 AND step LIKE $2 || '/%') AS items) AS numbered
       WHERE item = place`,
      [runId, step, generation],
    )
    return rows[0]!.from
  }

  /** Those of some steps of a run that are finished, of every generation. */
  async finished(runId: string, steps: readonly string[]): Promise<LedgerStep[]> {
    return this.dataSource.getRepository(LedgerStep).findBy({ runId, step: In(steps) })
  }

  private async find<T>(manager: EntityManager, ref: StepRef): Promise<T | undefined> {
    const { runId, step, generation } = ref
    const row = await manager.findOneBy(LedgerStep, { runId, step, generation })
    return row === null ? undefined : (row.outcome as T)
  }
}
