import { type DataSource, type EntityManager, IsNull } from 'typeorm'
import { CODECS, type PackEntry } from '../../domain/data/pack.js'
import { DataPack, DataPushPack } from './entities/data.js'
import { assertWritten, type SizedObjects } from './pack-objects.js'

/** A pack as its index describes it. */
export interface NewPack {
  readonly sha256: string
  readonly bytes: number
  readonly chunks: readonly PackEntry[]
}

/** A chunk with the pack it is in. */
export interface Located extends PackEntry {
  /** SHA-256 of the pack. */
  readonly pack: string
}

/** So long a chunk that was found may be used without being marked again. */
const TOUCH_EVERY = `interval '1 minute'`

/**
 * Rows `c` of the chunks of project $1 that are asked for as $2. Each is looked up by its hash, before anything is
 * joined (`OFFSET 0` and `MATERIALIZED` keep it so): of a table that has just grown nobody knows yet how large it is,
 * and joined otherwise each would be compared with all.
 */
export const ASKED_CHUNKS = `c AS MATERIALIZED (
    SELECT there.* FROM unnest($2::bytea[]) AS asked(sha256)
    CROSS JOIN LATERAL (
      SELECT sha256, pack_id, bytes FROM data_chunks WHERE project = $1 AND sha256 = asked.sha256 OFFSET 0) there)`

/** Packs of chunks that are asked for, as far as they count for the push that asks. */
const FOUND = `
  FROM c JOIN data_packs p ON p.id = c.pack_id
  WHERE (p.verified_at IS NOT NULL
    OR EXISTS (SELECT 1 FROM data_push_packs b WHERE b.run_id = $3 AND b.pack_id = p.id))`

/** Marks them as used. A doomed pack is taken up again where it alone has a chunk. In one order, so that nobody waits in a circle. */
const TAKE_UP = `
  WITH ${ASKED_CHUNKS},
  found AS (SELECT c.sha256, p.id, p.doomed_at ${FOUND}),
  wanted AS (
    SELECT id FROM found WHERE doomed_at IS NULL
    UNION
    SELECT id FROM found WHERE NOT EXISTS (
      SELECT 1 FROM found other WHERE other.sha256 = found.sha256 AND other.doomed_at IS NULL)),
  taken AS (
    SELECT p.id FROM data_packs p JOIN wanted ON wanted.id = p.id
    WHERE p.doomed_at IS NOT NULL OR p.used_at < now() - ${TOUCH_EVERY}
    ORDER BY p.id FOR NO KEY UPDATE OF p)
  UPDATE data_packs SET used_at = now(), doomed_at = NULL, doomed_by = NULL
  FROM taken WHERE data_packs.id = taken.id`

/** A row of data_chunks. */
export interface ChunkRow {
  readonly sha256: Buffer
  readonly offset: number
  readonly stored: number
  readonly bytes: number
  readonly codec: number
}

/** Where a chunk is, as its row says. */
export function packEntryOf({ sha256, offset, stored, bytes, codec }: ChunkRow): PackEntry {
  return { sha256: hex(sha256), offset, stored, bytes, codec: CODECS[codec]! }
}

const hex = (hash: Buffer): string => hash.toString('hex')
const binary = (hash: string): Buffer => Buffer.from(hash, 'hex')

/** Which chunks a project has, and in which packs. A pack counts for others once it was verified. */
export class PackCatalogue {
  constructor(private readonly dataSource: DataSource) {}

  /**
   * Those of some chunks that are not there. What is there is marked as used, so that it stays.
   * @param runId a push, whose own packs count before they were verified
   */
  async missing(project: string, chunks: readonly string[], runId: string | null): Promise<string[]> {
    const asked = [project, chunks.map(binary), runId]
    // First taken up, then looked at: what was removed before is missing, what is there is not doomed any more.
    await this.dataSource.query(TAKE_UP, asked)
    const found: { sha256: Buffer }[] = await this.dataSource.query(
      `WITH ${ASKED_CHUNKS} SELECT DISTINCT c.sha256 ${FOUND} AND p.doomed_at IS NULL`,
      asked,
    )
    const there = new Set(found.map(each => hex(each.sha256)))
    return chunks.filter(chunk => !there.has(chunk))
  }

  /**
   * Takes on a pack that is in the object store and is what its index says. Again, it changes nothing.
   * @throws MlforgeError unavailable: it was removed meanwhile, write it again
   */
  async add(project: string, pack: NewPack, objects: SizedObjects): Promise<void> {
    await this.dataSource.transaction(transaction =>
      this.addIn(transaction, project, pack, { verified: true, runId: null, objects }),
    )
  }

  /**
   * The same in the caller's transaction.
   * @param how a pack that was not verified counts for the push that has brought it alone
   * @throws MlforgeError unavailable
   */
  async addIn(
    transaction: EntityManager,
    project: string,
    pack: NewPack,
    how: { readonly verified: boolean; readonly runId: string | null; readonly objects: SizedObjects },
  ): Promise<{ id: string; isNew: boolean }> {
    await assertWritten(transaction, project, pack.sha256, how.objects)
    const [row]: { id: string; fresh: boolean }[] = await transaction.query(
      `INSERT INTO data_packs AS known (project, sha256, bytes, verified_at, used_at)
       VALUES ($1, $2, $3, CASE WHEN $4::boolean THEN now() END, now())
       ON CONFLICT (project, sha256) DO UPDATE
         SET used_at = now(), doomed_at = NULL, doomed_by = NULL, verified_at = coalesce(known.verified_at, EXCLUDED.verified_at)
       RETURNING id, xmax = 0 AS fresh`,
      [project, binary(pack.sha256), pack.bytes, how.verified],
    )
    const { id } = row!
    await transaction.query(
      `INSERT INTO data_chunks (project, sha256, pack_id, "offset", stored, bytes, codec)
       SELECT $1, sha256, $2, "offset", stored, bytes, codec
       FROM unnest($3::bytea[], $4::int[], $5::int[], $6::int[], $7::smallint[])
         AS c(sha256, "offset", stored, bytes, codec)
       ON CONFLICT DO NOTHING`,
      [
        project,
        id,
        pack.chunks.map(({ sha256 }) => binary(sha256)),
        pack.chunks.map(({ offset }) => offset),
        pack.chunks.map(({ stored }) => stored),
        pack.chunks.map(({ bytes }) => bytes),
        pack.chunks.map(({ codec }) => CODECS.indexOf(codec)),
      ],
    )
    const { runId } = how
    if (runId === null) return { id, isNew: row!.fresh }
    const brought = await transaction
      .createQueryBuilder()
      .insert()
      .into(DataPushPack)
      .values({ runId, packId: id })
      .orIgnore()
      .returning('pack_id')
      .execute()
    return { id, isNew: (brought.raw as unknown[]).length > 0 }
  }

  /** Packs that a push has brought and nobody has verified yet. */
  async unverified(runId: string, limit: number): Promise<{ id: string; sha256: string; bytes: number }[]> {
    const rows: DataPack[] = await this.dataSource
      .getRepository(DataPack)
      .createQueryBuilder('pack')
      .innerJoin(DataPushPack, 'brought', 'brought.pack_id = pack.id AND brought.run_id = :runId', { runId })
      .where('pack.verified_at IS NULL')
      .orderBy('pack.id')
      .take(limit)
      .getMany()
    return rows.map(({ id, sha256, bytes }) => ({ id, sha256: hex(sha256), bytes }))
  }

  async countUnverified(runId: string): Promise<number> {
    const [row]: { count: number }[] = await this.dataSource.query(
      `SELECT count(*)::int AS count FROM data_push_packs b JOIN data_packs p ON p.id = b.pack_id
       WHERE b.run_id = $1 AND p.verified_at IS NULL`,
      [runId],
    )
    return row!.count
  }

  async markVerified(ids: readonly string[]): Promise<void> {
    await this.dataSource.query(
      'UPDATE data_packs SET verified_at = coalesce(verified_at, now()) WHERE id = ANY($1::bigint[])',
      [ids],
    )
  }

  /** Forgets a pack that is not what it says; one that was verified stays. */
  async forget(id: string): Promise<void> {
    await this.dataSource.transaction(async transaction => {
      const { affected } = await transaction.delete(DataPack, { id, verifiedAt: IsNull() })
      if (affected === 0) return
      await transaction.query('DELETE FROM data_chunks WHERE pack_id = $1', [id])
      await transaction.query('DELETE FROM data_push_packs WHERE pack_id = $1', [id])
    })
  }

  /** Where verified chunks are, each in one of its packs; those that are nowhere are left out. */
  async locate(project: string, chunks: readonly string[]): Promise<Map<string, Located[]>> {
    const rows: (ChunkRow & { readonly pack: Buffer })[] = await this.dataSource.query(
      `SELECT c.sha256, p.sha256 AS pack, c."offset", c.stored, c.bytes, c.codec
       FROM data_chunks c JOIN data_packs p ON p.id = c.pack_id
       WHERE c.project = $1 AND c.sha256 = ANY($2::bytea[]) AND p.verified_at IS NOT NULL
       ORDER BY p.doomed_at IS NOT NULL, c.pack_id`,
      [project, chunks.map(binary)],
    )
    const found = new Map<string, Located[]>()
    for (const { pack, ...row } of rows) {
      const entry = { ...packEntryOf(row), pack: hex(pack) }
      found.set(entry.sha256, [...(found.get(entry.sha256) ?? []), entry])
    }
    return found
  }
}
