import type { DataSource, EntityManager } from 'typeorm'
import type { PackEntry } from '../../domain/data/pack.js'
import { MlforgeError } from '../../domain/errors.js'
import { PACK_HELD } from './lease-sql.js'
import { NEEDED_CHUNKS } from './mark-store.js'
import { type ChunkRow, packEntryOf } from './pack-catalogue.js'

/** A pack that a collection is to remove, as its plan has it. */
export interface PlannedPack {
  readonly id: string
  readonly sha256: string
  readonly bytes: number
  readonly liveBytes: number
}

/** A pack with what is needed of its chunks, and how large all of these are: its index is in neither. */
export interface LivePack extends PlannedPack {
  readonly chunkBytes: number
}

/** A collection that executes its plan. */
export interface Collecting {
  readonly runId: string
  readonly project: string
  readonly epoch: string
}

interface PackRow {
  readonly id: string
  readonly sha256: Buffer
  readonly bytes: number
  readonly live: number
}

const planned = ({ id, sha256, bytes, live }: PackRow): PlannedPack => ({
  id,
  sha256: sha256.toString('hex'),
  bytes,
  liveBytes: live,
})

/** True for a chunk `c` that is in another pack `op`, which stays. Looked up for each of them, as `NEEDED_CHUNKS`. */
const elsewhere = (and = '') => `EXISTS (
  SELECT 1 FROM data_chunks o JOIN data_packs op ON op.id = o.pack_id
  WHERE o.project = c.project AND o.sha256 = c.sha256 AND o.pack_id <> c.pack_id
    AND op.verified_at IS NOT NULL AND op.doomed_at IS NULL ${and} OFFSET 0)`

/** How packs leave the catalogue: planned, doomed, and after a time removed, provided that nobody has taken them up. */
export class SweepStore {
  constructor(private readonly dataSource: DataSource) {}

  /** Packs behind one, in the order of their ids, with what is needed of each. */
  async live(runId: string, project: string, after: string, limit: number): Promise<LivePack[]> {
    const rows: (PackRow & { readonly chunks: number })[] = await this.dataSource.query(
      `WITH few AS (SELECT id, sha256, bytes FROM data_packs WHERE project = $2 AND id > $3 ORDER BY id LIMIT $4)
       SELECT few.*, coalesce((
         SELECT sum(c.stored) FROM ${NEEDED_CHUNKS}
         WHERE c.pack_id = few.id), 0)::int AS live,
         coalesce((SELECT sum(stored) FROM data_chunks WHERE pack_id = few.id), 0)::int AS chunks
       FROM few ORDER BY id`,
      [runId, project, after, limit],
    )
    return rows.map(row => ({ ...planned(row), chunkBytes: row.chunks }))
  }

  /** Notes packs that are to be removed. */
  async plan(runId: string, packs: readonly PlannedPack[]): Promise<void> {
    await this.dataSource.query(
      `INSERT INTO data_collection_packs (run_id, pack_id, sha256, bytes, live_bytes)
       SELECT $1::uuid, * FROM unnest($2::bigint[], $3::bytea[], $4::int[], $5::int[])`,
      [
        runId,
        packs.map(({ id }) => id),
        packs.map(({ sha256 }) => Buffer.from(sha256, 'hex')),
        packs.map(({ bytes }) => bytes),
        packs.map(({ liveBytes }) => liveBytes),
      ],
    )
  }

  /** Begins a plan anew. */
  async dropPlan(runId: string): Promise<void> {
    await this.dataSource.query('DELETE FROM data_collection_packs WHERE run_id = $1', [runId])
  }

  /** Those of some packs that another plan has too. */
  async alsoPlanned(planId: string, packs: readonly PlannedPack[]): Promise<PlannedPack[]> {
    const rows: { id: string }[] = await this.dataSource.query(
      'SELECT pack_id AS id FROM data_collection_packs WHERE run_id = $1 AND pack_id = ANY($2::bigint[])',
      [planId, packs.map(({ id }) => id)],
    )
    const known = new Set(rows.map(({ id }) => id))
    return packs.filter(({ id }) => known.has(id))
  }

  /** Planned packs of which something is needed and that were not written anew. */
  async toRepack(runId: string, limit: number): Promise<PlannedPack[]> {
    const rows: PackRow[] = await this.dataSource.query(
      `SELECT pack_id AS id, sha256, bytes, live_bytes AS live FROM data_collection_packs
       WHERE run_id = $1 AND live_bytes > 0 AND repacked_at IS NULL ORDER BY pack_id LIMIT $2`,
      [runId, limit],
    )
    return rows.map(planned)
  }

  /** Chunks of some packs that are needed, and are in no other pack that stays: none that is planned does. */
  async onlyThere(runId: string, packs: readonly string[]): Promise<PackEntry[]> {
    const unplanned = `AND NOT EXISTS (
      SELECT 1 FROM data_collection_packs d WHERE d.run_id = $1 AND d.pack_id = op.id)`
    const rows: ChunkRow[] = await this.dataSource.query(
      `SELECT DISTINCT ON (c.sha256) c.sha256, c."offset", c.stored, c.bytes, c.codec
         FROM ${NEEDED_CHUNKS}
         WHERE c.pack_id = ANY($2::bigint[]) AND NOT ${elsewhere(unplanned)} ORDER BY c.sha256`,
      [runId, packs],
    )
    return rows.map(packEntryOf)
  }

  async repacked(runId: string, packs: readonly string[]): Promise<void> {
    await this.dataSource.query(
      'UPDATE data_collection_packs SET repacked_at = now() WHERE run_id = $1 AND pack_id = ANY($2::bigint[])',
      [runId, packs],
    )
  }

  /**
   * Dooms planned packs that nobody has used since the collection began, or holds.
   * @returns how many are doomed
   * @throws MlforgeError wrong_state where another collection has begun since
   */
  async doom({ runId, project, epoch }: Collecting): Promise<number> {
    return this.dataSource.transaction(async transaction => {
      await assertEpoch(transaction, { runId, project, epoch })
      await transaction.query(
        `UPDATE data_packs p SET doomed_at = now(), doomed_by = $1
         FROM data_collection_packs d
         WHERE d.run_id = $1 AND d.swept_at IS NULL AND p.id = d.pack_id AND p.doomed_by IS DISTINCT FROM $1
           AND p.used_epoch < $2 AND NOT ${PACK_HELD}`,
        [runId, epoch],
      )
      const [row]: { count: number }[] = await transaction.query(
        'SELECT count(*)::int AS count FROM data_packs WHERE doomed_by = $1',
        [runId],
      )
      return row!.count
    })
  }

  /**
   * Removes the rows of doomed packs, as many as the limit, whose time is over and that nobody has used or holds,
   * and of which nothing is needed that is in no other pack. The others are doomed no longer.
   * @returns how many were looked at
   * @throws MlforgeError wrong_state where another collection has begun since
   */
  async sweep(
    { runId, project, epoch }: Collecting,
    { graceMs, limit }: { graceMs: number; limit: number },
  ): Promise<number> {
    return this.dataSource.transaction(async transaction => {
      await assertEpoch(transaction, { runId, project, epoch })
      // One at a time: two packs that have the same chunk must not be removed because of each other.
      await transaction.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [`sweep ${project}`])
      const doomed: { id: string }[] = await transaction.query(
        `SELECT p.id FROM data_packs p
         WHERE p.doomed_by = $1 AND p.doomed_at <= now() - $2 * interval '1 millisecond'
         ORDER BY p.id LIMIT $3 FOR UPDATE OF p`,
        [runId, graceMs, limit],
      )
      const ids = doomed.map(({ id }) => id)
      // What has changed before they were locked is seen by a statement of its own.
      const gone: { id: string }[] = await transaction.query(
        `SELECT p.id FROM data_packs p
         WHERE p.id = ANY($2::bigint[]) AND p.doomed_by = $1 AND p.used_epoch < $3 AND NOT ${PACK_HELD}
           AND NOT EXISTS (
             SELECT 1 FROM ${NEEDED_CHUNKS}
             WHERE c.pack_id = p.id AND NOT ${elsewhere()} OFFSET 0)`,
        [runId, ids, epoch],
      )
      const swept = gone.map(({ id }) => id)
      await transaction.query('DELETE FROM data_chunks WHERE pack_id = ANY($1::bigint[])', [swept])
      await transaction.query('DELETE FROM data_push_packs WHERE pack_id = ANY($1::bigint[])', [swept])
      await transaction.query('DELETE FROM data_packs WHERE id = ANY($1::bigint[])', [swept])
      await transaction.query(
        'UPDATE data_packs SET doomed_at = NULL, doomed_by = NULL WHERE id = ANY($1::bigint[])',
        [ids],
      )
      await transaction.query(
        'UPDATE data_collection_packs SET swept_at = now() WHERE run_id = $1 AND pack_id = ANY($2::bigint[])',
        [runId, swept],
      )
      return ids.length
    })
  }

  /** Packs whose rows are gone and whose objects are not yet. */
  async toRemove(runId: string, limit: number): Promise<string[]> {
    const rows: { sha256: Buffer }[] = await this.dataSource.query(
      `SELECT sha256 FROM data_collection_packs
       WHERE run_id = $1 AND swept_at IS NOT NULL AND removed_at IS NULL ORDER BY pack_id LIMIT $2`,
      [runId, limit],
    )
    return rows.map(({ sha256 }) => sha256.toString('hex'))
  }

  async removed(runId: string, packs: readonly string[]): Promise<void> {
    await this.dataSource.query(
      `UPDATE data_collection_packs SET removed_at = now()
       WHERE run_id = $1 AND swept_at IS NOT NULL AND sha256 = ANY($2::bytea[])`,
      [runId, packs.map(sha256 => Buffer.from(sha256, 'hex'))],
    )
  }

  async report(runId: string): Promise<{ packs: number; bytes: number; kept: number }> {
    const [row]: { packs: number; bytes: number; kept: number }[] = await this.dataSource.query(
      `SELECT count(swept_at)::int AS packs, count(*) FILTER (WHERE swept_at IS NULL)::int AS kept,
         coalesce(sum(bytes) FILTER (WHERE swept_at IS NOT NULL), 0)::float8 AS bytes
       FROM data_collection_packs WHERE run_id = $1`,
      [runId],
    )
    return row!
  }

  /** Those of some objects that no pack of the catalogue is. */
  async unknown(project: string, packs: readonly string[]): Promise<string[]> {
    const rows: { sha256: Buffer }[] = await this.dataSource.query(
      'SELECT sha256 FROM data_packs WHERE project = $1 AND sha256 = ANY($2::bytea[])',
      [project, packs.map(sha256 => Buffer.from(sha256, 'hex'))],
    )
    const known = new Set(rows.map(({ sha256 }) => sha256.toString('hex')))
    return packs.filter(sha256 => !known.has(sha256))
  }
}

/** What a collection knows to be needed holds in its own epoch alone. */
async function assertEpoch(transaction: EntityManager, { runId, project, epoch }: Collecting): Promise<void> {
  const [row]: { epoch: string }[] = await transaction.query(
    'SELECT epoch FROM data_epochs WHERE project = $1 FOR SHARE',
    [project],
  )
  if (row?.epoch === epoch) return
  throw new MlforgeError(
    'wrong_state',
    `Another collection has begun after ${runId}, which removes no more. See GET /v1/data/collections.`,
  )
}
