import { type DataSource, IsNull, Not } from 'typeorm'
import type { ObjectStore } from '../objects/object-store.js'
import { DatasetVersion, type Purge } from './entities/dataset.js'
import { eraseErrors, objectsOfRuns, runsAbout } from './reports.js'
import { TableObjects } from './table-objects.js'

/** Objects that are removed by one transaction. */
const REMOVED = 100

/** Versions that were retired, until the object store says so, and what of purged ones is still there. */
export class EndStore {
  private readonly tableObjects: TableObjects

  constructor(private readonly dataSource: DataSource) {
    this.tableObjects = new TableObjects(dataSource)
  }

  async unrecorded(project: string, limit: number): Promise<DatasetVersion[]> {
    return this.dataSource.getRepository(DatasetVersion).find({
      where: { dataset: { project }, retiredAt: Not(IsNull()), endRecorded: false },
      relations: { dataset: true },
      order: { retiredAt: 'ASC' },
      take: limit,
    })
  }

  /**
   * Removes the objects of a purged version that nothing else needs, and takes from the rows what says something of
   * its content: from its own, and from those of runs that have made or checked it. Again, it does nothing; killed in
   * between, it finds the rest.
   * @returns false while a backup, or somebody else who deletes, has to be waited for
   */
  async erase(project: string, id: string, objects: Pick<ObjectStore, 'remove'>): Promise<boolean> {
    const { manager } = this.dataSource
    const row = await manager.findOneOrFail(DatasetVersion, { where: { id }, relations: { dataset: true } })
    if (row.purge!.erased !== undefined) return true
    const tables = [row.raw, row.parquet, row.quarantine].flatMap(content =>
      content === null ? [] : [content.uri],
    )
    const runs = await runsAbout(manager, row)
    const uris = [...new Set([...tables, ...(await objectsOfRuns(manager, runs))])]
    const gone: string[] = []
    for (let from = 0; from < uris.length; from += REMOVED) {
      const some = uris.slice(from, from + REMOVED)
      const removed = await this.tableObjects.remove({ project, uris: some, isErased: true }, objects)
      if (removed === null) return false
      gone.push(...removed)
    }
    await this.eraseRows(
      row,
      runs,
      gone.filter(uri => tables.includes(uri)),
    )
    return true
  }

  private async eraseRows(
    { id, version, dataset }: DatasetVersion,
    runs: readonly string[],
    erased: readonly string[],
  ): Promise<void> {
    await this.dataSource.transaction(async transaction => {
      const { purge } = await transaction.findOneOrFail(DatasetVersion, {
        where: { id },
        lock: { mode: 'pessimistic_write' },
      })
      if (purge!.erased !== undefined) return
      const done: Purge = { ...purge!, erased }
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
      await eraseErrors(
        transaction,
        runs,
        `Version ${version} of dataset "${dataset.name}" was purged, and what this said of its rows was erased.`,
      )
    })
  }

  /** That a version was retired is to be written again. */
  async recordAgain(id: string): Promise<void> {
    await this.dataSource.getRepository(DatasetVersion).update({ id }, { endRecorded: false })
  }

  async recorded(id: string): Promise<void> {
    await this.dataSource.getRepository(DatasetVersion).update({ id }, { endRecorded: true })
  }
}
