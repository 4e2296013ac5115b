import type { DataSource, EntityManager } from 'typeorm'
import { ASKED_CHUNKS, PackCatalogue } from './pack-catalogue.js'

/**
 * What a version to be relies on: for each of its chunks a pack that has it. While the push that owns them is
 * under way these packs are not removed; and the transaction that makes the version sees that all of them are
 * still there, and that no collection removes them which has begun before it.
 */
export class PackHolds {
  private readonly catalogue: PackCatalogue

  constructor(private readonly dataSource: DataSource) {
    this.catalogue = new PackCatalogue(dataSource)
  }

  /**
   * Holds a pack for each of some chunks.
   * @param owner the run of a push, or an id that nobody else has
   * @returns the chunks that are in no pack, the bytes of the others, and the packs that are held for them
   */
  async hold(
    project: string,
    owner: string,
    chunks: readonly string[],
  ): Promise<{ missing: string[]; bytes: ReadonlyMap<string, number>; packs: string[] }> {
    await this.catalogue.missing(project, chunks, null)
    const held: { sha256: Buffer; pack: string; bytes: number }[] = await this.dataSource.query(
      `WITH ${ASKED_CHUNKS},
       chosen AS (
         SELECT c.sha256, min(p.id) AS pack, min(c.bytes) AS bytes FROM c
         JOIN data_packs p ON p.id = c.pack_id AND p.verified_at IS NOT NULL AND p.doomed_at IS NULL
         GROUP BY c.sha256),
       held AS (
         INSERT INTO data_holds (owner, pack_id) SELECT DISTINCT $3::uuid, pack FROM chosen
         ON CONFLICT DO NOTHING)
       SELECT sha256, pack, bytes FROM chosen`,
      [project, chunks.map(chunk => Buffer.from(chunk, 'hex')), owner],
    )
    const bytes = new Map(held.map(each => [each.sha256.toString('hex'), each.bytes]))
    return {
      missing: chunks.filter(chunk => !bytes.has(chunk)),
      bytes,
      packs: [...new Set(held.map(({ pack }) => pack))],
    }
  }

  /** How many packs are held. */
  async count(owner: string): Promise<number> {
    const [row]: { count: number }[] = await this.dataSource.query(
      'SELECT count(*)::int AS count FROM data_holds WHERE owner = $1',
      [owner],
    )
    return row!.count
  }

  /** Begins anew: what was held is looked for again. */
  async drop(owner: string, manager: EntityManager = this.dataSource.manager): Promise<void> {
    await manager.query('DELETE FROM data_holds WHERE owner = $1', [owner])
  }

  /**
   * In the transaction that makes a version: keeps what it relies on from every collection under way.
   * @param count how many packs it has held
   * @returns false where one of them is gone, or held no longer: hold them anew
   */
  async confirm(transaction: EntityManager, project: string, owner: string, count: number): Promise<boolean> {
    const epoch = await heldEpoch(transaction, project)
    await transaction.query(
      `WITH behind AS (
         SELECT p.id FROM data_packs p JOIN data_holds h ON h.pack_id = p.id AND h.owner = $1
         WHERE p.used_epoch < $2 OR p.doomed_at IS NOT NULL ORDER BY p.id FOR NO KEY UPDATE OF p)
       UPDATE data_packs SET used_epoch = $2, used_at = now(), doomed_at = NULL, doomed_by = NULL
       FROM behind WHERE data_packs.id = behind.id`,
      [owner, epoch],
    )
    const held: unknown[] = await transaction.query(
      `SELECT p.id FROM data_packs p JOIN data_holds h ON h.pack_id = p.id AND h.owner = $1
       WHERE p.project = $2 AND p.verified_at IS NOT NULL ORDER BY p.id FOR SHARE OF p`,
      [owner, project],
    )
    return held.length === count
  }
}

/** The epoch of a project, in which its collection waits for this transaction to end before another one begins. */
async function heldEpoch(transaction: EntityManager, project: string): Promise<string> {
  await transaction.query('INSERT INTO data_epochs (project, epoch) VALUES ($1, 0) ON CONFLICT DO NOTHING', [
    project,
  ])
  const [row]: { epoch: string }[] = await transaction.query(
    'SELECT epoch FROM data_epochs WHERE project = $1 FOR SHARE',
    [project],
  )
  return row!.epoch
}
