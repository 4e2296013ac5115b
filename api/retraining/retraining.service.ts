import { Inject, Injectable } from '@nestjs/common'
import type { Retraining, RetrainingTemplate, SetRetraining } from '../../contracts/rest/retraining.js'
import { DAY_MS } from '../../domain/drift/windows.js'
import { MlforgeError } from '../../domain/errors.js'
import { policyProblems } from '../../domain/retraining/check-policy.js'
import { boundProblems } from '../../domain/pipelines/bounds.js'
import { located } from '../../domain/pipelines/problems.js'
import {
  incidentPolicy,
  type PipelineRetrainingPolicy,
  type RetrainingPolicy,
  type TrainingTemplate,
} from '../../domain/retraining/policy.js'
import type { DatasetFacts } from '../../domain/training/build-spec.js'
import { DatasetStore } from '../../stores/postgres/dataset-store.js'
import { DeploymentStore } from '../../stores/postgres/deployment-store.js'
import { PipelineStore } from '../../stores/postgres/pipeline-store.js'
import type { Principal } from '../http/request.js'
import { invalidRequest } from '../http/validation.js'
import { strategyFieldProblems, strategyOf } from '../rollouts/strategy.js'

type PipelineParameters = PipelineRetrainingPolicy['pipeline']['parameters']

const HOUR_MS = 3_600_000

@Injectable()
export class RetrainingService {
  constructor(
    @Inject(DeploymentStore) private readonly deployments: DeploymentStore,
    @Inject(DatasetStore) private readonly datasets: DatasetStore,
    @Inject(PipelineStore) private readonly pipelines: PipelineStore,
  ) {}

  /**
   * A policy is set as a whole, and only one that a retraining could end well by: what is wrong is found
   * now, not when an incident needs it.
   */
  async set({ project }: Principal, name: string, body: SetRetraining): Promise<Retraining> {
    const { id, model } = await this.deployments.get(project, name)
    if ((body.training === undefined) === (body.pipeline === undefined)) {
      const message = 'Give what the version comes from: either `training` or `pipeline`.'
      throw invalidRequest([{ at: body.training ? 'pipeline' : 'training', message }])
    }
    const { problems: unfit } = boundProblems(body.pipeline?.parameters ?? {}, ['pipeline', 'parameters'])
    if (unfit.length > 0) throw invalidRequest(unfit.map(located))
    const version = await this.datasets.table(project, body.dataset, 'latest')
    const misplaced = body.strategy ? strategyFieldProblems(body.strategy) : []
    const policy = policyOf(body)
    const pipeline = policy.pipeline && (await this.pipelines.version(project, policy.pipeline.name))
    const facts = {
      model,
      dataset: { ...version, name: body.dataset } as DatasetFacts,
      serving: await this.deployments.servingSignature(id),
      pipeline: pipeline?.definition ?? null,
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
}

/** Plain, without what is undefined, as the deployment's row will have it. */
function policyOf({ strategy, holdout = 'month', incident = {}, ...rest }: SetRetraining): RetrainingPolicy {
  const { training, pipeline, dataset, timeColumn } = plain(rest)
  const common = {
    dataset,
    timeColumn,
    holdout,
    strategy: strategyOf(strategy),
    incident: plain(incident),
  }
  if (training) return { ...common, training: training as TrainingTemplate }
  const { name, parameters = {}, step } = pipeline!
  return {
    ...common,
    pipeline: { name, parameters: parameters as PipelineParameters, ...(step === undefined ? {} : { step }) },
  }
}

function plain<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T
}

function view({
  dataset,
  timeColumn,
  training,
  pipeline,
  holdout,
  strategy,
  incident,
}: RetrainingPolicy): Retraining {
  const limits = incidentPolicy(incident)
  return {
    dataset,
    timeColumn,
    ...(training
      ? { training: structuredClone(training) as RetrainingTemplate }
      : { pipeline: structuredClone(pipeline) }),
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
