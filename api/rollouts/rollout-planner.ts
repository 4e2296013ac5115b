import { Inject, Injectable } from '@nestjs/common'
import type { RolloutDryRun, StartRollout } from '../../contracts/rest/rollouts.js'
import { MlforgeError } from '../../domain/errors.js'
import { compileStrategy } from '../../domain/rollouts/compile.js'
import { describePlan } from '../../domain/rollouts/describe-plan.js'
import type { RolloutSpec } from '../../domain/rollouts/spec.js'
import { stableArm } from '../../domain/routing/plan.js'
import { DeploymentStore } from '../../stores/postgres/deployment-store.js'
import type { Deployment } from '../../stores/postgres/entities/deployment.js'
import { ModelStore } from '../../stores/postgres/model-store.js'
import { RunStore } from '../../stores/postgres/run-store.js'
import type { Principal } from '../http/request.js'
import { invalidRequest } from '../http/validation.js'
import { strategyFieldProblems, strategyOf } from './strategy.js'

/** Stands for the version that a forced registration will get: none has this number. */
const NOT_YET_REGISTERED = 2 ** 31 - 1

/** Requests for rollouts, checked against what is there: a wrong one is answered now and not by a run. */
@Injectable()
export class RolloutPlanner {
  constructor(
    @Inject(DeploymentStore) private readonly deployments: DeploymentStore,
    @Inject(ModelStore) private readonly models: ModelStore,
    @Inject(RunStore) private readonly runs: RunStore,
  ) {}

  async plan(caller: Principal, name: string, body: StartRollout): Promise<RolloutSpec> {
    const { version, training, force, reason, strategy } = body
    const problems = strategy ? strategyFieldProblems(strategy) : []
    if ((version === undefined) === (training === undefined)) {
      problems.push({ at: 'version', message: 'Give either version or training.' })
    }
    if (training !== undefined && !force) {
      problems.push({ at: 'force', message: 'A training that the gate refused needs force with a reason.' })
    }
    if (problems.length > 0) throw invalidRequest(problems)
    if (force && caller.role !== 'admin') {
      throw new MlforgeError('forbidden', 'Only the role admin may force a rollout.')
    }
    const deployment = await this.deployments.get(caller.project, name)
    const candidate =
      version === undefined
        ? await this.refused(caller, deployment, training!)
        : { version: (await this.models.version(caller.project, deployment.model, version)).version }
    const spec: RolloutSpec = {
      deployment: deployment.name,
      model: deployment.model,
      candidate,
      strategy: strategyOf(strategy),
      force: force ? { reason: force.reason } : null,
      reason,
    }
    compileStrategy(spec.strategy, await this.versions(deployment, candidate))
    return spec
  }

  async dryRun(caller: Principal, name: string, body: StartRollout): Promise<RolloutDryRun> {
    const { strategy, candidate } = await this.plan(caller, name, body)
    const deployment = await this.deployments.get(caller.project, name)
    const plan = compileStrategy(strategy, await this.versions(deployment, candidate))
    return {
      deployment: name,
      candidate: 'version' in candidate ? candidate.version : null,
      stable: plan.stable,
      strategy: plan.strategy,
      lines: describePlan(plan),
    }
  }

  private async versions(deployment: Deployment, candidate: RolloutSpec['candidate']) {
    const current = await this.deployments.plan(deployment.id)
    return {
      candidate: 'version' in candidate ? candidate.version : NOT_YET_REGISTERED,
      stable: (current && stableArm(current.plan)?.version) ?? null,
    }
  }

  /** What a refused training left; one that was registered meanwhile is its version. */
  private async refused(
    { project }: Principal,
    { model, name }: Deployment,
    id: string,
  ): Promise<RolloutSpec['candidate']> {
    const run = await this.runs.get(project, id)
    if (run.kind !== 'training' || run.name !== model) {
      throw new MlforgeError(
        'not_found',
        `Run ${id} is no training of model "${model}", which deployment "${name}" serves.`,
      )
    }
    const registered = await this.models.versionOfRun(id)
    if (registered) return { version: registered.version }
    if (run.status === 'refused' && run.error?.code === 'gate_refused') return { training: id }
    throw new MlforgeError(
      'wrong_state',
      `Training ${id} is ${run.status}; only one that the gate refused can be forced.`,
    )
  }
}
