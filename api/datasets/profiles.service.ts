import { Inject, Injectable } from '@nestjs/common'
import type { FastifyReply } from 'fastify'
import { selectorOf, type VersionSelector } from '../../domain/data/selector.js'
import type { Schema } from '../../domain/datasets/schema.js'
import { schemaChanges } from '../../domain/datasets/schema-changes.js'
import { alertsOf } from '../../domain/profile/alerts.js'
import { compareProfiles } from '../../domain/profile/compare.js'
import { comparisonPage } from '../../domain/profile/page/compare-page.js'
import { profilePage } from '../../domain/profile/page/page.js'
import type { Profile } from '../../domain/profile/profile.js'
import { readProfile } from '../../domain/profile/read-profile.js'
import { DatasetStore, hasTable, type TableVersion } from '../../stores/postgres/dataset-store.js'
import { assertReadable } from '../../stores/postgres/readable.js'
import { PAGE_HEADERS } from '../http/page-headers.js'
import type { Principal } from '../http/request.js'
import type {
  ProfileDiffDto,
  ProfileDiffQueryDto,
  TableChangesDto,
  TableDiffDto,
  TableProfileDto,
} from './profiles.dto.js'

interface Profiled {
  readonly dataset: string
  readonly version: number
  readonly profile: Profile
}

/** Profiles as they were stored with their versions: nothing is measured here. */
@Injectable()
export class ProfilesService {
  constructor(@Inject(DatasetStore) private readonly datasets: DatasetStore) {}

  async get(caller: Principal, name: string, selector: VersionSelector): Promise<TableProfileDto> {
    const { dataset, version, profile } = await this.profiled(caller, name, selector)
    const { rows, exactQuantiles, duplicates, correlations, columns } = profile
    const alerts = alertsOf(profile)
    return structuredClone({
      ...{ dataset, version, rows, exactQuantiles, duplicates, correlations, alerts, columns },
    }) as TableProfileDto
  }

  async page(caller: Principal, name: string, selector: VersionSelector, reply: FastifyReply): Promise<void> {
    sendPage(reply, profilePage(await this.profiled(caller, name, selector)))
  }

  async diff(caller: Principal, name: string, query: ProfileDiffQueryDto): Promise<ProfileDiffDto> {
    const { from, to } = await this.both(caller, name, query)
    const { alerts, ...found } = compareProfiles(from.profile, to.profile)
    return structuredClone({
      dataset: name,
      from: from.version,
      to: to.version,
      ...found,
      alertsAppeared: alerts.appeared,
      alertsGone: alerts.gone,
    }) as ProfileDiffDto
  }

  /** Null for its table unless both versions have one. @throws MlforgeError not_found, version_retired */
  async tableDiff({ project }: Principal, name: string, query: ProfileDiffQueryDto): Promise<TableDiffDto> {
    const [from, to] = await Promise.all([
      this.datasets.version(project, name, selectorOf(query.from)),
      this.datasets.version(project, name, selectorOf(query.to)),
    ])
    for (const version of [from, to]) assertReadable(name, version)
    const table = hasTable(from) && hasTable(to) ? changesOf(from, to) : null
    return { dataset: name, from: from.version, to: to.version, table }
  }

  async diffPage(
    caller: Principal,
    name: string,
    query: ProfileDiffQueryDto,
    reply: FastifyReply,
  ): Promise<void> {
    sendPage(reply, comparisonPage({ dataset: name, ...(await this.both(caller, name, query)) }))
  }

  private async both(caller: Principal, name: string, { from, to }: ProfileDiffQueryDto) {
    return {
      from: await this.profiled(caller, name, selectorOf(from)),
      to: await this.profiled(caller, name, selectorOf(to)),
    }
  }

  private async profiled({ project }: Principal, name: string, selector: VersionSelector): Promise<Profiled> {
    const row = await this.datasets.table(project, name, selector)
    return { dataset: name, version: row.version, profile: readProfile(row.profile) }
  }
}

function changesOf(from: TableVersion, to: TableVersion): TableChangesDto {
  const schema = schemaChanges(from.schema as Schema, to.schema as Schema)
  const hasProfiles = from.profile !== null && to.profile !== null
  return structuredClone({
    rows: { from: Number(from.rows), to: Number(to.rows) },
    schema,
    distributions: hasProfiles
      ? compareProfiles(readProfile(from.profile), readProfile(to.profile)).columns
      : null,
  }) as TableChangesDto
}

function sendPage(reply: FastifyReply, page: string): void {
  // Names such as `latest` come to mean other versions.
  void reply
    .headers({ ...PAGE_HEADERS, 'cache-control': 'private, no-cache' })
    .header('content-type', 'text/html; charset=utf-8')
    .send(page)
}
