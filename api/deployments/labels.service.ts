import { Inject, Injectable } from '@nestjs/common'
import type { LabelHistory, LabelsAccepted, SendLabels } from '../../contracts/rest/deployments.js'
import { parseEventTime } from '../../domain/drift/event-time.js'
import { MlforgeError } from '../../domain/errors.js'
import { DeploymentStore } from '../../stores/postgres/deployment-store.js'
import { LabelStore } from '../../stores/postgres/label-store.js'
import type { Principal } from '../http/request.js'

@Injectable()
export class LabelsService {
  constructor(
    @Inject(DeploymentStore) private readonly deployments: DeploymentStore,
    @Inject(LabelStore) private readonly labels: LabelStore,
  ) {}

  async add(
    { project, name: principal }: Principal,
    name: string,
    { labels }: SendLabels,
  ): Promise<LabelsAccepted> {
    const { id } = await this.deployments.get(project, name)
    const dated = labels.map(label => ({ ...label, at: new Date(parseEventTime(label.at)) }))
    return this.labels.add(id, dated, principal)
  }

  async history({ project }: Principal, name: string, predictionId: string): Promise<LabelHistory> {
    const { id } = await this.deployments.get(project, name)
    const rows = await this.labels.history(id, predictionId)
    if (rows.length === 0) {
      throw new MlforgeError(
        'not_found',
        `Deployment "${name}" has no label of a prediction "${predictionId}". ` +
          `Send one by POST /v1/deployments/${name}/labels.`,
      )
    }
    return {
      predictionId,
      values: rows.map(({ revision, value, at, receivedAt, principal }) => ({
        revision,
        value,
        at: at.toISOString(),
        receivedAt: receivedAt.toISOString(),
        principal,
      })),
    }
  }
}
