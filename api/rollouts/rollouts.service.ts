import { Inject, Injectable } from '@nestjs/common'
import type { Config } from '../../config/config.js'
import type { Page, PageQuery } from '../../contracts/rest/common.js'
import type {
  FollowAlias,
  FreezeDeployment,
  Rollout,
  RolloutDecision,
  RolloutSummary,
  StartRollout,
} from '../../contracts/rest/rollouts.js'
import { MlforgeError } from '../../domain/errors.js'
import { compileStrategy } from '../../domain/rollouts/compile.js'
import type { RolloutSpec } from '../../domain/rollouts/spec.js'
import { NOT_RETRIED } from '../../domain/runs/retry-policy.js'
import { DeploymentStore } from '../../stores/postgres/deployment-store.js'
import type { Run } from '../../stores/postgres/entities/run.js'
import { LedgerStore } from '../../stores/postgres/ledger-store.js'
import { RolloutStore } from '../../stores/postgres/rollout-store.js'
import { type RunFilter, RunStore } from '../../stores/postgres/run-store.js'
import type { Idempotency } from '../http/idempotency.js'
import { mapPage } from '../http/paging.js'
import type { Principal } from '../http/request.js'
import { invalidRequest } from '../http/validation.js'
import { CONFIG } from '../platform/tokens.js'
import { RunsService } from '../runs/runs.service.js'
import { LiveDetail } from '../temporal/live-detail.js'
import { RolloutPlanner } from './rollout-planner.js'
import { decisionView, rolloutSummary, rolloutView } from './rollout-view.js'
import { strategyFieldProblems, strategyOf } from './strategy.js'

@Injectable()
export class RolloutsService {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    @Inject(DeploymentStore) private readonly deployments: DeploymentStore,
    @Inject(RunStore) private readonly rows: RunStore,
    @Inject(LedgerStore) private readonly ledger: LedgerStore,
    @Inject(RolloutStore) private readonly rollouts: RolloutStore,
    @Inject(RunsService) private readonly runs: RunsService,
    @Inject(RolloutPlanner) private readonly planner: RolloutPlanner,
    @Inject(LiveDetail) private readonly live: LiveDetail,
  ) {}

  async start(
    caller: Principal,
    name: string,
    body: StartRollout,
    idempotency?: Idempotency,
  ): Promise<Rollout> {
    // What was valid then need not be now: the version may serve by this very request.
    const known = idempotency && (await this.rows.replayed(caller.project, caller.name, idempotency))
    if (known) return this.view(known)
    return this.accept(caller, await this.planner.plan(caller, name, body), idempotency)
  }

  /** Starts what a specification says, or joins the request that was sent before. */
  async accept(caller: Principal, spec: RolloutSpec, idempotency?: Idempotency): Promise<Rollout> {
    const run = await this.runs.accept(caller, {
      kind: 'rollout',
      name: spec.deployment,
      request: spec,
      // What went wrong was taken back; going forward again is for somebody to decide.
      retryPolicy: NOT_RETRIED,
      ...(idempotency ? { idempotency } : {}),
    })
    return this.view(run)
  }

  async list(
    { project }: Principal,
    { deployment, ...query }: Omit<RunFilter, 'kind' | 'name'> & { deployment?: string },
  ): Promise<Page<RolloutSummary>> {
    const page = await this.rows.list(project, {
      ...query,
      kind: 'rollout',
      ...(deployment === undefined ? {} : { name: deployment }),
    })
    return mapPage(page, run => rolloutSummary(run, this.config.temporal))
  }

  async get({ project }: Principal, id: string): Promise<Rollout> {
    return this.view(await this.find(project, id))
  }

  async decisions({ project }: Principal, id: string, query: PageQuery): Promise<Page<RolloutDecision>> {
    const run = await this.find(project, id)
    return mapPage(await this.rollouts.decisions(run.id, query), decisionView)
  }

  async freeze({ project }: Principal, name: string, body: FreezeDeployment | null): Promise<void> {
    const { id } = await this.deployments.get(project, name)
    if (body && Date.parse(body.until) <= Date.parse(body.from)) {
      throw invalidRequest([{ at: 'until', message: 'Must be later than from.' }])
    }
    await this.deployments.freeze(id, body && { from: body.from, until: body.until, reason: body.reason })
  }

  async follow({ project }: Principal, name: string, body: FollowAlias | null): Promise<void> {
    const { id } = await this.deployments.get(project, name)
    const problems = body?.strategy ? strategyFieldProblems(body.strategy) : []
    if (problems.length > 0) throw invalidRequest(problems)
    const following = body && { alias: body.alias ?? 'champion', strategy: strategyOf(body.strategy) }
    // Against any two versions: what is wrong with it is said now, not with the first move.
    if (following) compileStrategy(following.strategy, { candidate: 2, stable: 1 })
    await this.deployments.follow(id, following)
  }

  async find(project: string, id: string): Promise<Run> {
    const run = await this.rows.get(project, id)
    if (run.kind === 'rollout') return run
    throw new MlforgeError('not_found', `Run ${id} is no rollout. Any run is at /v1/operations/${id}.`)
  }

  private async view(run: Run): Promise<Rollout> {
    const { id } = await this.deployments.get(run.project, run.name)
    const [steps, plans, live] = await Promise.all([
      this.ledger.steps(run.id),
      this.deployments.plansOf(id, run.id),
      this.live.of(run),
    ])
    return rolloutView(run, this.config.temporal, steps, plans, live)
  }
}
