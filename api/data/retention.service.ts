import { Inject, Injectable } from '@nestjs/common'
import type { DatasetRetention, PurgedVersion, SetRetention } from '../../contracts/rest/data-collection.js'
import { DatasetStore } from '../../stores/postgres/dataset-store.js'
import { RetentionStore } from '../../stores/postgres/retention-store.js'
import type { Principal } from '../http/request.js'

/** Which versions are kept, and which are erased. */
@Injectable()
export class RetentionService {
  constructor(
    @Inject(DatasetStore) private readonly datasets: DatasetStore,
    @Inject(RetentionStore) private readonly retention: RetentionStore,
  ) {}

  async get({ project }: Principal, name: string): Promise<DatasetRetention> {
    const { retention } = await this.datasets.get(project, name)
    return { retention }
  }

  async set({ project }: Principal, name: string, { retention }: SetRetention): Promise<DatasetRetention> {
    const { id } = await this.datasets.get(project, name)
    const rule = retention && { ...retention, keepTagged: true as const }
    await this.retention.set(id, rule)
    return { retention: rule }
  }

  /** @throws MlforgeError not_found; wrong_state where something under way, a branch or a tag names it */
  async purge(
    { project, name: by }: Principal,
    dataset: string,
    version: number,
    reason: string,
  ): Promise<PurgedVersion> {
    const found = await this.datasets.version(project, dataset, version)
    const { retiredAt, purge } = await this.retention.purge(found.datasetId, version, { by, reason })
    return { dataset, version, retiredAt: retiredAt!.toISOString(), ...purge! }
  }
}
