import { type DataSource, type EntityManager, IsNull } from 'typeorm'
import type { AssetDefinition } from '../../domain/assets/definition.js'
import type { AssetGraph } from '../../domain/assets/staleness.js'
import { MlforgeError } from '../../domain/errors.js'
import type { PipelineDefinition } from '../../domain/pipelines/definition.js'
import { didYouMean } from '../../domain/suggest.js'
import { type GraphRequest, readAssetGraph } from './asset-graph.js'
import { against, applyAsset, type AppliedAsset, definitionsIn, versionIn } from './asset-versions.js'
import { Asset, AssetMaterialisation, AssetPartition, AssetVersion } from './entities/asset.js'
import { page, type PageOf, type PageRequest } from './paging.js'

/** Assets are applied and deleted one request after the other: the graph is judged whole. */
const GRAPH_LOCK = 'assets'

/** Assets, the immutable versions of their definitions, their dynamic partitions, and what was made of them. */
export class AssetStore {
  constructor(private readonly dataSource: DataSource) {}

  /**
   * Runs a change of the graph while nobody else changes it.
   * @param change is given the newest definitions of all assets
   */
  async changing<T>(
    project: string,
    change: (transaction: EntityManager, assets: ReadonlyMap<string, AssetDefinition>) => Promise<T>,
  ): Promise<T> {
    return this.dataSource.transaction(async transaction => {
      await transaction.query('SELECT pg_advisory_xact_lock(hashtext($1), hashtext($2))', [
        GRAPH_LOCK,
        project,
      ])
      return change(transaction, await definitionsIn(transaction, project))
    })
  }

  /** Makes each definition the newest version of its asset. An equal one changes nothing. */
  async apply(
    transaction: EntityManager,
    project: string,
    principal: string,
    definitions: readonly AssetDefinition[],
  ): Promise<AppliedAsset[]> {
    const applied: AppliedAsset[] = []
    for (const definition of definitions) {
      applied.push(await applyAsset(transaction, { project, principal, definition }))
    }
    return applied
  }

  /** What `apply` would do. */
  async compare(
    transaction: EntityManager,
    project: string,
    definitions: readonly AssetDefinition[],
  ): Promise<AppliedAsset[]> {
    const applied: AppliedAsset[] = []
    for (const definition of definitions) {
      const { name } = definition
      const asset = await transaction.findOneBy(Asset, { project, name })
      applied.push(against(definition, asset && (await versionIn(transaction, asset)), asset?.version ?? 0))
    }
    return applied
  }

  /** @throws MlforgeError not_found, for one that was deleted too */
  async get(project: string, name: string): Promise<Asset> {
    return getIn(this.dataSource.manager, project, name)
  }

  /** A version of an asset, whatever has become of it. */
  async definition(project: string, name: string, version: number): Promise<AssetDefinition> {
    const asset = await this.dataSource.getRepository(Asset).findOneBy({ project, name })
    const found = asset && (await versionIn(this.dataSource.manager, { id: asset.id, version }))
    if (!found) throw new MlforgeError('internal', `Asset "${name}" has no version ${version}.`)
    return found.definition
  }

  async versions(project: string, name: string, request: PageRequest): Promise<PageOf<AssetVersion>> {
    const { id: assetId } = await this.get(project, name)
    const query = this.dataSource.getRepository(AssetVersion).createQueryBuilder('version').where({ assetId })
    return page(query, ['version'], request)
  }

  /** Names of the assets that need one. */
  async users(project: string, name: string): Promise<string[]> {
    return usersIn(await definitionsIn(this.dataSource.manager, project), name)
  }

  /** What definitions of assets may name: pipelines (the newest definitions of some) and datasets. */
  async surroundings(
    project: string,
    named: readonly string[],
  ): Promise<{
    readonly pipelines: readonly PipelineDefinition[]
    readonly pipelineNames: readonly string[]
    readonly datasetNames: readonly string[]
  }> {
    const names = async (sql: string) =>
      ((await this.dataSource.query(sql, [project])) as { name: string }[]).map(({ name }) => name)
    const found: { definition: PipelineDefinition }[] = await this.dataSource.query(
      `SELECT version.definition FROM pipelines AS pipeline
       JOIN pipeline_versions AS version
         ON version.pipeline_id = pipeline.id AND version.version = pipeline.version
       WHERE pipeline.project = $1 AND pipeline.deleted_at IS NULL AND pipeline.name = ANY($2)`,
      [project, named],
    )
    return {
      pipelines: found.map(({ definition }) => definition),
      pipelineNames: await names('SELECT name FROM pipelines WHERE project = $1 AND deleted_at IS NULL'),
      datasetNames: await names('SELECT name FROM datasets WHERE project = $1'),
    }
  }

  /** What was made of an asset stays known. @throws MlforgeError not_found, wrong_state where others need it */
  async remove(project: string, name: string): Promise<void> {
    await this.changing(project, async (transaction, assets) => {
      const { id } = await getIn(transaction, project, name)
      const users = usersIn(assets, name)
      if (users.length > 0) {
        const list = users.map(user => `"${user}"`).join(', ')
        throw new MlforgeError(
          'wrong_state',
          `Asset "${name}" is needed by ${list}. Apply them without it, or delete them first.`,
        )
      }
      await transaction.update(Asset, { id }, { deletedAt: new Date() })
    })
  }

  /** All assets with what was made of them, as of now. */
  async graph(request: GraphRequest, manager: EntityManager = this.dataSource.manager): Promise<AssetGraph> {
    return readAssetGraph(manager, request)
  }

  /** Adds keys to, and removes keys from, dynamic partitions. What was made of one that is removed stays known. */
  async changePartitions(
    { id: assetId }: Pick<Asset, 'id'>,
    principal: string,
    {
      add,
      remove,
      most,
    }: { readonly add: readonly string[]; readonly remove: readonly string[]; readonly most: number },
  ): Promise<{ readonly added: number; readonly removed: number; readonly total: number }> {
    return this.dataSource.transaction(async transaction => {
      await transaction.findOneOrFail(Asset, {
        where: { id: assetId },
        lock: { mode: 'pessimistic_write' },
      })
      const inserted: unknown[] = await transaction.query(
        `INSERT INTO asset_partitions (asset_id, key, principal, created_at)
         SELECT $1, key, $3, now() FROM unnest($2::text[]) AS key ON CONFLICT DO NOTHING RETURNING key`,
        [assetId, add, principal],
      )
      const [removed]: [unknown[], number] = await transaction.query(
        'DELETE FROM asset_partitions WHERE asset_id = $1 AND key = ANY($2) RETURNING key',
        [assetId, remove],
      )
      const total = await transaction.countBy(AssetPartition, { assetId })
      if (total > most) {
        const message = `It would have ${total} partitions, more than ${most}. Remove some, or make an asset of its own of them.`
        throw new MlforgeError('invalid_request', message, { problems: [{ at: 'add', message }] })
      }
      return { added: inserted.length, removed: removed.length, total }
    })
  }

  async materialisations(
    project: string,
    asset: string,
    { partition, ...request }: PageRequest & { readonly partition?: string },
  ): Promise<PageOf<AssetMaterialisation>> {
    const query = this.dataSource
      .getRepository(AssetMaterialisation)
      .createQueryBuilder('made')
      .where({ project, asset, ...(partition === undefined ? {} : { partition }) })
    return page(query, ['at', 'runId'], request)
  }

  /** The newest ones of an asset's partitions. */
  async newest(
    project: string,
    asset: string,
    partitions: readonly string[],
  ): Promise<ReadonlyMap<string, AssetMaterialisation>> {
    const found = await this.dataSource
      .getRepository(AssetMaterialisation)
      .createQueryBuilder('made')
      .distinctOn(['made.partition'])
      .where({ project, asset })
      .andWhere('made.partition = ANY(:partitions)', { partitions })
      .orderBy('made.partition')
      .addOrderBy('made.at', 'DESC')
      .addOrderBy('made.runId', 'DESC')
      .getMany()
    return new Map(found.map(each => [each.partition, each]))
  }

  /** A partition was made. The run is its key: a second time changes nothing. */
  async materialise(transaction: EntityManager, row: Omit<AssetMaterialisation, 'at'>): Promise<void> {
    await transaction.query(
      `INSERT INTO asset_materialisations (run_id, project, asset, partition, definition_version, shape_sha256,
         code_sha256, data_sha256, inputs, backfill_id, at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, clock_timestamp()) ON CONFLICT (run_id) DO NOTHING`,
      [
        row.runId,
        row.project,
        row.asset,
        row.partition,
        row.definitionVersion,
        row.shapeSha256,
        row.codeSha256,
        row.dataSha256,
        JSON.stringify(row.inputs),
        row.backfillId,
      ],
    )
  }
}

function usersIn(assets: ReadonlyMap<string, AssetDefinition>, name: string): string[] {
  return Array.from(assets.values()).flatMap(user => (user.needs.includes(name) ? [user.name] : []))
}

async function getIn(manager: EntityManager, project: string, name: string): Promise<Asset> {
  const found = await manager.findOneBy(Asset, { project, name })
  if (found && found.deletedAt === null) return found
  const known = await manager.find(Asset, { where: { project, deletedAt: IsNull() } })
  const hint = didYouMean(
    name,
    known.map(each => each.name),
  )
  throw new MlforgeError(
    'not_found',
    found
      ? `Asset "${name}" was deleted. Apply its definition again by POST /v1/assets.`
      : `There is no asset "${name}".${hint}`,
  )
}
