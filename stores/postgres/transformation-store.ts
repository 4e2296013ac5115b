import type { DataSource, EntityManager } from 'typeorm'
import { MlforgeError } from '../../domain/errors.js'
import { didYouMean } from '../../domain/suggest.js'
import { uuidv7 } from '../ids.js'
import { type StoredFolds, Transformation, TransformationVersion } from './entities/transformation.js'
import { page, type PageOf, type PageRequest } from './paging.js'

export type NewTransformationVersion = Omit<
  TransformationVersion,
  'id' | 'transformationId' | 'transformation' | 'version' | 'createdAt' | 'recorded'
>

/** A transformation with the number of its newest version. */
export type LatestTransformation = Pick<Transformation, 'name' | 'createdAt'> & { latestVersion: number }

/** Transformations, and their immutable fitted versions. */
export class TransformationStore {
  constructor(private readonly dataSource: DataSource) {}

  async list(project: string, request: PageRequest): Promise<PageOf<LatestTransformation>> {
    const found = await page(
      this.dataSource.getRepository(Transformation).createQueryBuilder('transformation').where({ project }),
      ['createdAt', 'id'],
      request,
    )
    const latest = await this.latestVersions(found.items.map(({ id }) => id))
    const items = found.items.map(({ id, name, createdAt }) => {
      return { name, createdAt, latestVersion: latest.get(id)! }
    })
    return { ...found, items }
  }

  async get(project: string, name: string): Promise<LatestTransformation> {
    const { id, createdAt } = await find(this.dataSource.manager, project, name)
    return { name, createdAt, latestVersion: (await this.latestVersions([id])).get(id)! }
  }

  async versions(
    project: string,
    name: string,
    request: PageRequest,
  ): Promise<PageOf<TransformationVersion>> {
    const { id: transformationId } = await find(this.dataSource.manager, project, name)
    return page(
      this.dataSource
        .getRepository(TransformationVersion)
        .createQueryBuilder('version')
        .where({ transformationId }),
      ['version'],
      request,
    )
  }

  /** @param version the newest where left out */
  async version(project: string, name: string, version?: number): Promise<TransformationVersion> {
    const { id: transformationId } = await find(this.dataSource.manager, project, name)
    const [found] = await this.dataSource.getRepository(TransformationVersion).find({
      where: { transformationId, ...(version !== undefined && { version }) },
      order: { version: 'DESC' },
      take: 1,
    })
    if (found) return found
    throw new MlforgeError('not_found', `Transformation "${name}" has no version ${version}.`)
  }

  /**
   * Adds a version, numbered after the latest; what the latest has already is that version. To be called in the
   * transaction that finishes the step.
   */
  async register(
    transaction: EntityManager,
    project: string,
    name: string,
    content: NewTransformationVersion,
  ): Promise<{ version: TransformationVersion; created: boolean }> {
    await transaction.query(
      `INSERT INTO transformations (id, project, name, created_at) VALUES ($1, $2, $3, now()) ON CONFLICT DO NOTHING`,
      [uuidv7(), project, name],
    )
    const { id: transformationId, createdAt: since } = await find(transaction, project, name, true)
    const latest = await transaction.findOne(TransformationVersion, {
      where: { transformationId },
      order: { version: 'DESC' },
    })
    if (latest !== null && isSame(latest, content)) return { version: latest, created: false }
    const version = await transaction.save(TransformationVersion, {
      ...content,
      id: uuidv7(),
      transformationId,
      version: (latest?.version ?? 0) + 1,
      // A transformation that is restored is as old as its first version.
      createdAt: latest === null ? since : new Date(),
    })
    return { version, created: true }
  }

  private async latestVersions(ids: readonly string[]): Promise<Map<string, number>> {
    const rows: { id: string; version: number }[] = await this.dataSource.query(
      `SELECT transformation_id AS id, max(version) AS version FROM transformation_versions
       WHERE transformation_id = ANY($1) GROUP BY transformation_id`,
      [ids],
    )
    return new Map(rows.map(({ id, version }) => [id, version]))
  }
}

/** The same state is another version where other rows have led to it. */
function isSame(latest: TransformationVersion, content: NewTransformationVersion): boolean {
  return (
    latest.sha256 === content.sha256 &&
    latest.fittedWhere === content.fittedWhere &&
    latest.dataset?.root === content.dataset?.root &&
    isDealtSame(latest.folds, content.folds)
  )
}

function isDealtSame(a: StoredFolds | null, b: StoredFolds | null): boolean {
  return a?.count === b?.count && a?.seed === b?.seed && a?.table === b?.table
}

async function find(
  manager: EntityManager,
  project: string,
  name: string,
  lock = false,
): Promise<Transformation> {
  const found = await manager.findOne(Transformation, {
    where: { project, name },
    ...(lock ? { lock: { mode: 'pessimistic_write' as const } } : {}),
  })
  if (found) return found
  const others = await manager.find(Transformation, {
    where: { project },
    select: { name: true },
    take: 1000,
  })
  const hint = didYouMean(
    name,
    others.map(other => other.name),
  )
  throw new MlforgeError('not_found', `There is no transformation "${name}" in project ${project}.${hint}`)
}
