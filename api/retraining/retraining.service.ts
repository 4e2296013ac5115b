import { Inject, Injectable } from '@nestjs/common'
import type { Retraining, RetrainingTemplate, SetRetraining } from '../../contracts/rest/retraining.js'
import { DAY_MS } from '../../domain/drift/windows.js'
import { MlforgeError } from '../../domain/errors.js'
import type { ModelSignature } from '../../domain/models/signature.js'
import { policyProblems } from '../../domain/retraining/check-policy.js'
import {
  incidentPolicy,
  type RetrainingPolicy,
  type TrainingTemplate,
} from '../../domain/retraining/policy.js'
import { stableArm } from '../../domain/routing/plan.js'
import type { DatasetFacts } from '../../domain/training/build-spec.js'
import { DatasetStore } from '../../stores/postgres/dataset-store.js'
import { DeploymentStore } from '../../stores/postgres/deployment-store.js'
import type { Principal } from '../http/request.js'
import { invalidRequest } from '../http/validation.js'
import { strategyFieldProblems, strategyOf } from '../rollouts/strategy.js'

const HOUR_MS = 3_600_000

@Injectable()
export class RetrainingService {
  constructor(
    @Inject(DeploymentStore) private readonly deployments: DeploymentStore,
    @Inject(DatasetStore) private readonly datasets: DatasetStore,
  ) {}

  /**
   * A policy is set as a whole, and only one that a retraining could end well by: what is wrong is found
   * now, not when an incident needs it.
   */
  async set({ project }: Principal, name: string, body: SetRetraining): Promise<Retraining> {
    const { id, model } = await this.deployments.get(project, name)
    const version = await this.datasets.version(project, body.dataset, 'latest')
    const misplaced = body.strategy ? strategyFieldProblems(body.strategy) : []
    const policy = policyOf(body)
    const facts = {
      model,
      dataset: { ...version, name: body.dataset } as DatasetFacts,
      serving: await this.serving(id),
    }
    const problems = [...misplaced, ...policyProblems(policy, facts)]
    if (problems.length > 0) throw invalidRequest(problems)
    await this.deployments.setRetraining(id, policy)
    return view(policy)
  }

  async get({ project }: Principal, name: string): Promise<Retraining> {
    const { retraining } = await this.deployments.get(project, name)
    if (retraining) return view(retraining)
    throw new MlforgeError(
      'not_found',
      `Deployment "${name}" has no policy to retrain by. Set one by PUT /v1/deployments/${name}/retraining.`,
    )
  }

  private async serving(deploymentId: string): Promise<ModelSignature | null> {
    const current = await this.deployments.plan(deploymentId)
    const stable = current && stableArm(current.plan)
    return current?.versions.find(({ version }) => version === stable?.version)?.signature ?? null
  }
}

/** Plain, without what is undefined, as the deployment's row will have it. */
function policyOf({ strategy, holdout = 'month', incident = {}, ...rest }: SetRetraining): RetrainingPolicy {
  const { training, ...data } = JSON.parse(JSON.stringify(rest)) as Omit<SetRetraining, 'training'> & {
    training: TrainingTemplate
  }
  return {
    ...data,
    training,
    holdout,
    strategy: strategyOf(strategy),
    incident: JSON.parse(JSON.stringify(incident)) as RetrainingPolicy['incident'],
  }
}

function view({ dataset, timeColumn, training, holdout, strategy, incident }: RetrainingPolicy): Retraining {
  const limits = incidentPolicy(incident)
  return {
    dataset,
    timeColumn,
    training: structuredClone(training) as RetrainingTemplate,
    holdout,
    strategy,
    incident: {
      minLabelledRows: limits.requiredRows,
      healthyToClose: limits.healthyToClose,
      maxRetrainings: limits.maxAutomaticRetrainings,
      retrainingsApartDays: limits.retrainingsApartMs / DAY_MS,
      rolloutDeadlineHours: limits.rolloutDeadlineMs / HOUR_MS,
    },
  }
}
