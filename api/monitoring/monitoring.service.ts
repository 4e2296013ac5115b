import { Inject, Injectable } from '@nestjs/common'
import type { Monitoring, PendingWindow, SetMonitoring } from '../../contracts/rest/monitoring.js'
import { completePolicy, type MonitoringPolicy } from '../../domain/drift/monitoring-policy.js'
import { MlforgeError } from '../../domain/errors.js'
import type { ModelSignature } from '../../domain/models/signature.js'
import { stableArm } from '../../domain/routing/plan.js'
import { DeploymentStore } from '../../stores/postgres/deployment-store.js'
import { DriftStore } from '../../stores/postgres/drift-store.js'
import type { Deployment } from '../../stores/postgres/entities/deployment.js'
import { ModelStore } from '../../stores/postgres/model-store.js'
import type { Principal } from '../http/request.js'
import { invalidRequest } from '../http/validation.js'
import { policyFieldProblems, policyRequest } from './policy-request.js'

@Injectable()
export class MonitoringService {
  constructor(
    @Inject(DeploymentStore) private readonly deployments: DeploymentStore,
    @Inject(ModelStore) private readonly models: ModelStore,
    @Inject(DriftStore) private readonly drift: DriftStore,
  ) {}

  /** What is left out gets its default, not its value of before: a policy is set as a whole. */
  async set({ project }: Principal, name: string, body: SetMonitoring): Promise<Monitoring> {
    const deployment = await this.deployments.get(project, name)
    const problems = policyFieldProblems(body)
    if (problems.length > 0) throw invalidRequest(problems)
    const signature = await this.signature(project, deployment)
    const policy = completePolicy(policyRequest(body), signature)
    await this.assertReference(project, deployment, policy)
    await this.drift.setPolicy(deployment.id, policy)
    return this.view(deployment.id, policy)
  }

  async get({ project }: Principal, name: string): Promise<Monitoring> {
    const { id, monitoring } = await this.deployments.get(project, name)
    if (monitoring !== null) return this.view(id, monitoring)
    throw new MlforgeError(
      'not_found',
      `Deployment "${name}" has no monitoring policy. Set one with PUT /v1/deployments/${name}/monitoring.`,
    )
  }

  /** Of the version that serves; before the first rollout of the newest one there is. */
  private async signature(project: string, { id, name, model }: Deployment): Promise<ModelSignature> {
    const current = await this.deployments.plan(id)
    const stable = current && stableArm(current.plan)
    const served = current?.versions.find(({ version }) => version === stable?.version)
    if (served) return served.signature
    const [newest] = (await this.models.versions(project, model, { limit: 1 })).items
    if (newest) return newest.signature as ModelSignature
    throw new MlforgeError(
      'not_deployed',
      `Deployment "${name}" serves nothing and model "${model}" has no version: its columns are not known yet. ` +
        'Register a version first.',
    )
  }

  private async assertReference(
    project: string,
    { model }: Deployment,
    { reference }: MonitoringPolicy,
  ): Promise<void> {
    if (reference.kind !== 'version') return
    try {
      await this.models.version(project, model, reference.version)
    } catch (error) {
      if (!(error instanceof MlforgeError) || error.code !== 'not_found') throw error
      throw invalidRequest([{ at: 'reference.version', message: error.message }])
    }
  }

  private async view(deploymentId: string, policy: MonitoringPolicy): Promise<Monitoring> {
    const look = await this.drift.look(deploymentId)
    const { columns, quartilesOf, reference, window, breach, ...rest } = policy
    return {
      ...rest,
      window: { ...window },
      breach: { ...breach },
      reference: { ...reference },
      columns: columns.map(column => ({ ...column })),
      quartilesOf: quartilesOf ?? null,
      pending: (look?.pending ?? []).map(({ id, start, end, state, reason }) => ({
        id,
        start: new Date(start).toISOString(),
        end: new Date(end).toISOString(),
        state: state as PendingWindow['state'],
        reason,
      })),
      lookedAt: look?.lookedAt.toISOString() ?? null,
    }
  }
}
