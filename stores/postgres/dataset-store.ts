import { type DataSource, type EntityManager, In, LessThanOrEqual } from 'typeorm'
import type { CodeState } from '../../domain/data/commit.js'
import { describeSelector, MAIN, quarantineOf, type VersionSelector } from '../../domain/data/selector.js'
import { MlforgeError } from '../../domain/errors.js'
import type { SuiteRef } from '../../domain/expectations/suite-version.js'
import { didYouMean } from '../../domain/suggest.js'
import { uuidv7 } from '../ids.js'
import { Dataset, DatasetVersion, type QuarantinedContent, type StoredContent } from './entities/dataset.js'
import { branchMoved, moveRefIn, refIn } from './ref-store.js'
import { latestGivenSql } from './latest-given.js'
import { assertReadable } from './readable.js'
import { NO_TABLE, shape } from './table-columns.js'
import { page, type PageOf, type PageRequest } from './paging.js'

/** A table as a version has it. */
export interface TableContent {
  readonly rows: string
  readonly raw: StoredContent
  readonly parquet: StoredContent
  /** Left out where all rows could be read. */
  readonly quarantine?: QuarantinedContent | null
  readonly schema: unknown
  readonly conversion: unknown
  readonly proposal: unknown
  readonly expectations: unknown
  /** That of the dataset, where the expectations are of it. */
  readonly suite?: SuiteRef | null
  readonly profile: unknown
}

export type TableVersion = DatasetVersion & TableContent

/** True for a version with a table. */
export function hasTable(version: DatasetVersion): version is TableVersion {
  return version.parquet !== null
}

/** Files as a version has them. */
export interface FilesContent {
  readonly manifest: string
  readonly files: number
  readonly bytes: number
}

/** Files in packs that are held for whoever has put them there. */
export interface HeldFiles extends FilesContent {
  readonly held: { readonly owner: string; readonly packs: number }
}

export interface NewDatasetVersion {
  readonly root: string
  /** Null where they are put into packs later: see `adopt`. */
  readonly files: FilesContent | null
  readonly table: TableContent | null
  /** The main one where left out. */
  readonly branch?: string
  /** It comes after what the branch is at, and is made on that of its quarantine. */
  readonly quarantined?: boolean
  /** What the branch must point at; where left out whatever it does, and a new one begins at the main one. */
  readonly base?: number | null
  /** Roots that its table was made from, where that is not just the version before. */
  readonly parents?: readonly string[]
  readonly message: string | null
  readonly author: string | null
  readonly code?: CodeState | null
  readonly principal: string
  readonly runId: string
  readonly effectKey: string
}

/** Datasets and their immutable versions, by project and name. */
export class DatasetStore {
  constructor(private readonly dataSource: DataSource) {}

  async list(project: string, request: PageRequest): Promise<PageOf<Dataset & { latestVersion: number }>> {
    const query = this.dataSource.getRepository(Dataset).createQueryBuilder('dataset').where({ project })
    const found = await page(query, ['createdAt', 'id'], request)
    const latest = await this.latestVersions(found.items.map(dataset => dataset.id))
    return {
      ...found,
      items: found.items.map(dataset => ({ ...dataset, latestVersion: latest.get(dataset.id) ?? 0 })),
    }
  }

  async get(project: string, name: string): Promise<Dataset & { latestVersion: number }> {
    const dataset = await this.named(project, name)
    const latest = await this.latestVersions([dataset.id])
    return { ...dataset, latestVersion: latest.get(dataset.id) ?? 0 }
  }

  async versions(project: string, name: string, request: PageRequest): Promise<PageOf<DatasetVersion>> {
    const { id: datasetId } = await this.named(project, name)
    const query = this.dataSource
      .getRepository(DatasetVersion)
      .createQueryBuilder('version')
      .where({ datasetId })
    return page(query, ['version'], request)
  }

  /** @throws MlforgeError not_found */
  async version(
    project: string,
    name: string,
    selected: number | 'latest' | VersionSelector,
  ): Promise<DatasetVersion> {
    const { id: datasetId } = await this.named(project, name)
    const selector = selectorOf(selected)
    const found = await this.selected(datasetId, selector)
    if (found) return found
    const what = describeSelector(selector)
    const latest = (await this.latestVersions([datasetId])).get(datasetId) ?? 0
    throw new MlforgeError('not_found', `Dataset "${name}" has no ${what}; its newest version is ${latest}.`)
  }

  /** A version with its table. @throws MlforgeError not_found, no_table */
  async table(
    project: string,
    name: string,
    selected: number | 'latest' | VersionSelector,
  ): Promise<TableVersion> {
    const version = await this.version(project, name, selected)
    assertReadable(name, version)
    if (hasTable(version)) return version
    throw new MlforgeError(
      'no_table',
      `Version ${version.version} of dataset "${name}" has files and no table. Name one that was committed as a table, or commit its file as one.`,
    )
  }

  /** What the main branch is at, or null for a dataset that does not exist yet. */
  async latest(
    project: string,
    name: string,
    manager = this.dataSource.manager,
  ): Promise<DatasetVersion | null> {
    return this.find(project, name, { kind: 'latest' }, manager)
  }

  /** What the next version of a branch comes after: where there is no such branch yet, it begins at the main one. */
  async head(project: string, name: string, branch: string): Promise<DatasetVersion | null> {
    const own = await this.find(project, name, { kind: 'ref', name: branch })
    return own ?? this.latest(project, name)
  }

  /** A version, or null for one that is not there. */
  async find(
    project: string,
    name: string,
    selector: VersionSelector,
    manager = this.dataSource.manager,
  ): Promise<DatasetVersion | null> {
    const dataset = await manager.findOneBy(Dataset, { project, name })
    return dataset && (await this.selected(dataset.id, selector, manager))
  }

  private async selected(
    datasetId: string,
    selector: VersionSelector,
    manager = this.dataSource.manager,
  ): Promise<DatasetVersion | null> {
    if (selector.kind === 'number') {
      return manager.findOneBy(DatasetVersion, { datasetId, version: selector.version })
    }
    if (selector.kind === 'at') {
      return manager.findOne(DatasetVersion, {
        where: { datasetId, branch: MAIN, createdAt: LessThanOrEqual(new Date(selector.at)) },
        order: { version: 'DESC' },
      })
    }
    const ref = await refIn(manager, datasetId, selector.kind === 'ref' ? selector.name : MAIN)
    if (ref === null || ref.version === null) return null
    return manager.findOneBy(DatasetVersion, { datasetId, version: ref.version })
  }

  /**
   * The latest table of the main branch that somebody gave, rather than one that predictions were joined to.
   * @throws MlforgeError not_found, version_retired
   */
  async latestGiven(project: string, name: string): Promise<TableVersion> {
    const { id } = await this.named(project, name)
    const [given]: { version: number }[] = await this.dataSource.query(latestGivenSql('$1'), [id])
    if (given !== undefined) return this.table(project, name, given.version)
    throw new MlforgeError(
      'not_found',
      `The main branch of dataset "${name}" has no table that somebody gave. Commit one.`,
    )
  }

  /**
   * Adds a version to a branch, numbered after all others; the same content as the branch has is that version again.
   * To be called inside the transaction that finishes the step.
   * @throws MlforgeError schema_changed when a version with another schema has come first, branch_moved
   */
  async commit(
    transaction: EntityManager,
    project: string,
    name: string,
    {
      files,
      table,
      branch: asked = MAIN,
      quarantined = false,
      base,
      parents,
      principal,
      code = null,
      ...content
    }: NewDatasetVersion,
  ): Promise<{ version: DatasetVersion; created: boolean }> {
    await transaction.query(
      `INSERT INTO datasets (id, project, name, created_at) VALUES ($1, $2, $3, now()) ON CONFLICT DO NOTHING`,
      [uuidv7(), project, name],
    )
    // Writers of one dataset take turns, so numbers have no gaps and no version is written twice.
    const { id: datasetId } = await transaction.findOneOrFail(Dataset, {
      where: { project, name },
      lock: { mode: 'pessimistic_write' },
    })
    const dataset = { id: datasetId, name }
    const before = await this.before(transaction, dataset, asked, base, content.root)
    const { head } = before
    const branch = quarantined ? quarantineOf(asked) : asked
    const own = quarantined
      ? await this.before(transaction, dataset, branch, undefined, content.root)
      : before
    if (own.at !== null && own.head?.root === content.root) {
      // Quarantine that the branch has left behind is decided: what comes again is to be decided about anew.
      const isPast = quarantined && own.at < (head?.version ?? 0)
      if (!quarantined) await dismissIn(transaction, datasetId, { branch, principal })
      if (!isPast) return { version: own.head, created: false }
    }
    if (head?.schema && table && shape(head.schema) !== shape(table.schema)) {
      // This content was read before that version was there, so not with its schema.
      const message = `Version ${head.version} of dataset "${name}" was made meanwhile, with another schema. Commit the file again to have it read like that version.`
      throw new MlforgeError('schema_changed', message)
    }
    const newest = await latestIn(transaction, datasetId)
    const version = await transaction.save(DatasetVersion, {
      ...NO_TABLE,
      ...content,
      ...table,
      id: uuidv7(),
      datasetId,
      version: (newest?.version ?? 0) + 1,
      branch,
      parentVersions: head ? [head.version] : [],
      manifest: files?.manifest ?? null,
      files: files?.files ?? null,
      bytes: files ? String(files.bytes) : null,
      parents: parents ?? (head ? [head.root] : []),
      code,
      commit: null,
      createdAt: new Date(),
      retiredAt: null,
      purge: null,
      endRecorded: true,
    })
    await moveRefIn(transaction, datasetId, {
      kind: 'branch',
      name: branch,
      version: version.version,
      principal,
    })
    return { version, created: true }
  }

  /**
   * Whether a version that was made from `base` can follow on a branch as it is now, as far as base and root are known;
   * what decides is `commit`.
   * @throws MlforgeError branch_moved, invalid_request
   */
  async assertBase(
    project: string,
    name: string,
    {
      branch,
      base,
      root,
    }: { readonly branch: string; readonly base?: number | null; readonly root?: string },
  ): Promise<void> {
    const dataset = await this.dataSource.getRepository(Dataset).findOneBy({ project, name })
    if (dataset !== null) await this.before(this.dataSource.manager, dataset, branch, base, root)
    else if (base != null) throw branchMoved(name, branch, null)
  }

  /** What a branch is at, and the version that its next one comes after. */
  private async before(
    transaction: EntityManager,
    dataset: Pick<Dataset, 'id' | 'name'>,
    branch: string,
    base: number | null | undefined,
    root: string | undefined,
  ): Promise<{ head: DatasetVersion | null; at: number | null }> {
    const ref = await refIn(transaction, dataset.id, branch)
    const at = ref?.version ?? null
    if (ref && at !== null && ref.kind !== 'branch') {
      throw new MlforgeError(
        'invalid_request',
        `"${branch}" is a tag of dataset "${dataset.name}": versions are made on branches.`,
      )
    }
    // A new branch begins where its first version says that it does.
    const main = at === null && base === undefined ? await refIn(transaction, dataset.id, MAIN) : null
    const from = at ?? base ?? main?.version ?? null
    const head =
      from === null
        ? null
        : await transaction.findOneBy(DatasetVersion, { datasetId: dataset.id, version: from })
    const isNew = at === null && branch !== MAIN && head !== null
    // What the branch is at already may be sent again.
    const isSame = at !== null && head?.root === root
    if (base === undefined || base === at || isNew || isSame) return { head, at }
    throw branchMoved(dataset.name, branch, at)
  }

  /**
   * In the transaction that makes a version: the files of the one that it was made from stay as long as it does.
   * @returns false where they are gone
   */
  async isKept(transaction: EntityManager, project: string, name: string, version: number): Promise<boolean> {
    const rows: unknown[] = await transaction.query(
      `SELECT v.id FROM dataset_versions v JOIN datasets d ON d.id = v.dataset_id
       WHERE d.project = $1 AND d.name = $2 AND v.version = $3 AND v.retired_at IS NULL FOR SHARE OF v`,
      [project, name, version],
    )
    return rows.length > 0
  }

  /** Commits of some versions of a dataset; null for those that are not in the object store. */
  async commits(datasetId: string, versions: readonly number[]): Promise<(string | null)[]> {
    if (versions.length === 0) return []
    const rows = await this.dataSource
      .getRepository(DatasetVersion)
      .findBy({ datasetId, version: In([...versions]) })
    return versions.map(version => rows.find(row => row.version === version)?.commit ?? null)
  }

  private async named(project: string, name: string): Promise<Dataset> {
    const repository = this.dataSource.getRepository(Dataset)
    const dataset = await repository.findOneBy({ project, name })
    if (dataset) return dataset
    const others = await repository.find({ where: { project }, select: { name: true }, take: 1000 })
    const hint = didYouMean(
      name,
      others.map(other => other.name),
    )
    throw new MlforgeError('not_found', `There is no dataset "${name}" in project ${project}.${hint}`)
  }

  private async latestVersions(ids: readonly string[]): Promise<Map<string, number>> {
    const rows: { dataset_id: string; version: number }[] = await this.dataSource.query(
      'SELECT dataset_id, max(version) AS version FROM dataset_versions WHERE dataset_id = ANY($1) GROUP BY dataset_id',
      [ids],
    )
    return new Map(rows.map(row => [row.dataset_id, row.version]))
  }
}

/** Good data that a branch has already correct what is in its quarantine, as new ones do. */
async function dismissIn(
  transaction: EntityManager,
  datasetId: string,
  { branch, principal }: { readonly branch: string; readonly principal: string },
): Promise<void> {
  const name = quarantineOf(branch)
  const aside = await refIn(transaction, datasetId, name)
  if (aside?.kind !== 'branch' || aside.version === null) return
  await moveRefIn(transaction, datasetId, { kind: 'branch', name, version: null, principal })
}

function selectorOf(selected: number | 'latest' | VersionSelector): VersionSelector {
  if (typeof selected === 'number') return { kind: 'number', version: selected }
  return selected === 'latest' ? { kind: 'latest' } : selected
}

async function latestIn(manager: EntityManager, datasetId: string): Promise<DatasetVersion | null> {
  return manager.findOne(DatasetVersion, { where: { datasetId }, order: { version: 'DESC' } })
}
