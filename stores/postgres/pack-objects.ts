import type { DataSource, EntityManager } from 'typeorm'
import { MlforgeError } from '../../domain/errors.js'
import type { ObjectStore } from '../objects/object-store.js'
import { objectUri } from '../objects/object-uri.js'
import { KEEP_OBJECTS_LOCK } from './compaction-store.js'
import { removeLocked } from './remove-locked.js'

export type SizedObjects = Pick<ObjectStore, 'size'>

/** Whoever takes a pack on holds this, shared; whoever removes its object holds it alone. */
const packLock = (project: string, sha256: string) => `pack ${project}/${sha256}`

/**
 * The object of a pack is there, and stays as long as the transaction that is to take it on: a collection may have
 * removed it between its being written and this.
 * @throws MlforgeError unavailable
 */
export async function assertWritten(
  transaction: EntityManager,
  project: string,
  sha256: string,
  objects: SizedObjects,
): Promise<void> {
  await transaction.query('SELECT pg_advisory_xact_lock_shared(hashtextextended($1, 0))', [
    packLock(project, sha256),
  ])
  if ((await objects.size(objectUri(project, sha256, 'packs'))) !== null) return
  throw new MlforgeError(
    'unavailable',
    `Pack ${sha256} was removed while it came, since nothing needed it before. Send it again.`,
    { pack: sha256 },
  )
}

/** Objects of packs, and how they go. */
export class PackObjects {
  constructor(private readonly dataSource: DataSource) {}

  /**
   * Removes objects of packs that the catalogue does not have.
   * @returns which were removed; null where a backup, or somebody else who deletes, has to be waited for
   */
  async remove(
    project: string,
    packs: readonly string[],
    objects: Pick<ObjectStore, 'remove'>,
  ): Promise<string[] | null> {
    return this.dataSource.transaction(async transaction => {
      if (!(await mayDelete(transaction))) return null
      const sorted = packs.toSorted()
      for (const sha256 of sorted) await lockAlone(transaction, project, sha256)
      const known: { sha256: Buffer }[] = await transaction.query(
        'SELECT sha256 FROM data_packs WHERE project = $1 AND sha256 = ANY($2::bytea[])',
        [project, sorted.map(sha256 => Buffer.from(sha256, 'hex'))],
      )
      const kept = new Set(known.map(row => row.sha256.toString('hex')))
      const removed = sorted.filter(sha256 => !kept.has(sha256))
      const uris = removed.map(sha256 => objectUri(project, sha256, 'packs'))
      await removeLocked(transaction, uris, objects)
      return removed
    })
  }

  /**
   * Removes a pack that is damaged: whoever needs a chunk of it that is in no other one has to send it again.
   * @throws MlforgeError unavailable while a backup is written
   */
  async discard(
    project: string,
    { id, sha256 }: { readonly id: string; readonly sha256: string },
    objects: Pick<ObjectStore, 'remove'>,
  ): Promise<void> {
    await this.dataSource.transaction(async transaction => {
      if (!(await mayDelete(transaction))) {
        throw new MlforgeError(
          'unavailable',
          `Pack ${sha256} is damaged, and stays while a backup is written. Verify again.`,
        )
      }
      await lockAlone(transaction, project, sha256)
      await transaction.query('DELETE FROM data_packs WHERE id = $1', [id])
      await transaction.query('DELETE FROM data_chunks WHERE pack_id = $1', [id])
      await transaction.query('DELETE FROM data_push_packs WHERE pack_id = $1', [id])
      await objects.remove(objectUri(project, sha256, 'packs'))
    })
  }
}

/** False while a backup is written, or somebody else deletes. */
export async function mayDelete(transaction: EntityManager): Promise<boolean> {
  const [alone]: { locked: boolean }[] = await transaction.query(
    `SELECT pg_try_advisory_xact_lock(${KEEP_OBJECTS_LOCK}) AS locked`,
  )
  return alone!.locked
}

async function lockAlone(transaction: EntityManager, project: string, sha256: string): Promise<void> {
  await transaction.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [
    packLock(project, sha256),
  ])
}
