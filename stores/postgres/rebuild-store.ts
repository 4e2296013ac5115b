import type { DataSource } from 'typeorm'
import type { Commit, RefRecord } from '../../domain/data/commit.js'
import { uuidv7 } from '../ids.js'
import {
  Dataset,
  DatasetVersion,
  type Purge,
  type QuarantinedContent,
  type StoredContent,
} from './entities/dataset.js'

export interface RestoredVersion {
  readonly commit: Commit
  /** SHA-256 of the commit. */
  readonly sha256: string
  readonly root: string
  readonly parentVersions: readonly number[]
  readonly raw: StoredContent | null
  readonly parquet: StoredContent | null
  readonly quarantine: QuarantinedContent | null
  readonly end: { readonly at: string; readonly purge: Purge | null } | null
}

/** Rows of the catalogue that are made again of what the object store has. What is there stays as it is. */
export class RebuildStore {
  constructor(private readonly dataSource: DataSource) {}

  /** The dataset of a name. @param createdAt when its first version was made, ISO 8601 */
  async dataset(project: string, name: string, createdAt: string): Promise<Dataset> {
    await this.dataSource.query(
      `INSERT INTO datasets (id, project, name, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
      [uuidv7(), project, name, createdAt],
    )
    return this.dataSource.getRepository(Dataset).findOneByOrFail({ project, name })
  }

  /** @returns false where the dataset has a version of this number */
  async version(datasetId: string, restored: RestoredVersion): Promise<boolean> {
    const { commit, sha256, end } = restored
    const { table } = commit
    const inserted = await this.dataSource
      .createQueryBuilder()
      .insert()
      .into(DatasetVersion)
      .values({
        id: uuidv7(),
        datasetId,
        version: commit.version,
        branch: commit.branch,
        parentVersions: restored.parentVersions,
        root: restored.root,
        manifest: commit.manifest,
        files: commit.files,
        bytes: String(commit.bytes),
        rows: table === null ? null : String(table.rows),
        raw: restored.raw,
        parquet: restored.parquet,
        quarantine: restored.quarantine,
        schema: table?.schema ?? null,
        conversion: table?.conversion ?? null,
        proposal: table?.proposal ?? null,
        expectations: table?.expectations ?? null,
        suite: table?.suite ?? null,
        profile: table?.profile ?? null,
        parents: commit.madeFrom,
        message: commit.message,
        author: commit.author === '' ? null : commit.author,
        code: commit.code,
        commit: sha256,
        runId: commit.runId,
        effectKey: commit.effectKey,
        createdAt: new Date(commit.at),
        retiredAt: end === null ? null : new Date(end.at),
        purge: end?.purge ?? null,
        endRecorded: true,
      } as never)
      .orIgnore()
      .returning('id')
      .execute()
    return (inserted.raw as unknown[]).length > 0
  }

  /** @returns false where there is a branch or tag of this name */
  async ref(datasetId: string, ref: RefRecord): Promise<boolean> {
    const rows: unknown[] = await this.dataSource.query(
      `INSERT INTO data_refs (dataset_id, name, kind, version, sequence, principal, updated_at, recorded)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $5) ON CONFLICT DO NOTHING RETURNING name`,
      [datasetId, ref.name, ref.kind, ref.version, ref.sequence, ref.principal, ref.at],
    )
    return rows.length > 0
  }
}
