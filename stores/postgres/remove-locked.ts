import type { EntityManager } from 'typeorm'
import type { ObjectStore } from '../objects/object-store.js'

/**
 * Removes objects as long as a transaction holds what keeps others from naming them: before each one the database is
 * asked. Where its session has ended, and its locks with it, nothing is removed but the one under way.
 */
export async function removeLocked(
  transaction: EntityManager,
  uris: readonly string[],
  objects: Pick<ObjectStore, 'remove'>,
): Promise<void> {
  for (const uri of uris) {
    // It keeps the session from being ended as an idle one, too.
    await transaction.query('SELECT 1')
    await objects.remove(uri)
  }
}
