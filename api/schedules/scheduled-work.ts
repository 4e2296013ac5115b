import { Inject, Injectable } from '@nestjs/common'
import type { Schedule, UpdateSchedule } from '../../contracts/rest/schedules.js'
import type { StartTraining } from '../../contracts/rest/trainings.js'
import type { Json } from '../../domain/canonical-json.js'
import { MlforgeError } from '../../domain/errors.js'
import { parameterValues } from '../../domain/pipelines/parameters.js'
import { DeploymentStore } from '../../stores/postgres/deployment-store.js'
import type { Schedule as Row, ScheduleKind } from '../../stores/postgres/entities/schedule.js'
import { PipelineStore } from '../../stores/postgres/pipeline-store.js'
import { invalidRequest } from '../http/validation.js'
import { TrainingPlanner } from '../trainings/training-planner.js'

/** What each tick of a schedule does, as its row has it. */
export type Work = Pick<Row, 'kind' | 'training' | 'deployment' | 'pipeline'>

type Requested = Pick<UpdateSchedule, ScheduleKind>

const KINDS = ['training', 'retraining', 'driftCheck', 'pipeline'] as const

/** @throws MlforgeError invalid_request unless exactly one kind of work is named */
export function workOf(body: Requested): Work {
  const [kind, another] = KINDS.filter(each => body[each] != null)
  if (kind === undefined || another !== undefined) {
    const message = 'needs exactly one of training, retraining, driftCheck and pipeline.'
    throw invalidRequest([{ at: another ?? 'training', message }])
  }
  const none = { training: null, deployment: null, pipeline: null }
  switch (kind) {
    case 'training':
      return { ...none, kind, training: body.training }
    case 'pipeline': {
      const { name: pipeline, parameters = {}, priority, onNoNewData } = body.pipeline!
      const own = {
        ...(priority === undefined ? {} : { priority }),
        ...(onNoNewData === 'run' ? { onNoNewData } : {}),
      }
      return { ...none, kind, pipeline: { pipeline, parameters: parameters as Record<string, Json>, ...own } }
    }
    case 'retraining':
    case 'driftCheck':
      return { ...none, kind, deployment: body[kind]!.deployment }
  }
}

/** The new work of a schedule; undefined where it stays. @throws MlforgeError invalid_request for another kind */
export function changeOfWork(kind: ScheduleKind, body: Requested): Work | undefined {
  if (KINDS.every(each => body[each] == null)) return undefined
  const work = workOf(body)
  if (work.kind === kind) return work
  const message = `This schedule has a ${kind}, and keeps it. Create another one for a ${work.kind}.`
  throw invalidRequest([{ at: work.kind, message }])
}

export function workView({ kind, training, deployment, pipeline }: Work): Pick<Schedule, ScheduleKind> {
  switch (kind) {
    case 'training':
      return { training: training as StartTraining }
    case 'pipeline': {
      const { pipeline: name, parameters, priority, onNoNewData = 'skip' } = pipeline!
      const own = priority ? { priority } : {}
      return { pipeline: { name, parameters: { ...parameters }, onNoNewData, ...own } }
    }
    case 'retraining':
    case 'driftCheck':
      return { [kind]: { deployment: deployment! } }
  }
}

/** Refuses work that no tick could ever do: what is wrong is found now, not at night. */
@Injectable()
export class ScheduledWork {
  constructor(
    @Inject(TrainingPlanner) private readonly planner: TrainingPlanner,
    @Inject(DeploymentStore) private readonly deployments: DeploymentStore,
    @Inject(PipelineStore) private readonly pipelines: PipelineStore,
  ) {}

  async assertPossible(project: string, { kind, training, deployment, pipeline }: Work): Promise<void> {
    if (kind === 'pipeline') {
      const { definition } = await this.pipelines.version(project, pipeline!.pipeline)
      const { values, problems } = parameterValues(definition, pipeline!.parameters)
      if (values === null)
        throw invalidRequest(problems.map(each => ({ ...each, at: `pipeline.${each.at}` })))
      return
    }
    if (kind === 'training') {
      await this.planner.plan(project, training as StartTraining)
      return
    }
    const found = await this.deployments.get(project, deployment!)
    const [policy, what, path] =
      kind === 'retraining'
        ? [found.retraining, 'policy to retrain by', 'retraining']
        : [found.monitoring, 'monitoring policy', 'monitoring']
    if (policy !== null) return
    throw new MlforgeError(
      'wrong_state',
      `Deployment "${found.name}" has no ${what}. Set one by PUT /v1/deployments/${found.name}/${path}, then create the schedule.`,
    )
  }
}
