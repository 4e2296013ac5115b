import { type DataSource, IsNull, Not } from 'typeorm'
import type { ObjectStore } from '../objects/object-store.js'
import { DatasetVersion, type Purge } from './entities/dataset.js'
import { Upload } from './entities/upload.js'
import { lockTableObjects, unneededObjects } from './table-objects.js'

/** Versions that were retired, until the object store says so, and what of purged ones is still there. */
export class EndStore {
  constructor(private readonly dataSource: DataSource) {}

  async unrecorded(project: string, limit: number): Promise<DatasetVersion[]> {
    return this.dataSource.getRepository(DatasetVersion).find({
      where: { dataset: { project }, retiredAt: Not(IsNull()), endRecorded: false },
      relations: { dataset: true },
      order: { retiredAt: 'ASC' },
      take: limit,
    })
  }

  /**
   * Takes from a purged version what says something of its content, and removes the objects of its table that nothing
   * else needs. Again, it does nothing.
   */
  async erase(project: string, id: string, objects: Pick<ObjectStore, 'remove'>): Promise<void> {
    await this.dataSource.transaction(async transaction => {
      const row = await transaction.findOneOrFail(DatasetVersion, {
        where: { id },
        lock: { mode: 'pessimistic_write' },
      })
      const purge = row.purge!
      if (purge.erased !== undefined) return
      const uris = [row.raw, row.parquet, row.quarantine].flatMap(content =>
        content === null ? [] : [content.uri],
      )
      await lockTableObjects(transaction, uris)
      const erased = await unneededObjects(transaction, { project, uris, isErased: true })
      const done: Purge = { ...purge, erased }
      await transaction.update(DatasetVersion, { id }, {
        purge: done,
        message: null,
        raw: null,
        parquet: null,
        quarantine: null,
        rows: null,
        schema: null,
        conversion: null,
        profile: null,
        proposal: null,
        expectations: null,
        suite: null,
      } as never)
      for (const uri of erased) await transaction.delete(Upload, { uri })
      for (const uri of erased) await objects.remove(uri)
    })
  }

  /** All that ended is written again, where it is not known what of it is damaged. */
  async recordAgain(project: string): Promise<void> {
    await this.dataSource.query(
      `UPDATE dataset_versions v SET end_recorded = false FROM datasets d
       WHERE d.id = v.dataset_id AND d.project = $1 AND v.retired_at IS NOT NULL`,
      [project],
    )
  }

  async recorded(id: string): Promise<void> {
    await this.dataSource.getRepository(DatasetVersion).update({ id }, { endRecorded: true })
  }
}
