import { Inject, Injectable } from '@nestjs/common'
import type { Page, PageQuery } from '../../contracts/rest/common.js'
import type {
  LabelHistory,
  LabelsAccepted,
  SendLabels,
  UnknownLabel,
} from '../../contracts/rest/deployments.js'
import { parseEventTime } from '../../domain/drift/event-time.js'
import { MlforgeError } from '../../domain/errors.js'
import { labelState } from '../../domain/labels/label-state.js'
import { DeploymentStore } from '../../stores/postgres/deployment-store.js'
import { LabelStore } from '../../stores/postgres/label-store.js'
import { mapPage } from '../http/paging.js'
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

  async unknown({ project }: Principal, name: string, query: PageQuery): Promise<Page<UnknownLabel>> {
    const { id } = await this.deployments.get(project, name)
    return mapPage(await this.labels.unknown(id, query), label => ({
      ...label,
      at: label.at.toISOString(),
      receivedAt: label.receivedAt.toISOString(),
      reportedAt: label.reportedAt.toISOString(),
    }))
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
      state: labelState(rows[0]!),
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
