import { type DataSource, type EntityManager, Like, Not } from 'typeorm'
import type { PipelineRunRequest, StepOutcome } from '../../contracts/temporal/pipelines.js'
import type { RunFailure } from '../../contracts/temporal/messages.js'
import type { Json } from '../../domain/canonical-json.js'
import { MlforgeError } from '../../domain/errors.js'
import type { PipelineDefinition } from '../../domain/pipelines/definition.js'
import { generationOf } from '../../domain/pipelines/generations.js'
import { graphOf, type StepState, withFollowers } from '../../domain/pipelines/progress.js'
import { LedgerStep } from './entities/ledger-step.js'
import {
  PipelineRun,
  PipelineStep,
  PipelineVersion,
  type RollBackAsked,
  StepMemo,
} from './entities/pipeline.js'
import { Run } from './entities/run.js'
import { releaseIn, releaseRunIn } from './pool-claims.js'

export interface StepKey {
  readonly runId: string
  readonly step: string
  readonly generation: number
}

/** Definitions are immutable: some are kept at hand. */
const KEPT_DEFINITIONS = 100

/** How the steps of pipeline runs stand. What they left is in the ledger. */
export class PipelineRunStore {
  private readonly definitions = new Map<string, PipelineDefinition>()

  constructor(private readonly dataSource: DataSource) {}

  /** The definition that a run is pinned to. */
  async definitionOf({ id, request }: Pick<Run, 'id' | 'request'>): Promise<PipelineDefinition> {
    const { pipelineId, version } = request as PipelineRunRequest
    const key = `${pipelineId}/${version}`
    const kept = this.definitions.get(key)
    if (kept) return kept
    const found = await this.dataSource.getRepository(PipelineVersion).findOneBy({ pipelineId, version })
    if (!found) throw new MlforgeError('internal', `Run ${id} is of version ${version} of no known pipeline.`)
    if (this.definitions.size >= KEPT_DEFINITIONS) this.definitions.clear()
    this.definitions.set(key, found.definition)
    return found.definition
  }

  /** How often each step was asked for, where that is more than once; null before the run has begun. */
  async find(runId: string): Promise<PipelineRun | null> {
    return this.dataSource.getRepository(PipelineRun).findOneBy({ runId })
  }

  /** Those that have begun; items of maps are left out. */
  async steps(runId: string): Promise<PipelineStep[]> {
    return this.dataSource.getRepository(PipelineStep).findBy({ runId, step: Not(Like('%/%')) })
  }

  /** A step as it has been asked for so often; null before it has begun. */
  async step({ runId, step, generation }: StepKey): Promise<PipelineStep | null> {
    return this.dataSource.getRepository(PipelineStep).findOneBy({ runId, step, generation })
  }

  /** The run begins: from now on it has steps. */
  async open(runId: string): Promise<PipelineRun> {
    await this.dataSource.query(
      `INSERT INTO pipeline_runs (run_id, generations, revision) VALUES ($1, '{}', 0) ON CONFLICT DO NOTHING`,
      [runId],
    )
    return this.dataSource.getRepository(PipelineRun).findOneByOrFail({ runId })
  }

  /** Steps are asked for once more: what they left is that of an earlier generation. */
  async raise(transaction: EntityManager, runId: string, steps: readonly string[]): Promise<void> {
    const run = await transaction.findOneBy(PipelineRun, { runId })
    const { generations = {}, revision = 0 } = run ?? {}
    const raised = steps.map(step => [step, generationOf(generations, step) + 1] as const)
    await transaction.save(PipelineRun, {
      runId,
      generations: { ...generations, ...Object.fromEntries(raised) },
      revision: revision + 1,
    })
  }

  /** The run's next attempt undoes its steps, and does nothing else. */
  async askRollBack(transaction: EntityManager, runId: string, asked: RollBackAsked): Promise<void> {
    const run = await transaction.findOneBy(PipelineRun, { runId })
    const { generations = {}, revision = 0 } = run ?? {}
    await transaction.save(PipelineRun, { runId, generations, revision: revision + 1, rollBack: asked })
  }

  /**
   * A step is undone: it and what followed from it have left nothing that a later attempt may keep, and its
   * outcome is not taken over any more.
   * @param input what has undone it
   */
  async undo(transaction: EntityManager, { runId, generation }: StepKey, step: string): Promise<void> {
    const run = await transaction.findOneByOrFail(Run, { id: runId })
    const graph = graphOf(await this.definitionOf(run))
    const at = graph.steps.findIndex(({ name }) => name === step)
    const raised = withFollowers(graph, [at]).map(each => graph.steps[each]!.name)
    await this.raise(transaction, runId, raised)
    await transaction.delete(StepMemo, { runId, step, generation })
  }

  /**
   * A step begins, or is taken up by another worker: in a new attempt of the run it counts anew.
   * @returns its row as it is now
   */
  async begin(
    transaction: EntityManager,
    { runId, step, generation }: StepKey,
    {
      attempt,
      counts,
      inputs,
    }: {
      readonly attempt: number
      /** Whether it is a start to be counted. */
      readonly counts: boolean
      readonly inputs: Readonly<Record<string, Json>>
    },
  ): Promise<PipelineStep> {
    await transaction.query(
      `INSERT INTO pipeline_steps AS known (run_id, step, generation, state, attempt, tries, starts, inputs, started_at)
       VALUES ($1, $2, $3, 'running', $4, 0, $6, $5, now())
       ON CONFLICT (run_id, step, generation) DO UPDATE SET
         state = 'running', inputs = $5, error = NULL, ended_at = NULL, attempt = $4,
         tries = CASE WHEN known.attempt = $4 THEN known.tries ELSE 0 END,
         starts = CASE WHEN known.attempt = $4 THEN known.starts + $6 ELSE $6 END,
         started_at = CASE WHEN known.attempt = $4 THEN known.started_at ELSE now() END`,
      [runId, step, generation, attempt, JSON.stringify(inputs), counts ? 1 : 0],
    )
    await touch(transaction, runId)
    return transaction.findOneByOrFail(PipelineStep, { runId, step, generation })
  }

  /**
   * A try has failed.
   * @param counts false where that was not the step's own failure
   * @returns how many of its own it has had, in this attempt of the run
   */
  async failedTry(
    transaction: EntityManager,
    { runId, step, generation }: StepKey,
    error: RunFailure,
    counts: boolean,
  ): Promise<number> {
    const rows: [{ tries: number }[], number] = await transaction.query(
      `UPDATE pipeline_steps SET tries = tries + $5, error = $4
       WHERE run_id = $1 AND step = $2 AND generation = $3 RETURNING tries`,
      [runId, step, generation, JSON.stringify(error), counts ? 1 : 0],
    )
    await touch(transaction, runId)
    return rows[0][0]?.tries ?? 1
  }

  /** The step is done by a run of its own, which this attempt of the run has started. */
  async setChild(
    transaction: EntityManager,
    { runId, step, generation }: StepKey,
    child: string,
    childAttempt: number,
  ): Promise<void> {
    await transaction.update(PipelineStep, { runId, step, generation }, { child, childAttempt })
    await touch(transaction, runId)
  }

  /** A worker that shuts down gives the step to another one: it was not lost. */
  async handBack(transaction: EntityManager, { runId, step, generation }: StepKey): Promise<void> {
    await transaction.decrement(PipelineStep, { runId, step, generation }, 'starts', 1)
  }

  /** A step has ended well. @param log object of its whole log */
  async succeed(
    transaction: EntityManager,
    { runId, step, generation }: StepKey,
    log: string | null,
  ): Promise<void> {
    const end = { state: 'succeeded' as const, error: null, log, endedAt: new Date() }
    await transaction.update(PipelineStep, { runId, step, generation }, end)
    await touch(transaction, runId)
  }

  /**
   * Ends steps that failed or were stopped, also before they had begun, and gives back what slots they had. A
   * later attempt has its own word.
   * @returns runs that got what they waited for
   */
  async endAll(
    runId: string,
    attempt: number,
    ends: readonly { step: string; generation: number; state: StepState; error?: RunFailure }[],
  ): Promise<string[]> {
    return this.dataSource.transaction(async transaction => {
      const ended: StepKey[] = []
      for (const { step, generation, state, error } of ends) {
        const written: unknown[] = await transaction.query(
          `INSERT INTO pipeline_steps AS known
             (run_id, step, generation, state, attempt, tries, starts, inputs, error, started_at, ended_at)
           VALUES ($1, $2, $3, $4, $5, 0, 0, '{}', $6, now(), now())
           ON CONFLICT (run_id, step, generation) DO UPDATE SET
             state = $4, attempt = $5, error = $6, ended_at = now()
           WHERE known.attempt <= $5 AND known.state <> 'succeeded' RETURNING 1`,
          [runId, step, generation, state, attempt, error ? JSON.stringify(error) : null],
        )
        if (written.length > 0) ended.push({ runId, step, generation })
      }
      await touch(transaction, runId)
      return releaseIn(transaction, ended)
    })
  }

  /**
   * What still works in a run that has ended without a word works no longer.
   * @param prefix of the steps that are meant: of a map its items
   * @returns runs that got what they waited for
   */
  async endRunning(runId: string, prefix = ''): Promise<string[]> {
    return this.dataSource.transaction(async transaction => {
      await transaction.update(
        PipelineStep,
        { runId, state: 'running', step: Like(`${prefix}%`) },
        { state: 'cancelled', endedAt: new Date() },
      )
      await touch(transaction, runId)
      return releaseRunIn(transaction, runId, prefix)
    })
  }

  /** The newest outcome of a step with these inputs; null where none is young enough. */
  async remembered(
    project: string,
    key: string,
    maxAgeSeconds: number | null,
  ): Promise<{ readonly memo: StepMemo; readonly outcome: StepOutcome } | null> {
    const memo = await this.dataSource.getRepository(StepMemo).findOneBy({ project, key })
    if (!memo) return null
    const { runId, step, generation, createdAt } = memo
    if (maxAgeSeconds !== null && Date.now() - createdAt.getTime() > maxAgeSeconds * 1000) return null
    const row = await this.dataSource.getRepository(LedgerStep).findOneBy({ runId, step, generation })
    return row && { memo, outcome: row.outcome as StepOutcome }
  }

  async remember(
    transaction: EntityManager,
    project: string,
    key: string,
    { runId, step, generation }: StepKey,
  ): Promise<void> {
    await transaction.upsert(StepMemo, { project, key, runId, step, generation, createdAt: new Date() }, [
      'project',
      'key',
    ])
  }
}

/** Counts a write to a run's steps. */
async function touch(transaction: EntityManager, runId: string): Promise<void> {
  await transaction.increment(PipelineRun, { runId }, 'revision', 1)
}
