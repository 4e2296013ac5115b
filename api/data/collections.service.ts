import { Inject, Injectable } from '@nestjs/common'
import type { Config } from '../../config/config.js'
import type { Page, PageQuery } from '../../contracts/rest/common.js'
import type { DataCollection } from '../../contracts/rest/data-collection.js'
import type {
  CollectionPlan,
  CollectionRequest,
  DatasetGcResult,
} from '../../contracts/temporal/data-collection.js'
import { MlforgeError } from '../../domain/errors.js'
import { CollectionStore, PLAN_HOURS } from '../../stores/postgres/collection-store.js'
import type { DataCollectionRow } from '../../stores/postgres/entities/data-collection.js'
import type { Run } from '../../stores/postgres/entities/run.js'
import { RunStore } from '../../stores/postgres/run-store.js'
import type { Idempotency } from '../http/idempotency.js'
import type { Principal } from '../http/request.js'
import { CONFIG } from '../platform/tokens.js'
import { operationView } from '../runs/run-view.js'
import { RunsService } from '../runs/runs.service.js'

/** What stands for the name of a dataset: a collection is of all. */
const ALL = 'all'

const NO_TABLES: Partial<CollectionPlan> = { tableObjects: 0, tableBytes: 0 }

/** What no version needs: planned, and removed. */
@Injectable()
export class CollectionsService {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    @Inject(CollectionStore) private readonly collections: CollectionStore,
    @Inject(RunStore) private readonly rows: RunStore,
    @Inject(RunsService) private readonly runs: RunsService,
  ) {}

  async start(
    caller: Principal,
    { execute = false, planId = null }: Partial<CollectionRequest>,
    idempotency: Idempotency | undefined,
  ): Promise<DataCollection> {
    const request: CollectionRequest = { execute, planId }
    const run = await this.runs.accept(caller, {
      kind: 'collection',
      name: ALL,
      request,
      alongside: async (transaction, accepted) => {
        if (execute) await this.assertAlone(caller, accepted)
        await this.collections.open(transaction, accepted, planId)
      },
      ...(idempotency ? { idempotency } : {}),
    })
    return this.view(run, await this.collections.get(run.id))
  }

  async get({ project }: Principal, id: string): Promise<DataCollection> {
    const run = await this.rows.get(project, id)
    if (run.kind === 'collection') return this.view(run, await this.collections.get(id))
    throw new MlforgeError('not_found', `There is no collection ${id}. Any run is at /v1/operations/${id}.`)
  }

  async list({ project }: Principal, query: PageQuery): Promise<Page<DataCollection>> {
    const { items, ...rest } = await this.rows.list(project, { ...query, kind: 'collection' })
    const rows = await this.collections.some(items.map(({ id }) => id))
    return { ...rest, items: items.map(run => this.view(run, rows.get(run.id)!)) }
  }

  /** A second one would end the first: that each is alone in its epoch is what makes it safe. */
  private async assertAlone({ project }: Principal, { id }: Run): Promise<void> {
    const other = await this.collections.executing(project)
    if (other === null || other === id) return
    throw new MlforgeError(
      'wrong_state',
      `Collection ${other} is under way. Wait until it has ended, or cancel it.`,
    )
  }

  private view(run: Run, { plan, plannedAt, planId, executedBy, epoch }: DataCollectionRow): DataCollection {
    const { execute } = run.request as CollectionRequest
    const result = run.result as DatasetGcResult | null
    const until = plannedAt === null ? null : new Date(plannedAt.getTime() + PLAN_HOURS * 3_600_000)
    return {
      ...operationView(run, this.config.temporal),
      executes: execute,
      // Plans of an earlier release do not say anything of tables.
      plan: plan && { ...NO_TABLES, ...plan },
      plannedAt: plannedAt?.toISOString() ?? null,
      executableUntil: epoch === null && executedBy === null ? (until?.toISOString() ?? null) : null,
      planId,
      executedBy,
      removed: result?.removed ?? null,
    }
  }
}
