import { type DataSource, type EntityManager, IsNull } from 'typeorm'
import { canonicalJson, type Json } from '../../domain/canonical-json.js'
import { MlforgeError } from '../../domain/errors.js'
import type { PipelineDefinition } from '../../domain/pipelines/definition.js'
import { didYouMean } from '../../domain/suggest.js'
import { sha256Hex, uuidv7 } from '../ids.js'
import { Pipeline, PipelineVersion } from './entities/pipeline.js'
import { page, type PageOf, type PageRequest } from './paging.js'

export interface AppliedPipeline {
  readonly definition: PipelineDefinition
  readonly version: number
  readonly sha256: string
  /** What was the newest before, null for a first one. */
  readonly before: PipelineDefinition | null
  /** False where the definition is the newest one already. */
  readonly created: boolean
}

/** Names that are looked at when an unknown one was probably misspelt. */
const MAX_SUGGESTED = 1_000

/** Pipelines and the immutable versions of their definitions. */
export class PipelineStore {
  constructor(private readonly dataSource: DataSource) {}

  /** Makes each definition the newest version of its pipeline, all or none of them. An equal one changes nothing. */
  async apply(
    project: string,
    principal: string,
    definitions: readonly PipelineDefinition[],
  ): Promise<AppliedPipeline[]> {
    const applied = new Map<string, AppliedPipeline>()
    // In one order, so that those who apply the same pipelines wait for each other and not in a circle.
    const ordered = [...definitions].sort((a, b) => (a.name < b.name ? -1 : 1))
    await this.dataSource.transaction(async transaction => {
      for (const definition of ordered) {
        applied.set(definition.name, await applyOne(transaction, { project, principal, definition }))
      }
    })
    return definitions.map(({ name }) => applied.get(name)!)
  }

  /** What `apply` would do. */
  async compare(project: string, definitions: readonly PipelineDefinition[]): Promise<AppliedPipeline[]> {
    const applied: AppliedPipeline[] = []
    for (const definition of definitions) {
      const { name } = definition
      const pipeline = await this.dataSource.getRepository(Pipeline).findOneBy({ project, name })
      applied.push(against(definition, pipeline && (await this.byId(pipeline.id, pipeline.version))))
    }
    return applied
  }

  async list(project: string, request: PageRequest): Promise<PageOf<Pipeline>> {
    const query = this.dataSource
      .getRepository(Pipeline)
      .createQueryBuilder('pipeline')
      .where({ project, deletedAt: IsNull() })
    return page(query, ['createdAt', 'id'], request)
  }

  /** @throws MlforgeError not_found, for one that was deleted too */
  async get(project: string, name: string): Promise<Pipeline> {
    const found = await this.dataSource.getRepository(Pipeline).findOneBy({ project, name })
    if (found && found.deletedAt === null) return found
    if (found) {
      throw new MlforgeError(
        'not_found',
        `Pipeline "${name}" was deleted. Apply its definition again by POST /v1/pipelines.`,
      )
    }
    const known = await this.dataSource
      .getRepository(Pipeline)
      .find({ where: { project, deletedAt: IsNull() }, take: MAX_SUGGESTED })
    const names = known.map(each => each.name)
    throw new MlforgeError('not_found', `There is no pipeline "${name}".${didYouMean(name, names)}`)
  }

  /** @param version its newest one where it is left out */
  async version(project: string, name: string, version?: number): Promise<PipelineVersion> {
    const pipeline = await this.get(project, name)
    const number = version ?? pipeline.version
    const found = await this.byId(pipeline.id, number)
    if (found) return found
    throw new MlforgeError(
      'not_found',
      `Pipeline "${name}" has no version ${number}; its newest is ${pipeline.version}.`,
    )
  }

  /** The newest version, in the caller's transaction. @throws MlforgeError not_found */
  async newestIn(transaction: EntityManager, project: string, name: string): Promise<PipelineVersion> {
    const pipeline = await transaction.findOneBy(Pipeline, { project, name, deletedAt: IsNull() })
    const found =
      pipeline &&
      (await transaction.findOneBy(PipelineVersion, { pipelineId: pipeline.id, version: pipeline.version }))
    if (found) return found
    throw new MlforgeError(
      'not_found',
      `There is no pipeline "${name}" any more. Apply its definition again by POST /v1/pipelines.`,
    )
  }

  /** The version a run is pinned to, whatever has become of its pipeline. */
  async byId(pipelineId: string, version: number): Promise<PipelineVersion | null> {
    return this.dataSource.getRepository(PipelineVersion).findOneBy({ pipelineId, version })
  }

  async versions(project: string, name: string, request: PageRequest): Promise<PageOf<PipelineVersion>> {
    const { id: pipelineId } = await this.get(project, name)
    const query = this.dataSource
      .getRepository(PipelineVersion)
      .createQueryBuilder('version')
      .where({ pipelineId })
    return page(query, ['version'], request)
  }

  /** Runs that have begun go on. @throws MlforgeError not_found */
  async remove(project: string, name: string): Promise<void> {
    const { id } = await this.get(project, name)
    await this.dataSource.getRepository(Pipeline).update({ id }, { deletedAt: new Date() })
  }
}

async function applyOne(
  transaction: EntityManager,
  { project, principal, definition }: { project: string; principal: string; definition: PipelineDefinition },
): Promise<AppliedPipeline> {
  const { name } = definition
  await transaction.query(
    `INSERT INTO pipelines (id, project, name, version, created_at) VALUES ($1, $2, $3, 0, now()) ON CONFLICT DO NOTHING`,
    [uuidv7(), project, name],
  )
  const pipeline = await transaction.findOneOrFail(Pipeline, {
    where: { project, name },
    lock: { mode: 'pessimistic_write' },
  })
  const { id: pipelineId, version: newest } = pipeline
  const before = await transaction.findOneBy(PipelineVersion, { pipelineId, version: newest })
  const applied = against(definition, before)
  const { version, sha256, created } = applied
  if (created) {
    const createdAt = new Date()
    const row = { pipelineId, version, definition, sha256, principal, createdAt }
    // The type of a partial row does not end for values as deep as JSON.
    await transaction.insert(PipelineVersion, row as object)
  }
  await transaction.update(Pipeline, { id: pipelineId }, { version, deletedAt: null })
  return applied
}

function against(definition: PipelineDefinition, before: PipelineVersion | null): AppliedPipeline {
  const sha256 = sha256Hex(canonicalJson(definition as unknown as Json))
  const created = before?.sha256 !== sha256
  const newest = before?.version ?? 0
  return {
    definition,
    version: created ? newest + 1 : newest,
    sha256,
    before: before?.definition ?? null,
    created,
  }
}
