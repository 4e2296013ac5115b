import type { DataSource, EntityManager } from 'typeorm'
import type { Schema } from '../../domain/datasets/schema.js'
import { MlforgeError } from '../../domain/errors.js'
import { didYouMean } from '../../domain/suggest.js'
import { uuidv7 } from '../ids.js'
import { Dataset, DatasetVersion } from './entities/dataset.js'
import { page, type PageOf, type PageRequest } from './paging.js'

export type NewDatasetVersion = Omit<
  DatasetVersion,
  'id' | 'datasetId' | 'dataset' | 'version' | 'parents' | 'createdAt'
> & {
  /** What it was made from, where that is not just the latest version. */
  readonly parents?: readonly string[]
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
    const dataset = await this.find(project, name)
    const latest = await this.latestVersions([dataset.id])
    return { ...dataset, latestVersion: latest.get(dataset.id) ?? 0 }
  }

  async versions(project: string, name: string, request: PageRequest): Promise<PageOf<DatasetVersion>> {
    const { id: datasetId } = await this.find(project, name)
    const query = this.dataSource
      .getRepository(DatasetVersion)
      .createQueryBuilder('version')
      .where({ datasetId })
    return page(query, ['version'], request)
  }

  async version(project: string, name: string, version: number | 'latest'): Promise<DatasetVersion> {
    const { id: datasetId } = await this.find(project, name)
    const found = await this.dataSource.getRepository(DatasetVersion).findOne({
      where: version === 'latest' ? { datasetId } : { datasetId, version },
      order: { version: 'DESC' },
    })
    if (found) return found
    const latest = (await this.latestVersions([datasetId])).get(datasetId) ?? 0
    throw new MlforgeError(
      'not_found',
      `Dataset "${name}" has no version ${version}; its latest is ${latest}.`,
    )
  }

  /** The latest version, or null for a dataset that does not exist yet. */
  async latest(
    project: string,
    name: string,
    manager = this.dataSource.manager,
  ): Promise<DatasetVersion | null> {
    const dataset = await manager.findOneBy(Dataset, { project, name })
    return dataset && (await latestIn(manager, dataset.id))
  }

  /** The latest version that somebody gave, rather than one that predictions were joined to. */
  async latestGiven(project: string, name: string): Promise<DatasetVersion> {
    const { id: datasetId } = await this.find(project, name)
    return this.dataSource
      .getRepository(DatasetVersion)
      .createQueryBuilder('version')
      .where({ datasetId })
      .andWhere(`version.conversion->'joined' IS NULL`)
      .orderBy('version.version', 'DESC')
      .limit(1)
      .getOneOrFail()
  }

  /**
   * Adds a version, numbered after the latest; the same content as the latest is that version again.
   * @throws MlforgeError schema_changed when a version with another schema has come first
   * To be called inside the transaction that finishes the step.
   */
  async commit(
    transaction: EntityManager,
    project: string,
    name: string,
    content: NewDatasetVersion,
  ): Promise<{ version: DatasetVersion; created: boolean }> {
    await transaction.query(
      `INSERT INTO datasets (id, project, name, created_at) VALUES ($1, $2, $3, now()) ON CONFLICT DO NOTHING`,
      [uuidv7(), project, name],
    )
    // Writers of one dataset take turns, so numbers have no gaps and no version is written twice.
    const dataset = await transaction.findOneOrFail(Dataset, {
      where: { project, name },
      lock: { mode: 'pessimistic_write' },
    })
    const latest = await latestIn(transaction, dataset.id)
    if (latest?.root === content.root) return { version: latest, created: false }
    if (latest && shape(latest.schema) !== shape(content.schema)) {
      // This content was read before the latest version was there, so not with its schema.
      const message = `Version ${latest.version} of dataset "${name}" was made meanwhile, with another schema. Commit the file again to have it read like that version.`
      throw new MlforgeError('schema_changed', message)
    }
    const version = await transaction.save(DatasetVersion, {
      ...content,
      id: uuidv7(),
      datasetId: dataset.id,
      version: (latest?.version ?? 0) + 1,
      parents: content.parents ?? (latest ? [latest.root] : []),
      createdAt: new Date(),
    })
    return { version, created: true }
  }

  private async find(project: string, name: string): Promise<Dataset> {
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

/** Names, types and formats, whatever their order. */
function shape(schema: unknown): string {
  const columns = (schema as Schema).map(({ name, type, format }) =>
    JSON.stringify([name, type, format ?? null]),
  )
  return columns.sort().join()
}

async function latestIn(manager: EntityManager, datasetId: string): Promise<DatasetVersion | null> {
  return manager.findOne(DatasetVersion, { where: { datasetId }, order: { version: 'DESC' } })
}
