import type { DataSource } from 'typeorm'
import type { PackEntry } from '../../domain/data/pack.js'
import { DatasetVersion } from './entities/dataset.js'
import { NEEDED_CHUNKS } from './mark-store.js'
import { type ChunkRow, packEntryOf } from './pack-catalogue.js'

export interface NeededPack {
  readonly id: string
  readonly sha256: string
  readonly bytes: number
}

/** A version whose commit was written. */
export interface CommittedVersion {
  readonly dataset: string
  readonly version: number
  readonly commit: string
  readonly retired: boolean
  readonly purged: boolean
  /** False until the object store says that it was retired or purged. */
  readonly endRecorded: boolean
}

export interface Selected {
  readonly project: string
  /** Null: every dataset. */
  readonly dataset: string | null
  /** Null: every version that is kept. */
  readonly version: number | null
}

const SELECTED = `d.project = $1 AND ($2::text IS NULL OR d.name = $2) AND ($3::int IS NULL OR v.version = $3)
  AND v.retired_at IS NULL`

/** A chunk `m` that a version needs and that no pack has. Looked up for each of them, as `NEEDED_CHUNKS`. */
const LOST = `NOT EXISTS (
  SELECT 1 FROM data_chunks c JOIN data_packs p ON p.id = c.pack_id AND p.verified_at IS NOT NULL
  WHERE c.project = $2 AND c.sha256 = m.sha256 OFFSET 0)`

/** What versions need, as a verification reads it. */
export class VerifyStore {
  constructor(private readonly dataSource: DataSource) {}

  /** Marks the roots of some versions. */
  async markRoots(runId: string, { project, dataset, version }: Selected): Promise<void> {
    await this.dataSource.query(
      `INSERT INTO data_marks (run_id, sha256, is_node, is_open)
       SELECT DISTINCT $4::uuid, decode(v.manifest, 'hex'), true, true
       FROM dataset_versions v JOIN datasets d ON d.id = v.dataset_id
       WHERE ${SELECTED} AND v.manifest IS NOT NULL
       ON CONFLICT DO NOTHING`,
      [project, dataset, version, runId],
    )
  }

  /** Versions behind one, by their ids, with their datasets. */
  async versions(selected: Selected, after: string | null, limit: number): Promise<DatasetVersion[]> {
    const { project, dataset, version } = selected
    const rows: { id: string }[] = await this.dataSource.query(
      `SELECT v.id FROM dataset_versions v JOIN datasets d ON d.id = v.dataset_id
       WHERE ${SELECTED} AND ($4::uuid IS NULL OR v.id > $4) ORDER BY v.id LIMIT $5`,
      [project, dataset, version, after, limit],
    )
    if (rows.length === 0) return []
    return this.dataSource
      .getRepository(DatasetVersion)
      .createQueryBuilder('version')
      .innerJoinAndSelect('version.dataset', 'dataset')
      .where('version.id = ANY(:ids)', { ids: rows.map(({ id }) => id) })
      .orderBy('version.id')
      .getMany()
  }

  /** Versions that were retired, behind one, by their ids, with their datasets. */
  async ended(project: string, after: string | null, limit: number): Promise<DatasetVersion[]> {
    const query = this.dataSource
      .getRepository(DatasetVersion)
      .createQueryBuilder('version')
      .innerJoinAndSelect('version.dataset', 'dataset')
      .where('dataset.project = :project AND version.retired_at IS NOT NULL', { project })
      .andWhere('version.commit IS NOT NULL')
    if (after !== null) query.andWhere('version.id > :after', { after })
    return query.orderBy('version.id').limit(limit).getMany()
  }

  /** The newest pack; null where there is none. */
  async newestPack(project: string): Promise<string | null> {
    const [row]: { id: string | null }[] = await this.dataSource.query(
      'SELECT max(id) AS id FROM data_packs WHERE project = $1',
      [project],
    )
    return row!.id
  }

  /** Packs behind one that have a chunk that is needed, as far as they were there at the beginning. */
  async packs(
    runId: string,
    project: string,
    { after, newest }: { readonly after: string; readonly newest: string | null },
    limit: number,
  ): Promise<NeededPack[]> {
    const rows: { id: string; sha256: Buffer; bytes: number }[] = await this.dataSource.query(
      `SELECT p.id, p.sha256, p.bytes FROM data_packs p
       WHERE p.project = $2 AND p.id > $3 AND ($5::bigint IS NULL OR p.id <= $5) AND p.verified_at IS NOT NULL
         AND EXISTS (SELECT 1 FROM ${NEEDED_CHUNKS}
           WHERE c.pack_id = p.id OFFSET 0)
       ORDER BY p.id LIMIT $4`,
      [runId, project, after, limit, newest],
    )
    return rows.map(({ id, sha256, bytes }) => ({ id, sha256: sha256.toString('hex'), bytes }))
  }

  /** Packs that were verified, behind one. */
  async all(project: string, after: string, limit: number): Promise<NeededPack[]> {
    const rows: { id: string; sha256: Buffer; bytes: number }[] = await this.dataSource.query(
      `SELECT id, sha256, bytes FROM data_packs
       WHERE project = $1 AND id > $2 AND verified_at IS NOT NULL ORDER BY id LIMIT $3`,
      [project, after, limit],
    )
    return rows.map(({ id, sha256, bytes }) => ({ id, sha256: sha256.toString('hex'), bytes }))
  }

  /** Whether the rows of the chunks of a pack are these. */
  async hasChunks(
    project: string,
    { sha256, chunks }: { readonly sha256: string; readonly chunks: readonly PackEntry[] },
  ): Promise<boolean> {
    const [row]: { id: string }[] = await this.dataSource.query(
      'SELECT id FROM data_packs WHERE project = $1 AND sha256 = $2',
      [project, Buffer.from(sha256, 'hex')],
    )
    if (row === undefined) return false
    const text = (all: readonly PackEntry[]) =>
      all
        .map(({ sha256: hash, offset, stored, bytes, codec }) =>
          [hash, offset, stored, bytes, codec].join(' '),
        )
        .sort()
        .join()
    return text(await this.chunks(row.id)) === text(chunks)
  }

  /** Versions of a project that are in the object store, as far as the catalogue knows. */
  async committed(project: string): Promise<CommittedVersion[]> {
    return this.dataSource.query(
      `SELECT d.name AS dataset, v.version, v.commit, v.retired_at IS NOT NULL AS retired, v.purge IS NOT NULL AS purged,
         v.end_recorded AS "endRecorded"
       FROM dataset_versions v JOIN datasets d ON d.id = v.dataset_id
       WHERE d.project = $1 AND v.commit IS NOT NULL ORDER BY d.name, v.version`,
      [project],
    )
  }

  /** Those of some commits that no version of a project is of. */
  async unknownCommits(project: string, commits: readonly string[]): Promise<string[]> {
    const rows: { commit: string }[] = await this.dataSource.query(
      `SELECT commit FROM unnest($2::text[]) AS asked(commit)
       EXCEPT SELECT v.commit FROM dataset_versions v JOIN datasets d ON d.id = v.dataset_id WHERE d.project = $1`,
      [project, commits],
    )
    return rows.map(({ commit }) => commit)
  }

  async hasVersion(project: string, dataset: string, version: number): Promise<boolean> {
    const rows: unknown[] = await this.dataSource.query(
      `SELECT 1 FROM dataset_versions v JOIN datasets d ON d.id = v.dataset_id
       WHERE d.project = $1 AND d.name = $2 AND v.version = $3`,
      [project, dataset, version],
    )
    return rows.length > 0
  }

  /** Chunks of a pack, in their order in it. */
  async chunks(packId: string): Promise<PackEntry[]> {
    const rows: ChunkRow[] = await this.dataSource.query(
      'SELECT sha256, "offset", stored, bytes, codec FROM data_chunks WHERE pack_id = $1 ORDER BY "offset"',
      [packId],
    )
    return rows.map(packEntryOf)
  }

  /** Needed chunks that no pack has: how many, and the first of them. */
  async lost(runId: string, project: string, limit: number): Promise<{ count: number; first: string[] }> {
    const [row]: { count: number }[] = await this.dataSource.query(
      `SELECT count(*)::int AS count FROM data_marks m WHERE m.run_id = $1 AND ${LOST}`,
      [runId, project],
    )
    const rows: { sha256: Buffer }[] = await this.dataSource.query(
      `SELECT m.sha256 FROM data_marks m WHERE m.run_id = $1 AND ${LOST} ORDER BY m.sha256 LIMIT $3`,
      [runId, project, limit],
    )
    return { count: row!.count, first: rows.map(({ sha256 }) => sha256.toString('hex')) }
  }
}
