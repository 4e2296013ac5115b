import type { DataSource } from 'typeorm'
import type { Commit, NamedObject, RefRecord } from '../../domain/data/commit.js'
import type {
  CurrentSuite,
  SuiteDefinition,
  TransformationDefinition,
} from '../../domain/data/definitions.js'
import { suiteContent } from '../../domain/expectations/suite-version.js'
import { sha256Hex, uuidv7 } from '../ids.js'
import { objectUri } from '../objects/object-uri.js'
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

/** How a branch or tag stands, and the commits of the version it is at and of the one that it is to be at. */
export interface StandingRef {
  readonly kind: RefRecord['kind']
  readonly sequence: number
  readonly at: string | null
  readonly wanted: string | null
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

  /** Null where there is none of this name. */
  async refAt(datasetId: string, { name, version }: RefRecord): Promise<StandingRef | null> {
    const rows: StandingRef[] = await this.dataSource.query(
      `SELECT r.kind, r.sequence, now.commit AS at, wanted.commit AS wanted FROM data_refs r
       LEFT JOIN dataset_versions now ON now.dataset_id = r.dataset_id AND now.version = r.version
       LEFT JOIN dataset_versions wanted ON wanted.dataset_id = r.dataset_id AND wanted.version = $3
       WHERE r.dataset_id = $1 AND r.name = $2`,
      [datasetId, name, version],
    )
    return rows[0] ?? null
  }

  /** A branch stands as it did after a later change. */
  async moveRef(datasetId: string, { name, version, sequence, principal, at }: RefRecord): Promise<void> {
    await this.dataSource.query(
      `UPDATE data_refs SET version = $3, sequence = $4, principal = $5, updated_at = $6, recorded = $4
       WHERE dataset_id = $1 AND name = $2 AND sequence < $4`,
      [datasetId, name, version, sequence, principal, at],
    )
  }

  /**
   * The suite of a dataset, as it stood after a change. Where there is one that is behind this, the object store is
   * to say that it holds.
   * @param isRecorded false where the object store does not say so
   */
  async currentSuite(project: string, current: CurrentSuite, isRecorded: boolean): Promise<void> {
    const { suiteId, dataset, version, sequence, principal, at } = current
    const holds = `(project, dataset) DO UPDATE SET sequence = excluded.sequence + 1
       WHERE suites.sequence < excluded.sequence OR suites.sequence = excluded.sequence AND suites.id <> excluded.id`
    await this.dataSource.query(
      `INSERT INTO suites (id, project, dataset, version, principal, updated_at, sequence, recorded)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT ${isRecorded ? holds : 'DO NOTHING'}`,
      [suiteId, project, dataset, version, principal, at, sequence, isRecorded ? sequence : 0],
    )
  }

  /**
   * A version of a suite that there is. Where that is another one than it was of, the object store is to say so.
   * @returns false where it has a version of this number, or with this content
   */
  async suite(project: string, definition: SuiteDefinition): Promise<boolean> {
    const { dataset, suiteId, version, suite, author, message, principal, at } = definition
    const content = suiteContent(suite)
    const rows: unknown[] = await this.dataSource.query(
      `INSERT INTO suite_versions (suite_id, version, content, sha256, expectations, author, message, principal,
         created_at, recorded)
       SELECT id, $3, $4, $5, $6, $7, $8, $9, $10, id = $11 FROM suites WHERE project = $1 AND dataset = $2
       ON CONFLICT DO NOTHING RETURNING version`,
      [
        ...[project, dataset, version, content, sha256Hex(content), suite.expectations.length],
        ...[author, message, principal, at, suiteId],
      ],
    )
    return rows.length > 0
  }

  /** @returns false where the transformation has a version of this number */
  async transformation(project: string, definition: TransformationDefinition): Promise<boolean> {
    const { name, transformationId, id, version, state, steps, input, output, rows } = definition
    const { where, folds, dataset, runId, effectKey, at } = definition
    const stored = (state: NamedObject) => ({ uri: objectUri(project, state.sha256), ...state })
    await this.dataSource.query(
      `INSERT INTO transformations (id, project, name, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
      [transformationId, project, name, at],
    )
    const inserted: unknown[] = await this.dataSource.query(
      `INSERT INTO transformation_versions (id, transformation_id, version, sha256, state, steps, input, output, rows,
         fitted_where, folds, dataset, run_id, effect_key, created_at, recorded)
       SELECT $3, id, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, id = $17
       FROM transformations WHERE project = $1 AND name = $2 ON CONFLICT DO NOTHING RETURNING id`,
      [
        ...[project, name, id, version, state.sha256],
        ...[stored(state), steps, input, output].map(each => JSON.stringify(each)),
        ...[rows, where, folds && JSON.stringify({ ...folds, states: folds.states.map(stored) })],
        ...[dataset && JSON.stringify(dataset), runId, effectKey, at, transformationId],
      ],
    )
    return inserted.length > 0
  }
}
