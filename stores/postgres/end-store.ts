import { type DataSource, type EntityManager, IsNull, Not } from 'typeorm'
import type { ObjectStore } from '../objects/object-store.js'
import { DatasetVersion, type Purge } from './entities/dataset.js'
import { eraseErrors, eraseMessages, objectsOfRuns, runsAbout } from './reports.js'
import { TableObjects } from './table-objects.js'
import { Turns } from './turns.js'
import { whenReachable } from './when-reachable.js'

/** Objects that are removed by one transaction. */
const REMOVED = 100
/** So often whoever writes asks whether its lock is still there; an idle session is ended after a minute. */
const LOOK_MS = 5_000

/** Writers at a time: each has a connection while the object store may be slow, and others need some too. */
const MOST_WRITERS = 2

/** Whoever writes what a purge erases holds this, shared; an erasure begins when nobody does. */
const writersLock = (id: string) => `writers of version ${id}`

const AGAIN = `coalesce((purge->>'again')::int, 0)`

/** Versions that were retired, until the object store says so, and what of purged ones is still there. */
export class EndStore {
  private readonly writers = new Turns(MOST_WRITERS)

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
   * @param retired where the record is, if there is one, that the version was retired before
   * @returns false while a backup, or somebody else who deletes, has to be waited for
   */
  async erase(
    project: string,
    id: string,
    objects: Pick<ObjectStore, 'remove'>,
    retired: string,
  ): Promise<boolean> {
    const { manager } = this.dataSource
    const row = await manager.findOneOrFail(DatasetVersion, { where: { id }, relations: { dataset: true } })
    // Again: what was written by somebody whose lock was lost.
    const tables = [
      ...(row.purge!.erased ?? []),
      ...[row.raw, row.parquet, row.quarantine].flatMap(content => (content === null ? [] : [content.uri])),
    ]
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
      retired,
    )
    return true
  }

  private async eraseRows(
    { id, version, dataset }: DatasetVersion,
    runs: readonly string[],
    erased: readonly string[],
    retired: string,
  ): Promise<void> {
    await this.dataSource.transaction(async transaction => {
      const { purge } = await transaction.findOneOrFail(DatasetVersion, {
        where: { id },
        lock: { mode: 'pessimistic_write' },
      })
      const done: Purge = { ...purge!, retired, erased: [...new Set([...(purge!.erased ?? []), ...erased])] }
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
      await eraseMessages(transaction, runs, version)
    })
  }

  /**
   * Writes something of a version that a purge erases: an erasure that comes meanwhile waits for its end, and what
   * was purged before is not written.
   * @param write gets the version as it is now, a signal that says that the lock is lost, and the transaction that has it
   * @returns null of a version that was purged
   */
  async whileKept<T>(
    id: string,
    write: (version: DatasetVersion, lost: AbortSignal, transaction: EntityManager) => Promise<T>,
  ): Promise<T | null> {
    const begin = async (transaction: EntityManager) => {
      await transaction.query('SELECT pg_advisory_xact_lock_shared(hashtextextended($1, 0))', [
        writersLock(id),
      ])
      const where = { id, purge: IsNull() }
      const version = await transaction.findOne(DatasetVersion, { where, relations: { dataset: true } })
      return version === null ? null : holding(transaction, lost => write(version, lost, transaction))
    }
    return this.writers
      .take(() => this.dataSource.transaction(begin))
      .catch(async (error: unknown) => {
        // Without the lock it may have been written after an erasure that saw nobody.
        await whenReachable(() => this.eraseAgain(id), LOOK_MS)
        throw error
      })
  }

  /** Whether nobody writes anything of a purged version any more. */
  async hasNoWriters(id: string): Promise<boolean> {
    const [row]: { free: boolean }[] = await this.dataSource.query(
      'SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0)) AS free',
      [writersLock(id)],
    )
    return row!.free
  }

  /** Where a version was purged all that it has had is looked for once more. */
  async eraseAgain(id: string): Promise<void> {
    await this.dataSource.query(
      `UPDATE dataset_versions SET end_recorded = false, purge = jsonb_set(purge, '{again}', to_jsonb(${AGAIN} + 1))
       WHERE id = $1 AND purge IS NOT NULL`,
      [id],
    )
  }

  /** That a version was retired is to be written again. */
  async recordAgain(id: string): Promise<void> {
    await this.dataSource.getRepository(DatasetVersion).update({ id }, { endRecorded: false })
  }

  /** A version that was purged, or is to be erased again, since it was read is still to be. */
  async recorded({ id, purge }: Pick<DatasetVersion, 'id' | 'purge'>): Promise<void> {
    await this.dataSource.query(
      `UPDATE dataset_versions SET end_recorded = true
       WHERE id = $1 AND (purge IS NULL) = $2 AND ${AGAIN} = $3`,
      [id, purge === null, purge?.again ?? 0],
    )
  }
}

/** Work during which the lock of a transaction has to be there: the session is kept, and its end ends the work. */
async function holding<T>(transaction: EntityManager, work: (lost: AbortSignal) => Promise<T>): Promise<T> {
  const lost = new AbortController()
  const look = setInterval(() => {
    transaction.query('SELECT 1').catch((error: unknown) => lost.abort(error))
  }, LOOK_MS)
  try {
    const done = await work(lost.signal)
    await transaction.query('SELECT 1')
    return done
  } finally {
    clearInterval(look)
  }
}
