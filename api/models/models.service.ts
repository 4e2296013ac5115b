import { Inject, Injectable } from '@nestjs/common'
import type { FastifyReply } from 'fastify'
import type { Page, PageQuery } from '../../contracts/rest/common.js'
import type { Alias, AliasChange, Model, ModelVersion, SetAlias } from '../../contracts/rest/models.js'
import { MlforgeError } from '../../domain/errors.js'
import type { ObjectStore } from '../../stores/objects/object-store.js'
import type {
  Model as ModelRow,
  ModelAlias,
  ModelVersion as VersionRow,
} from '../../stores/postgres/entities/model.js'
import { ModelStore } from '../../stores/postgres/model-store.js'
import { artifactNamed, artifactViews, sendArtifact } from '../http/download.js'
import { assertName } from '../http/params.js'
import { mapPage } from '../http/paging.js'
import type { Principal } from '../http/request.js'
import { OBJECTS } from '../platform/tokens.js'

@Injectable()
export class ModelsService {
  constructor(
    @Inject(OBJECTS) private readonly objects: ObjectStore,
    @Inject(ModelStore) private readonly models: ModelStore,
  ) {}

  async list({ project }: Principal, query: PageQuery): Promise<Page<Model>> {
    const page = await this.models.list(project, query)
    const ids = page.items.map(model => model.id)
    const [latest, aliases] = await Promise.all([this.models.latestVersions(ids), this.models.aliases(ids)])
    return mapPage(page, model => modelView(model, latest, aliases))
  }

  async get({ project }: Principal, name: string): Promise<Model> {
    const model = await this.models.get(project, name)
    const [latest, aliases] = await Promise.all([
      this.models.latestVersions([model.id]),
      this.models.aliases([model.id]),
    ])
    return modelView(model, latest, aliases)
  }

  async versions({ project }: Principal, name: string, query: PageQuery): Promise<Page<ModelVersion>> {
    const page = await this.models.versions(project, name, query)
    const [first] = page.items
    const aliases = first ? await this.models.aliases([first.modelId]) : []
    return mapPage(page, version => versionView(name, version, aliases))
  }

  async version(caller: Principal, name: string, version: number | 'latest'): Promise<ModelVersion> {
    const row = await this.find(caller, name, version)
    return versionView(name, row, await this.models.aliases([row.modelId]))
  }

  async download(
    caller: Principal,
    name: string,
    version: number | 'latest',
    artifact: string,
    reply: FastifyReply,
  ): Promise<void> {
    const { artifacts } = await this.find(caller, name, version)
    await sendArtifact(reply, this.objects, artifact, artifactNamed(artifacts, artifact))
  }

  async aliases({ project }: Principal, name: string): Promise<Alias[]> {
    const { id } = await this.models.get(project, name)
    return (await this.models.aliases([id])).map(aliasView)
  }

  async setAlias(
    caller: Principal,
    name: string,
    alias: string,
    { version, reason }: SetAlias,
  ): Promise<Alias> {
    assertName('alias', alias)
    const move = { version, reason, principal: caller.name }
    return aliasView((await this.models.moveAlias(caller.project, name, alias, move))!)
  }

  async removeAlias(caller: Principal, name: string, alias: string, reason: string): Promise<void> {
    await this.models.moveAlias(caller.project, name, alias, {
      version: null,
      reason,
      principal: caller.name,
    })
  }

  async aliasHistory(
    { project }: Principal,
    name: string,
    alias: string,
    query: PageQuery,
  ): Promise<Page<AliasChange>> {
    return mapPage(await this.models.aliasHistory(project, name, alias, query), change => ({
      alias: change.alias,
      fromVersion: change.fromVersion,
      toVersion: change.toVersion,
      principal: change.principal,
      reason: change.reason,
      at: change.at.toISOString(),
    }))
  }

  private async find({ project }: Principal, name: string, version: number | 'latest'): Promise<VersionRow> {
    if (version !== 'latest') return this.models.version(project, name, version)
    const [latest] = (await this.models.versions(project, name, { limit: 1 })).items
    if (latest) return latest
    throw new MlforgeError('not_found', `Model "${name}" has no version yet.`)
  }
}

function modelView(
  model: ModelRow,
  latest: ReadonlyMap<string, number>,
  aliases: readonly ModelAlias[],
): Model {
  const own = aliases.filter(each => each.modelId === model.id)
  return {
    name: model.name,
    latestVersion: latest.get(model.id) ?? 0,
    aliases: Object.fromEntries(own.map(({ alias, version }) => [alias, version])),
    createdAt: model.createdAt.toISOString(),
  }
}

function versionView(model: string, row: VersionRow, aliases: readonly ModelAlias[]): ModelVersion {
  return {
    model,
    version: row.version,
    engine: row.engine,
    sha256: row.sha256,
    aliases: aliases.filter(each => each.version === row.version).map(each => each.alias),
    signature: row.signature,
    metrics: row.metrics as ModelVersion['metrics'],
    gate: row.gate as ModelVersion['gate'],
    parity: row.parity as ModelVersion['parity'],
    lineage: row.lineage,
    runId: row.runId,
    createdAt: row.createdAt.toISOString(),
    artifacts: artifactViews(`/v1/models/${model}/versions/${row.version}`, row.artifacts),
  }
}

function aliasView({ alias, version, updatedAt }: ModelAlias): Alias {
  return { alias, version, updatedAt: updatedAt.toISOString() }
}
