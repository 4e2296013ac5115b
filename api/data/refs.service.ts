import { Inject, Injectable } from '@nestjs/common'
import type { Page, PageQuery } from '../../contracts/rest/common.js'
import type { DataRef, MoveRef } from '../../contracts/rest/data.js'
import { DatasetStore } from '../../stores/postgres/dataset-store.js'
import type { DataRef as RefRow } from '../../stores/postgres/entities/data.js'
import { RefStore } from '../../stores/postgres/ref-store.js'
import { mapPage } from '../http/paging.js'
import type { Principal } from '../http/request.js'

/** Branches and tags. */
@Injectable()
export class RefsService {
  constructor(
    @Inject(DatasetStore) private readonly datasets: DatasetStore,
    @Inject(RefStore) private readonly refs: RefStore,
  ) {}

  async list(
    { project }: Principal,
    dataset: string,
    kind: DataRef['kind'],
    query: PageQuery,
  ): Promise<Page<DataRef>> {
    const { id } = await this.datasets.get(project, dataset)
    return mapPage(await this.refs.list(id, kind, query), refView)
  }

  async move(
    caller: Principal,
    dataset: string,
    ref: Pick<DataRef, 'kind' | 'name'>,
    { version, expected }: MoveRef,
  ): Promise<DataRef> {
    const found = await this.datasets.get(caller.project, dataset)
    return refView(await this.refs.move(found, { ...ref, version, principal: caller.name }, expected))
  }

  async remove(caller: Principal, dataset: string, ref: Pick<DataRef, 'kind' | 'name'>): Promise<void> {
    const found = await this.datasets.get(caller.project, dataset)
    await this.refs.move(found, { ...ref, version: null, principal: caller.name })
  }
}

function refView({ kind, name, version, updatedAt, principal }: RefRow): DataRef {
  return { kind, name, version: version!, updatedAt: updatedAt.toISOString(), principal }
}
