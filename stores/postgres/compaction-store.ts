import type { DataSource, EntityManager } from 'typeorm'
import type { CompactableFile } from '../../domain/predictions/compaction.js'
import { type NewPredictionFile, PredictionFile } from './entities/prediction.js'

export interface MergedFile extends NewPredictionFile {
  readonly sources: number
  readonly createdAt: Date
}

/** Many times what a tick of compaction merges, and little enough to be held. */
const MOST_FILES_LOOKED_AT = 50_000

/** Whoever holds this lock, shared, sees no object go away; whoever deletes holds it alone. */
export const KEEP_OBJECTS_LOCK = `hashtextextended('keep objects', 0)`

/** Small files of the prediction log become large ones: the catalogue's side of it. */
export class CompactionStore {
  constructor(private readonly dataSource: DataSource) {}

  async deployments(project: string): Promise<{ id: string; name: string }[]> {
    return this.dataSource.query('SELECT id, name FROM deployments WHERE project = $1 ORDER BY id', [project])
  }

  /** Files of a deployment that nothing has replaced; the newest where they are too many for one look. */
  async files(deploymentId: string): Promise<CompactableFile[]> {
    return this.dataSource.query(
      `SELECT id, rows, bytes::float8, sources, max_revision AS "maxRevision",
              ${epochMs('min_event_time')} AS "minEventTime", ${epochMs('max_event_time')} AS "maxEventTime",
              ${epochMs('created_at')} AS "createdAt"
       FROM prediction_files WHERE deployment_id = $1 AND replaced_by IS NULL
       ORDER BY created_at DESC, id LIMIT ${MOST_FILES_LOOKED_AT}`,
      [deploymentId],
    )
  }

  /** In the order of their event times. Null where one was replaced by now. */
  async sources(ids: readonly string[]): Promise<PredictionFile[] | null> {
    const found = await this.dataSource
      .getRepository(PredictionFile)
      .createQueryBuilder('file')
      .where('file.id = ANY(:ids) AND file.replacedBy IS NULL', { ids })
      .orderBy('file.minEventTime')
      .addOrderBy('file.id')
      .getMany()
    return found.length === ids.length ? found : null
  }

  /**
   * The merged file takes the place of its sources in one transaction, provided that each is still
   * there: of several compactors one wins, so none of them needs a lease.
   * @returns whether it did
   */
  async replace(ids: readonly string[], merged: MergedFile): Promise<boolean> {
    return this.dataSource.transaction(async transaction => {
      // In one order, so that compactors wait for each other rather than in a circle.
      const held: unknown[] = await transaction.query(
        'SELECT id FROM prediction_files WHERE id = ANY($1) AND replaced_by IS NULL ORDER BY id FOR UPDATE',
        [ids],
      )
      if (held.length !== ids.length) return false
      await transaction.insert(PredictionFile, merged as never)
      await transaction.query(
        'UPDATE prediction_files SET replaced_by = $2, replaced_at = now() WHERE id = ANY($1)',
        [ids, merged.id],
      )
      return true
    })
  }

  /**
   * Deletes objects of files that were replaced long ago, the longest first; killed in between it
   * deletes again what is gone already. A check of a window keeps the names of its files from one step to
   * the next: while one that may have names from before is still to end, they stay. Files without rows
   * share their object with others, and stay too.
   * @returns how many objects were deleted
   */
  async deleteReplaced(
    project: string,
    { graceMs, limit }: { graceMs: number; limit: number },
    remove: (uri: string) => Promise<void>,
  ): Promise<number> {
    return this.dataSource.transaction(async transaction => {
      if (!(await isAlone(transaction))) return 0
      const found: { id: string; uri: string }[] = await transaction.query(
        `SELECT file.id, file.uri FROM prediction_files file JOIN deployments d ON d.id = file.deployment_id
         WHERE d.project = $1 AND file.replaced_by IS NOT NULL AND file.rows > 0
           AND file.replaced_at < now() - $2 * interval '1 millisecond'
           AND file.replaced_at IS NOT NULL AND file.deleted_at IS NULL
           AND NOT EXISTS (SELECT FROM runs WHERE runs.project = d.project AND runs.kind = 'drift'
             AND runs.name = d.name AND runs.created_at < file.replaced_at
             AND (runs.status IN ('accepted', 'running') OR runs.next_attempt_at IS NOT NULL))
         ORDER BY file.replaced_at, file.id LIMIT $3 FOR UPDATE OF file SKIP LOCKED`,
        [project, graceMs, limit],
      )
      for (const { uri } of found) await remove(uri)
      await transaction.query('UPDATE prediction_files SET deleted_at = now() WHERE id = ANY($1)', [
        found.map(({ id }) => id),
      ])
      return found.length
    })
  }
}

const epochMs = (column: string) => `(extract(epoch FROM ${column}) * 1000)::float8`

/** Until the transaction ends; false while a backup is being written, or somebody else deletes. */
async function isAlone(transaction: EntityManager): Promise<boolean> {
  const rows: { locked: boolean }[] = await transaction.query(
    `SELECT pg_try_advisory_xact_lock(${KEEP_OBJECTS_LOCK}) AS locked`,
  )
  return rows[0]!.locked
}
