import { type DataSource, type EntityManager, IsNull } from 'typeorm'
import { MlforgeError } from '../../domain/errors.js'
import type { HeldFiles } from './dataset-store.js'
import { DatasetVersion } from './entities/dataset.js'
import { PackHolds } from './pack-holds.js'

/** Versions until the object store has them: the files of their tables in packs, and their commits. */
export class PublishStore {
  constructor(private readonly dataSource: DataSource) {}

  /** Versions whose commit is not in the object store yet, behind one; the oldest of each dataset first. */
  async unpublished(
    project: string,
    after: Pick<DatasetVersion, 'datasetId' | 'version'> | null,
    limit: number,
  ): Promise<DatasetVersion[]> {
    const query = this.dataSource
      .getRepository(DatasetVersion)
      .createQueryBuilder('version')
      .innerJoinAndSelect('version.dataset', 'dataset')
      .where('dataset.project = :project AND version.commit IS NULL', { project })
    if (after !== null) {
      query.andWhere('(version.dataset_id, version.version) > (:datasetId::uuid, :number)', {
        datasetId: after.datasetId,
        number: after.version,
      })
    }
    return query.orderBy('version.dataset_id').addOrderBy('version.version').limit(limit).getMany()
  }

  /** The files of a version that were put into packs. What was written before stays. */
  async adopt(project: string, id: string, { manifest, files, bytes, held }: HeldFiles): Promise<void> {
    const holds = new PackHolds(this.dataSource)
    await this.dataSource.transaction(async transaction => {
      if (!(await holds.confirm(transaction, project, held.owner, held.packs))) {
        throw new MlforgeError(
          'unavailable',
          `Packs of version ${id} were removed before it named them. They are written again.`,
        )
      }
      await transaction.update(
        DatasetVersion,
        { id, manifest: IsNull() },
        { manifest, files, bytes: String(bytes) },
      )
      await holds.drop(held.owner, transaction)
    })
  }

  /** The commit of a version is in the object store. */
  async published(transaction: EntityManager, id: string, commit: string): Promise<void> {
    await transaction.update(DatasetVersion, { id, commit: IsNull() }, { commit })
  }
}
