import { Inject, Injectable } from '@nestjs/common'
import type { Config } from '../../config/config.js'
import type { Page, PageQuery } from '../../contracts/rest/common.js'
import type { RetrainingRun, StartRetraining } from '../../contracts/rest/retrainings.js'
import type { RetrainDeploymentResult, RetrainingRequest } from '../../contracts/temporal/retraining.js'
import { windowContaining } from '../../domain/drift/windows.js'
import { MlforgeError } from '../../domain/errors.js'
import { DeploymentStore } from '../../stores/postgres/deployment-store.js'
import type { Run } from '../../stores/postgres/entities/run.js'
import { PredictionStore } from '../../stores/postgres/prediction-store.js'
import { RunStore } from '../../stores/postgres/run-store.js'
import type { Idempotency } from '../http/idempotency.js'
import { mapPage } from '../http/paging.js'
import type { Principal } from '../http/request.js'
import { invalidRequest } from '../http/validation.js'
import { CONFIG } from '../platform/tokens.js'
import { operationView } from '../runs/run-view.js'
import { RunsService } from '../runs/runs.service.js'

@Injectable()
export class RetrainingsService {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    @Inject(DeploymentStore) private readonly deployments: DeploymentStore,
    @Inject(PredictionStore) private readonly predictions: PredictionStore,
    @Inject(RunStore) private readonly rows: RunStore,
    @Inject(RunsService) private readonly runs: RunsService,
  ) {}

  async start(
    caller: Principal,
    name: string,
    { reason, dataUntil }: StartRetraining,
    idempotency?: Idempotency,
  ): Promise<RetrainingRun> {
    const { id, retraining } = await this.deployments.get(caller.project, name)
    if (retraining === null) {
      throw new MlforgeError(
        'wrong_state',
        `Deployment "${name}" has no policy to retrain by. Set one by PUT /v1/deployments/${name}/retraining.`,
      )
    }
    const until = dataUntil === undefined ? null : Date.parse(dataUntil)
    if (until !== null) await this.assertPast(caller.project, id, until)
    const run = await this.runs.accept(caller, {
      kind: 'retraining',
      name,
      request: { reason, dataUntil: until } satisfies RetrainingRequest,
      ...(idempotency ? { idempotency } : {}),
    })
    return this.view(run)
  }

  async list({ project }: Principal, name: string, query: PageQuery): Promise<Page<RetrainingRun>> {
    await this.deployments.get(project, name)
    const page = await this.rows.list(project, { ...query, kind: 'retraining', name })
    return mapPage(page, run => this.view(run))
  }

  /** Days that nothing has come in of cannot be learned from, and would be held out as if they were over. */
  private async assertPast(project: string, deploymentId: string, until: number): Promise<void> {
    const { until: newest } = await this.predictions.summary(project, deploymentId)
    if (newest !== null && until <= windowContaining({ every: 'day' }, newest.getTime()).end) return
    const known = newest === null ? 'none has come in yet' : `the newest is of ${newest.toISOString()}`
    throw invalidRequest([
      { at: 'dataUntil', message: `Is after the day of the newest prediction; ${known}.` },
    ])
  }

  private view(run: Run): RetrainingRun {
    const request = run.request as RetrainingRequest
    const result = (run.result ?? {}) as Partial<RetrainDeploymentResult>
    const dataUntil = result.dataUntil ?? request.dataUntil
    return {
      ...operationView(run, this.config.temporal),
      reason: request.reason,
      dataUntil: dataUntil === null ? null : new Date(dataUntil).toISOString(),
      message: result.message ?? null,
      skipped: result.skipped ?? null,
      dataset: result.dataset ? { ...result.dataset } : null,
      training: result.training ?? null,
      pipelineRun: result.pipelineRun ?? null,
      version: result.version ?? null,
      rollout: result.rollout ?? null,
    }
  }
}
