import { Inject, Injectable } from '@nestjs/common'
import type {
  ApplyAssets,
  Asset,
  AssetPartitions,
  AssetsApplied,
  AssetsQuery,
  AssetSummary,
  AssetVersion,
  ChangePartitions,
  Materialisation,
  PartitionsChanged,
  PartitionsQuery,
  StaleReason,
} from '../../contracts/rest/assets.js'
import type { Page, PageQuery } from '../../contracts/rest/common.js'
import { MAX_PARTITIONS, WHOLE } from '../../domain/assets/definition.js'
import { readKeys } from '../../domain/assets/read-partitions.js'
import type { AssetGraph, AssetNow } from '../../domain/assets/staleness.js'
import { MlforgeError } from '../../domain/errors.js'
import { located } from '../../domain/pipelines/problems.js'
import { Reader } from '../../domain/pipelines/reader.js'
import { AssetStore } from '../../stores/postgres/asset-store.js'
import { pageOfList } from '../http/list-page.js'
import { mapPage } from '../http/paging.js'
import type { Principal } from '../http/request.js'
import { invalidRequest } from '../http/validation.js'
import { AssetChecks } from './asset-checks.js'
import {
  assetSummary,
  materialisationView,
  partitionCounts,
  partitionView,
  reasonView,
} from './asset-view.js'

const MOST_REASONS = 20

@Injectable()
export class AssetsService {
  constructor(
    @Inject(AssetStore) private readonly assets: AssetStore,
    @Inject(AssetChecks) private readonly checks: AssetChecks,
  ) {}

  /** All of them or none: they are judged as the graph that they become. */
  async apply({ project, name: principal }: Principal, body: ApplyAssets): Promise<AssetsApplied> {
    const dryRun = body.dryRun ?? false
    const around = await this.checks.surroundings(project, body.assets)
    const applied = await this.assets.changing(project, async (transaction, known) => {
      const definitions = this.checks.definitions(body.assets, { ...around, assets: known })
      return dryRun
        ? this.assets.compare(transaction, project, definitions)
        : this.assets.apply(transaction, project, principal, definitions)
    })
    return {
      dryRun,
      assets: applied.map(({ definition: { name }, version, sha256, created }) => ({
        ...{ name, version, sha256, created },
      })),
    }
  }

  async list({ project }: Principal, { kind, state, ...query }: AssetsQuery): Promise<Page<AssetSummary>> {
    const graph = await this.graph(project)
    const found = Array.from(graph.facts.assets.values())
      .filter(({ definition }) => kind === undefined || definition.kind === kind)
      .map(asset => assetSummary(graph, asset))
      .filter(summary => state === undefined || summary.state === state)
    return pageOfList(found, ({ name }) => name, query)
  }

  async get({ project }: Principal, name: string): Promise<Asset> {
    const { graph, asset } = await this.find(project, name)
    const { definition } = asset
    const reasons: StaleReason[] = []
    for (const key of graph.keysOf(name)) {
      reasons.push(...graph.state(name, key).reasons.map(reason => reasonView(key, reason)))
      if (reasons.length >= MOST_REASONS) break
    }
    const users = await this.assets.users(project, name)
    return {
      ...assetSummary(graph, asset),
      definition,
      neededBy: users,
      reasons: reasons.slice(0, MOST_REASONS),
      dataSha256: definition.partitions ? null : graph.dataOf(name, WHOLE),
    }
  }

  async versions({ project }: Principal, name: string, query: PageQuery): Promise<Page<AssetVersion>> {
    return mapPage(await this.assets.versions(project, name, query), row => ({
      version: row.version,
      sha256: row.sha256,
      principal: row.principal,
      createdAt: row.createdAt.toISOString(),
      definition: row.definition,
    }))
  }

  async remove({ project }: Principal, name: string): Promise<void> {
    await this.assets.remove(project, name)
  }

  /** The newest first. */
  async partitions(
    { project }: Principal,
    name: string,
    { state, ...query }: PartitionsQuery,
  ): Promise<AssetPartitions> {
    const { graph, asset } = await this.find(project, name)
    const keys = graph
      .keysOf(name)
      .filter(key => state === undefined || graph.state(name, key).state === state)
      .toReversed()
    const page = pageOfList(keys, key => key, query)
    const made = await this.assets.newest(project, name, page.items)
    return {
      counts: partitionCounts(graph, name),
      ...mapPage(page, key => partitionView(graph, asset, key, made.get(key))),
    }
  }

  async changePartitions(
    { project, name: principal }: Principal,
    name: string,
    { add, remove }: ChangePartitions,
  ): Promise<PartitionsChanged> {
    const reader = new Reader()
    if (add === undefined && remove === undefined) reader.wrong(['add'], 'Give add, remove or both.')
    const keys = {
      add: (add && readKeys(add, ['add'], reader)) ?? [],
      remove: (remove && readKeys(remove, ['remove'], reader)) ?? [],
    }
    if (reader.problems.length > 0) throw invalidRequest(reader.problems.map(located))
    const row = await this.assets.get(project, name)
    const { partitions } = await this.assets.definition(project, name, row.version)
    if (partitions?.type !== 'dynamic') {
      throw new MlforgeError(
        'wrong_state',
        `Asset "${name}" has ${partitions ? `partitions of type "${partitions.type}"` : 'no partitions'}: only those of type "dynamic" are added and removed. Apply another definition of it.`,
      )
    }
    return {
      asset: name,
      ...(await this.assets.changePartitions(row, principal, { ...keys, most: MAX_PARTITIONS })),
    }
  }

  async materialisations(
    { project }: Principal,
    name: string,
    query: PageQuery & { partition?: string },
  ): Promise<Page<Materialisation>> {
    await this.assets.get(project, name)
    return mapPage(await this.assets.materialisations(project, name, query), materialisationView)
  }

  private async find(project: string, name: string): Promise<{ graph: AssetGraph; asset: AssetNow }> {
    await this.assets.get(project, name)
    const graph = await this.graph(project, [name])
    const asset = graph.asset(name)
    if (asset) return { graph, asset }
    throw new MlforgeError('not_found', `Asset "${name}" was deleted meanwhile.`)
  }

  private graph(project: string, names?: readonly string[]): Promise<AssetGraph> {
    return this.assets.graph({ project, now: Date.now(), ...(names ? { names } : {}) })
  }
}
