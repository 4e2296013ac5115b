import { Inject, Injectable } from '@nestjs/common'
import type { FastifyReply } from 'fastify'
import type { Config } from '../../config/config.js'
import type { Page } from '../../contracts/rest/common.js'
import type { StartTraining, Training, TrainingSummary } from '../../contracts/rest/trainings.js'
import { MlforgeError } from '../../domain/errors.js'
import type { ObjectStore } from '../../stores/objects/object-store.js'
import { CheckpointStore } from '../../stores/postgres/checkpoint-store.js'
import type { Run } from '../../stores/postgres/entities/run.js'
import { LedgerStore } from '../../stores/postgres/ledger-store.js'
import { type RunFilter, RunStore } from '../../stores/postgres/run-store.js'
import { artifactNamed, sendArtifact } from '../http/download.js'
import type { Idempotency } from '../http/idempotency.js'
import { mapPage } from '../http/paging.js'
import type { Principal } from '../http/request.js'
import { CONFIG, OBJECTS } from '../platform/tokens.js'
import { RunsService } from '../runs/runs.service.js'
import { LiveDetail } from '../temporal/live-detail.js'
import { TrainingPlanner } from './training-planner.js'
import { trainingArtifacts, trainingSummary, trainingView } from './training-view.js'

@Injectable()
export class TrainingsService {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    @Inject(OBJECTS) private readonly objects: ObjectStore,
    @Inject(RunStore) private readonly rows: RunStore,
    @Inject(LedgerStore) private readonly ledger: LedgerStore,
    @Inject(CheckpointStore) private readonly checkpoints: CheckpointStore,
    @Inject(RunsService) private readonly runs: RunsService,
    @Inject(TrainingPlanner) private readonly planner: TrainingPlanner,
    @Inject(LiveDetail) private readonly live: LiveDetail,
  ) {}

  async start(caller: Principal, body: StartTraining, idempotency?: Idempotency): Promise<Training> {
    const spec = await this.planner.plan(caller.project, body)
    const run = await this.runs.accept(caller, {
      kind: 'training',
      name: body.model,
      request: spec,
      ...(idempotency ? { idempotency } : {}),
    })
    return this.view(run)
  }

  async list(
    { project }: Principal,
    { model, ...query }: Omit<RunFilter, 'kind' | 'name'> & { model?: string },
  ): Promise<Page<TrainingSummary>> {
    const page = await this.rows.list(project, {
      ...query,
      kind: 'training',
      ...(model === undefined ? {} : { name: model }),
    })
    return mapPage(page, run => trainingSummary(run, this.config.temporal))
  }

  async get({ project }: Principal, id: string): Promise<Training> {
    return this.view(await this.find(project, id))
  }

  async cancel(caller: Principal, id: string): Promise<Training> {
    await this.find(caller.project, id)
    return this.view(await this.runs.cancel(caller, id))
  }

  async retry(caller: Principal, id: string): Promise<Training> {
    await this.find(caller.project, id)
    return this.view(await this.runs.retry(caller, id))
  }

  async download({ project }: Principal, id: string, artifact: string, reply: FastifyReply): Promise<void> {
    const run = await this.find(project, id)
    const refs = trainingArtifacts(await this.ledger.steps(run.id))
    await sendArtifact(reply, this.objects, artifact, artifactNamed(refs, artifact))
  }

  async find(project: string, id: string): Promise<Run> {
    const run = await this.rows.get(project, id)
    if (run.kind === 'training') return run
    throw new MlforgeError('not_found', `Run ${id} is no training. Any run is at /v1/operations/${id}.`)
  }

  private async view(run: Run): Promise<Training> {
    const [steps, checkpoints, live] = await Promise.all([
      this.ledger.steps(run.id),
      this.checkpoints.list(run.id),
      this.live.of(run),
    ])
    return trainingView(run, this.config.temporal, steps, checkpoints, live)
  }
}
