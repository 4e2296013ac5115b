import type { DataSource, EntityManager } from 'typeorm'
import { MlforgeError } from '../../domain/errors.js'
import type { ObjectStore } from '../objects/object-store.js'
import { parseObjectUri } from '../objects/object-uri.js'
import { RUN_UNDER_WAY } from './lease-sql.js'
import { mayDelete, type SizedObjects } from './pack-objects.js'
import { removeLocked } from './remove-locked.js'
import { REPORTS_OF_VERSIONS } from './reports.js'

/** How long uploads that became no version stay, and what runs have left that did not end well and may be retried. */
export const UNUSED_DAYS = 7

/** Whoever names an object of a table in a row holds this, shared; whoever removes it holds it alone. */
const objectLock = (uri: string) => `table ${uri}`

/**
 * Objects of tables are there, and stay as long as the transaction that is to name them: a collection may have removed
 * them between their being written and this. Of other objects nothing is removed.
 * @throws MlforgeError unavailable
 */
export async function assertTableObjects(
  transaction: EntityManager,
  uris: readonly string[],
  objects: SizedObjects,
): Promise<void> {
  const uri = await missingTableObject(transaction, uris, objects)
  if (uri === null) return
  throw new MlforgeError(
    'unavailable',
    `Object ${uri} was removed while it was taken on, since nothing needed it before. Send or make it again.`,
    { uri },
  )
}

/**
 * The same, for who can say better what is to be done.
 * @returns one that is not there, null where all are
 */
export async function missingTableObject(
  transaction: EntityManager,
  uris: readonly string[],
  objects: SizedObjects,
): Promise<string | null> {
  for (const uri of tableUris(uris)) {
    await transaction.query('SELECT pg_advisory_xact_lock_shared(hashtextextended($1, 0))', [objectLock(uri)])
    if ((await objects.size(uri)) === null) return uri
    await transaction.query('DELETE FROM removed_objects WHERE uri = $1', [uri])
  }
  return null
}

/** Has whoever is about to name objects of tables wait for the end of the transaction. @returns which of the objects these are */
async function lockTableObjects(transaction: EntityManager, uris: readonly string[]): Promise<string[]> {
  const sorted = tableUris(uris)
  for (const uri of sorted) {
    await transaction.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [objectLock(uri)])
  }
  return sorted
}

/** What a collection asks about objects of tables. */
export interface TableQuestion {
  readonly project: string
  readonly uris: readonly string[]
  /** Ids of versions that are as good as retired. */
  readonly without?: readonly string[]
  /** What is erased is not kept for uploads, nor for runs that have ended. */
  readonly isErased?: boolean
}

/**
 * Objects of tables: what they are made from, what was made of it, rows that were put aside, and what says something
 * of their rows; and how they go.
 */
export class TableObjects {
  constructor(private readonly dataSource: DataSource) {}

  /** Those of some objects that nothing needs. */
  unneeded(question: TableQuestion): Promise<string[]> {
    return unneededObjects(this.dataSource.manager, question)
  }

  /**
   * Removes those of some objects that nothing needs.
   * @returns which; null where a backup, or somebody else who deletes, has to be waited for
   */
  async remove(question: TableQuestion, objects: Pick<ObjectStore, 'remove'>): Promise<string[] | null> {
    const { project } = question
    return this.dataSource.transaction(async transaction => {
      if (!(await mayDelete(transaction))) return null
      const uris = await lockTableObjects(transaction, question.uris)
      const gone = await unneededObjects(transaction, { ...question, uris })
      await transaction.query(
        `INSERT INTO removed_objects (uri, removed_at) SELECT unnest($1::text[]), now()
         ON CONFLICT (uri) DO UPDATE SET removed_at = now()`,
        [gone],
      )
      await transaction.query('DELETE FROM uploads WHERE project = $1 AND uri = ANY($2::text[])', [
        project,
        gone,
      ])
      await removeLocked(transaction, gone, objects)
      return gone
    })
  }
}

/** Sorted, as all take their locks in the same order. */
function tableUris(uris: readonly string[]): string[] {
  return [...new Set(uris)].filter(uri => parseObjectUri(uri)?.kind === 'table-data').sort()
}

/**
 * Needed is what a version that is kept, a check of one, an upload of late, a model, or a run names that is under way
 * or may be started again.
 */
async function unneededObjects(
  manager: EntityManager,
  { project, uris, without = [], isErased = false }: TableQuestion,
): Promise<string[]> {
  const unnamed: { uri: string }[] = await manager.query(
    `SELECT asked.uri FROM unnest($2::text[]) AS asked(uri)
     WHERE NOT EXISTS (
       SELECT 1 FROM (
         SELECT unnest(ARRAY[v.raw->>'uri', v.parquet->>'uri', v.quarantine->>'uri']) AS uri
         FROM dataset_versions v JOIN datasets d ON d.id = v.dataset_id
         WHERE d.project = $1 AND v.retired_at IS NULL AND v.id <> ALL($3::uuid[])
         UNION ALL
         SELECT report.uri FROM ${REPORTS_OF_VERSIONS}
         WHERE d.project = $1 AND v.retired_at IS NULL AND v.id <> ALL($3::uuid[])
         UNION ALL
         SELECT uri FROM uploads
         WHERE project = $1 AND NOT $4::boolean AND created_at > now() - interval '${UNUSED_DAYS} days') named
       WHERE named.uri = asked.uri)`,
    [project, uris, without, isErased],
  )
  if (unnamed.length === 0) return []
  const mayGoOn = `r.project = $1 AND (${RUN_UNDER_WAY}
    OR (NOT $3::boolean AND r.status <> 'succeeded' AND r.ended_at > now() - interval '${UNUSED_DAYS} days'))`
  const rows: { uri: string }[] = await manager.query(
    `WITH named AS MATERIALIZED (
       SELECT r.request::text AS text FROM runs r WHERE ${mayGoOn}
       UNION ALL
       SELECT l.outcome::text FROM ledger_steps l JOIN runs r ON r.id = l.run_id WHERE ${mayGoOn}
       UNION ALL
       SELECT v.artifacts::text FROM model_versions v JOIN models m ON m.id = v.model_id WHERE m.project = $1)
     SELECT asked.uri FROM unnest($2::text[]) AS asked(uri)
     WHERE NOT EXISTS (SELECT 1 FROM named WHERE position(asked.uri IN named.text) > 0)
     ORDER BY asked.uri`,
    [project, unnamed.map(({ uri }) => uri), isErased],
  )
  return rows.map(({ uri }) => uri)
}
