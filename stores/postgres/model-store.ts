import type { DataSource, EntityManager } from 'typeorm'
import { MlforgeError } from '../../domain/errors.js'
import { didYouMean } from '../../domain/suggest.js'
import { uuidv7 } from '../ids.js'
import { AliasChange, Model, ModelAlias, ModelVersion } from './entities/model.js'
import { page, type PageOf, type PageRequest } from './paging.js'

export type NewModelVersion = Omit<ModelVersion, 'id' | 'modelId' | 'model' | 'version' | 'createdAt'>

export interface AliasMove {
  /** Null takes the alias away. */
  readonly version: number | null
  readonly principal: string
  readonly reason: string
}

/** Models, their immutable versions, and the aliases that move between versions. */
export class ModelStore {
  constructor(private readonly dataSource: DataSource) {}

  async list(project: string, request: PageRequest): Promise<PageOf<Model>> {
    return page(
      this.dataSource.getRepository(Model).createQueryBuilder('model').where({ project }),
      ['createdAt', 'id'],
      request,
    )
  }

  async get(project: string, name: string): Promise<Model> {
    return findModel(this.dataSource.manager, project, name)
  }

  /** Latest version number of each model, by model id. */
  async latestVersions(modelIds: readonly string[]): Promise<Map<string, number>> {
    const rows: { model_id: string; version: number }[] = await this.dataSource.query(
      'SELECT model_id, max(version) AS version FROM model_versions WHERE model_id = ANY($1) GROUP BY model_id',
      [modelIds],
    )
    return new Map(rows.map(row => [row.model_id, row.version]))
  }

  async versions(project: string, name: string, request: PageRequest): Promise<PageOf<ModelVersion>> {
    const { id: modelId } = await this.get(project, name)
    return page(
      this.dataSource.getRepository(ModelVersion).createQueryBuilder('version').where({ modelId }),
      ['version'],
      request,
    )
  }

  async version(project: string, name: string, version: number): Promise<ModelVersion> {
    const model = await this.get(project, name)
    return findVersion(this.dataSource.manager, model, version)
  }

  /** The version an alias points at, or null where there is no such model or alias. */
  async aliased(project: string, name: string, alias: string): Promise<ModelVersion | null> {
    const model = await this.dataSource.getRepository(Model).findOneBy({ project, name })
    if (!model) return null
    const pointer = await this.dataSource.getRepository(ModelAlias).findOneBy({ modelId: model.id, alias })
    return pointer && findVersion(this.dataSource.manager, model, pointer.version)
  }

  async versionOfRun(runId: string): Promise<ModelVersion | null> {
    return this.dataSource.getRepository(ModelVersion).findOneBy({ runId })
  }

  /** Adds a version, numbered after the latest. To be called in the transaction that finishes the step. */
  async register(
    transaction: EntityManager,
    project: string,
    name: string,
    content: NewModelVersion,
  ): Promise<ModelVersion> {
    await transaction.query(
      `INSERT INTO models (id, project, name, created_at) VALUES ($1, $2, $3, now()) ON CONFLICT DO NOTHING`,
      [uuidv7(), project, name],
    )
    const model = await findModel(transaction, project, name, true)
    const latest = await transaction.findOne(ModelVersion, {
      where: { modelId: model.id },
      order: { version: 'DESC' },
    })
    return transaction.save(ModelVersion, {
      ...content,
      id: uuidv7(),
      modelId: model.id,
      version: (latest?.version ?? 0) + 1,
      createdAt: new Date(),
    })
  }

  /** Aliases of the models given, by model id. */
  async aliases(modelIds: readonly string[]): Promise<ModelAlias[]> {
    return this.dataSource
      .getRepository(ModelAlias)
      .createQueryBuilder('alias')
      .where('alias.modelId = ANY(:modelIds)', { modelIds })
      .orderBy('alias.alias')
      .getMany()
  }

  /** Moves or removes an alias and records who did it, when and why, in one transaction. */
  async moveAlias(project: string, name: string, alias: string, move: AliasMove): Promise<ModelAlias | null> {
    return this.dataSource.transaction(transaction =>
      this.moveAliasIn(transaction, project, name, alias, move),
    )
  }

  async moveAliasIn(
    transaction: EntityManager,
    project: string,
    name: string,
    alias: string,
    move: AliasMove,
  ): Promise<ModelAlias | null> {
    const model = await findModel(transaction, project, name, true)
    const key = { modelId: model.id, alias }
    const before = await transaction.findOneBy(ModelAlias, key)
    if (move.version === null && !before) {
      throw new MlforgeError('not_found', `Model "${name}" has no alias "${alias}".`)
    }
    if (move.version !== null) await findVersion(transaction, model, move.version)
    const at = new Date()
    if (before?.version !== move.version) {
      await transaction.insert(AliasChange, {
        ...key,
        id: uuidv7(),
        fromVersion: before?.version ?? null,
        toVersion: move.version,
        principal: move.principal,
        reason: move.reason,
        at,
      })
    }
    if (move.version === null) {
      await transaction.delete(ModelAlias, key)
      return null
    }
    if (before?.version === move.version) return before
    return transaction.save(ModelAlias, { ...key, version: move.version, updatedAt: at })
  }

  async aliasHistory(
    project: string,
    name: string,
    alias: string,
    request: PageRequest,
  ): Promise<PageOf<AliasChange>> {
    const { id: modelId } = await this.get(project, name)
    return page(
      this.dataSource.getRepository(AliasChange).createQueryBuilder('change').where({ modelId, alias }),
      ['at', 'id'],
      request,
    )
  }
}

async function findModel(
  manager: EntityManager,
  project: string,
  name: string,
  lock = false,
): Promise<Model> {
  const model = await manager.findOne(Model, {
    where: { project, name },
    ...(lock ? { lock: { mode: 'pessimistic_write' as const } } : {}),
  })
  if (model) return model
  const others = await manager.find(Model, { where: { project }, select: { name: true }, take: 1000 })
  const hint = didYouMean(
    name,
    others.map(other => other.name),
  )
  throw new MlforgeError('not_found', `There is no model "${name}" in project ${project}.${hint}`)
}

async function findVersion(manager: EntityManager, model: Model, version: number): Promise<ModelVersion> {
  const found = await manager.findOneBy(ModelVersion, { modelId: model.id, version })
  if (found) return found
  throw new MlforgeError('not_found', `Model "${model.name}" has no version ${version}.`)
}
