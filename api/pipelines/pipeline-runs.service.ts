import { Inject, Injectable } from '@nestjs/common'
import type { FastifyReply } from 'fastify'
import type { Config } from '../../config/config.js'
import type { Page } from '../../contracts/rest/common.js'
import type { PipelineRun, PipelineRunSummary, StartPipelineRun } from '../../contracts/rest/pipeline-runs.js'
import type { PipelineLive } from '../../contracts/temporal/pipelines.js'
import { MlforgeError } from '../../domain/errors.js'
import { compensatedBy } from '../../domain/pipelines/compensations.js'
import type { StepSpec } from '../../domain/pipelines/definition.js'
import { generationOf } from '../../domain/pipelines/generations.js'
import { graphOf, withFollowers } from '../../domain/pipelines/progress.js'
import { didYouMean } from '../../domain/suggest.js'
import { DatasetStore } from '../../stores/postgres/dataset-store.js'
import type { Run } from '../../stores/postgres/entities/run.js'
import { LedgerStore } from '../../stores/postgres/ledger-store.js'
import { pipelineRunRequest } from '../../stores/postgres/pipeline-requests.js'
import { PipelineRunStore } from '../../stores/postgres/pipeline-run-store.js'
import { PipelineStore } from '../../stores/postgres/pipeline-store.js'
import { PoolStore } from '../../stores/postgres/pool-store.js'
import { turnIn } from '../../stores/postgres/pool-turn.js'
import { type RunFilter, RunStore } from '../../stores/postgres/run-store.js'
import { SuiteStore } from '../../stores/postgres/suite-store.js'
import type { Idempotency } from '../http/idempotency.js'
import { mapPage } from '../http/paging.js'
import type { Principal } from '../http/request.js'
import { invalidRequest } from '../http/validation.js'
import { RunEvents } from '../operations/run-events.js'
import { CONFIG } from '../platform/tokens.js'
import { RunsService } from '../runs/runs.service.js'
import { LiveDetail } from '../temporal/live-detail.js'
import { pipelineRunSummary, pipelineRunView } from './pipeline-run-view.js'

@Injectable()
export class PipelineRunsService {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    @Inject(PipelineStore) readonly pipelines: PipelineStore,
    @Inject(DatasetStore) readonly datasets: DatasetStore,
    @Inject(SuiteStore) readonly suites: SuiteStore,
    @Inject(PipelineRunStore) private readonly pipelineRuns: PipelineRunStore,
    @Inject(PoolStore) private readonly pools: PoolStore,
    @Inject(RunStore) private readonly rows: RunStore,
    @Inject(LedgerStore) private readonly ledger: LedgerStore,
    @Inject(RunsService) private readonly runs: RunsService,
    @Inject(RunEvents) private readonly runEvents: RunEvents,
    @Inject(LiveDetail) private readonly live: LiveDetail,
  ) {}

  async start(
    caller: Principal,
    name: string,
    { parameters = {}, version, priority, code }: StartPipelineRun,
    idempotency?: Idempotency,
  ): Promise<PipelineRun> {
    // The newest definition may be another one by now, or take other parameters.
    const known = idempotency && (await this.rows.replayed(caller.project, caller.name, idempotency))
    if (known) return this.view(known)
    const { definition, request, problems } = await pipelineRunRequest(this, caller.project, {
      pipeline: name,
      parameters,
      version,
    })
    if (request === null) throw invalidRequest(problems)
    const { retry, concurrency } = definition
    const run = await this.runs.accept(caller, {
      kind: 'pipeline',
      name,
      request: { ...request, ...(code && { code }) },
      ...(retry ? { retryPolicy: retry } : {}),
      ...(idempotency ? { idempotency } : {}),
      priority: priority ?? definition.priority ?? null,
      alongside: async (transaction, taken) => {
        await turnIn(transaction, taken, definition, concurrency?.whenFull === 'refuse')
      },
    })
    return this.view(run)
  }

  async list(
    { project }: Principal,
    { pipeline, ...query }: Omit<RunFilter, 'kind' | 'name'> & { pipeline?: string },
  ): Promise<Page<PipelineRunSummary>> {
    const page = await this.rows.list(project, {
      ...query,
      kind: 'pipeline',
      ...(pipeline === undefined ? {} : { name: pipeline }),
    })
    return mapPage(page, run => pipelineRunSummary(run, this.config.temporal))
  }

  async get({ project }: Principal, id: string): Promise<PipelineRun> {
    return this.view(await this.find(project, id))
  }

  async cancel(caller: Principal, id: string): Promise<PipelineRun> {
    await this.find(caller.project, id)
    return this.view(await this.runs.cancel(caller, id))
  }

  async retry(caller: Principal, id: string): Promise<PipelineRun> {
    await this.find(caller.project, id)
    return this.view(await this.runs.retry(caller, id))
  }

  /** Does steps again, with all that follow from them, in a run that has ended. */
  async reset(caller: Principal, id: string, names: readonly string[]): Promise<PipelineRun> {
    const definition = await this.pipelineRuns.definitionOf(await this.find(caller.project, id))
    const graph = graphOf(definition)
    const known = graph.steps.map(({ name }) => name)
    const positions = names.map(name => known.indexOf(name))
    const unknown = names.filter((_, i) => positions[i] === -1)
    if (unknown.length > 0) {
      throw invalidRequest(
        unknown.map(name => ({
          at: 'steps',
          message: `Pipeline "${definition.name}" has no step "${name}".${didYouMean(name, known)}`,
        })),
      )
    }
    const again = withFollowers(graph, positions).map(at => known[at]!)
    return this.view(
      await this.runs.reset(caller, id, transaction => this.pipelineRuns.raise(transaction, id, again)),
    )
  }

  /** @throws MlforgeError not_found, wrong_state where no step can be undone */
  async assertUndoable(project: string, id: string): Promise<void> {
    const { name, steps } = await this.pipelineRuns.definitionOf(await this.find(project, id))
    if (steps.some(({ compensate }) => compensate !== undefined)) return
    throw new MlforgeError(
      'wrong_state',
      `No step of pipeline "${name}" says how it is undone ("compensate"), as run ${id} has it.`,
    )
  }

  /** Undoes the steps of a run that has ended. */
  async rollBack(caller: Principal, id: string, reason: string | null): Promise<PipelineRun> {
    return this.view(
      await this.runs.reset(caller, id, (transaction, { attempt }) =>
        this.pipelineRuns.askRollBack(transaction, id, { attempt: attempt + 1, by: caller.name, reason }),
      ),
    )
  }

  /** The run whenever it, or a step of it, changed. */
  async events(run: Run, reply: FastifyReply, lastEventId: string | undefined): Promise<void> {
    await this.runEvents.stream(run, reply, lastEventId, {
      idOf: async ({ id, sequence }) => `${sequence}.${(await this.pipelineRuns.find(id))?.revision ?? 0}`,
      viewOf: now => this.view(now),
    })
  }

  async find(project: string, id: string): Promise<Run> {
    const run = await this.rows.get(project, id)
    if (run.kind === 'pipeline') return run
    throw new MlforgeError(
      'not_found',
      `Run ${id} is no run of a pipeline. Any run is at /v1/operations/${id}.`,
    )
  }

  /**
   * A step of a run.
   * @param asked which time it was asked for; the last where it is left out
   * @throws MlforgeError not_found with the nearest name
   */
  async step(
    project: string,
    id: string,
    name: string,
    asked?: number,
  ): Promise<{ run: Run; spec: StepSpec; generation: number; newest: number }> {
    const run = await this.find(project, id)
    const { name: pipeline, steps } = await this.pipelineRuns.definitionOf(run)
    const undone = steps.find(each => each.name === compensatedBy(name))
    const undo = undone?.compensate
    const spec = undo ? { ...undo, name, needs: [undone.name] } : steps.find(each => each.name === name)
    if (!spec) {
      const known = steps.map(each => each.name)
      throw new MlforgeError(
        'not_found',
        `Pipeline "${pipeline}" has no step "${name}".${didYouMean(name, known)} The steps of run ${id} are at /v1/pipeline-runs/${id}.`,
      )
    }
    const newest = generationOf((await this.pipelineRuns.find(id))?.generations ?? {}, undone?.name ?? name)
    const generation = asked ?? newest
    if (generation <= newest) return { run, spec, generation, newest }
    throw new MlforgeError(
      'not_found',
      `Step "${name}" of run ${id} has no generation ${generation}: its newest is ${newest}.`,
    )
  }

  private async view(run: Run): Promise<PipelineRun> {
    const [definition, own, rows, finished, queued, live] = await Promise.all([
      this.pipelineRuns.definitionOf(run),
      this.pipelineRuns.find(run.id),
      this.pipelineRuns.steps(run.id),
      this.ledger.steps(run.id),
      this.pools.queuedOf(run.id),
      this.live.of(run),
    ])
    const known = { definition, generations: own?.generations ?? {}, rows, finished, queued }
    return pipelineRunView(run, this.config.temporal, known, (live?.answer as PipelineLive) ?? null)
  }
}
