import { Inject, Injectable } from '@nestjs/common'
import type { Page, PageQuery } from '../../contracts/rest/common.js'
import type {
  CreateDeployment,
  Deployment,
  DeploymentSummary,
  Plan,
} from '../../contracts/rest/deployments.js'
import { DeploymentStore } from '../../stores/postgres/deployment-store.js'
import type { Deployment as DeploymentRow } from '../../stores/postgres/entities/deployment.js'
import { LabelStore } from '../../stores/postgres/label-store.js'
import { ModelStore } from '../../stores/postgres/model-store.js'
import { PredictionStore } from '../../stores/postgres/prediction-store.js'
import { mapPage } from '../http/paging.js'
import type { Principal } from '../http/request.js'
import { planView, replicaView, summaryView } from './deployment-view.js'

@Injectable()
export class DeploymentsService {
  constructor(
    @Inject(DeploymentStore) private readonly deployments: DeploymentStore,
    @Inject(ModelStore) private readonly models: ModelStore,
    @Inject(PredictionStore) private readonly predictions: PredictionStore,
    @Inject(LabelStore) private readonly labels: LabelStore,
  ) {}

  async create({ project, name: principal }: Principal, body: CreateDeployment): Promise<Deployment> {
    await this.models.get(project, body.model)
    return this.view(await this.deployments.create(project, body.name, body.model, principal))
  }

  async list({ project }: Principal, query: PageQuery): Promise<Page<DeploymentSummary>> {
    const page = await this.deployments.list(project, query)
    const plans = await Promise.all(page.items.map(({ id }) => this.deployments.plan(id)))
    const items = page.items.map((deployment, i) => summaryView(deployment, plans[i] ?? null))
    return mapPage({ ...page, items }, summary => summary)
  }

  async get({ project }: Principal, name: string): Promise<Deployment> {
    return this.view(await this.deployments.get(project, name))
  }

  async plans({ project }: Principal, name: string, query: PageQuery): Promise<Page<Plan>> {
    const { id } = await this.deployments.get(project, name)
    return mapPage(await this.deployments.plans(id, query), planView)
  }

  private async view(deployment: DeploymentRow): Promise<Deployment> {
    const { id, project } = deployment
    const [plan, replicas, predictions, labels] = await Promise.all([
      this.deployments.plan(id),
      this.deployments.replicas(id),
      this.predictions.summary(project, id),
      this.labels.summary(id),
    ])
    return {
      ...summaryView(deployment, plan),
      freeze: deployment.freeze,
      following: deployment.following,
      replicas: replicas.map(replicaView),
      predictions: { ...predictions, until: predictions.until?.toISOString() ?? null },
      labels,
    }
  }
}
