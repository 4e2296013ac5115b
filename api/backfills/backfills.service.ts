import { Inject, Injectable } from '@nestjs/common'
import type { FastifyReply } from 'fastify'
import type { Config } from '../../config/config.js'
import type {
  Backfill,
  BackfillItem,
  BackfillsQuery,
  BackfillSummary,
  BackfillVerbAccepted,
  ItemsQuery,
  MaterialiseAsset,
  StartBackfill,
} from '../../contracts/rest/backfills.js'
import type { Page } from '../../contracts/rest/common.js'
import { type BackfillLive, type BackfillRequest, backfillVerb } from '../../contracts/temporal/backfills.js'
import { NO_ITEMS } from '../../domain/assets/items.js'
import { planBackfill, type Selection } from '../../domain/assets/plan.js'
import { readSelection } from '../../domain/assets/selection.js'
import { MlforgeError } from '../../domain/errors.js'
import { located } from '../../domain/pipelines/problems.js'
import { Reader } from '../../domain/pipelines/reader.js'
import { AssetStore } from '../../stores/postgres/asset-store.js'
import { BackfillStore } from '../../stores/postgres/backfill-store.js'
import type { Run } from '../../stores/postgres/entities/run.js'
import { RunStore } from '../../stores/postgres/run-store.js'
import type { Idempotency } from '../http/idempotency.js'
import { mapPage } from '../http/paging.js'
import type { Principal } from '../http/request.js'
import { invalidRequest } from '../http/validation.js'
import { RunEvents } from '../operations/run-events.js'
import { CONFIG } from '../platform/tokens.js'
import { RunsService } from '../runs/runs.service.js'
import { LiveDetail } from '../temporal/live-detail.js'
import { updateRun } from '../temporal/run-update.js'
import { Temporal } from '../temporal/temporal.js'
import { backfillSummary, backfillView, itemView } from './backfill-view.js'

type Options = Omit<StartBackfill, 'assets' | 'partitions'>

@Injectable()
export class BackfillsService {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    @Inject(AssetStore) private readonly assets: AssetStore,
    @Inject(BackfillStore) private readonly backfills: BackfillStore,
    @Inject(RunStore) private readonly rows: RunStore,
    @Inject(RunsService) private readonly runs: RunsService,
    @Inject(RunEvents) private readonly runEvents: RunEvents,
    @Inject(LiveDetail) private readonly live: LiveDetail,
    @Inject(Temporal) private readonly temporal: Temporal,
  ) {}

  async start(
    caller: Principal,
    { assets, partitions, ...options }: StartBackfill,
    idempotency?: Idempotency,
  ): Promise<Backfill> {
    const reader = new Reader()
    const selection = readSelection(partitions, reader)
    for (const [i, name] of assets.entries()) {
      if (assets.indexOf(name) !== i) reader.wrong(['assets', i], `"${name}" stands there twice.`)
    }
    if (!selection || reader.problems.length > 0) throw invalidRequest(reader.problems.map(located))
    return this.accept(caller, assets, selection, options, idempotency)
  }

  /** One partition of an asset, or the whole of one without partitions. */
  async materialise(
    caller: Principal,
    name: string,
    { partition, ...options }: MaterialiseAsset,
    idempotency?: Idempotency,
  ): Promise<Backfill> {
    const { version } = await this.assets.get(caller.project, name)
    const { partitions } = await this.assets.definition(caller.project, name, version)
    if (partitions === undefined && partition !== undefined) {
      throw invalidRequest([{ at: 'partition', message: `Asset "${name}" has no partitions.` }])
    }
    if (partitions !== undefined && partition === undefined) {
      const message = `Asset "${name}" has partitions: name one, or start a backfill of several by POST /v1/backfills.`
      throw invalidRequest([{ at: 'partition', message }])
    }
    const selection: Selection =
      partition === undefined ? { type: 'all' } : { type: 'keys', keys: [partition] }
    return this.accept(caller, [name], selection, options, idempotency)
  }

  async list({ project }: Principal, { asset, ...query }: BackfillsQuery): Promise<Page<BackfillSummary>> {
    const page = await this.rows.list(project, {
      ...query,
      kind: 'backfill',
      ...(asset === undefined ? {} : { name: asset }),
    })
    const counts = await this.backfills.countsOf(page.items.map(({ id }) => id))
    return mapPage(page, run => backfillSummary(run, this.config.temporal, counts.get(run.id) ?? NO_ITEMS))
  }

  async get({ project }: Principal, id: string): Promise<Backfill> {
    return this.view(await this.find(project, id))
  }

  async items({ project }: Principal, id: string, query: ItemsQuery): Promise<Page<BackfillItem>> {
    await this.find(project, id)
    return mapPage(await this.backfills.items(id, query), itemView)
  }

  async cancel(caller: Principal, id: string): Promise<Backfill> {
    await this.find(caller.project, id)
    return this.view(await this.runs.cancel(caller, id))
  }

  async retry(caller: Principal, id: string): Promise<Backfill> {
    await this.find(caller.project, id)
    return this.view(await this.runs.retry(caller, id))
  }

  /** @throws MlforgeError wrong_state, unavailable */
  async send(
    { project, name: by }: Principal,
    runId: string,
    verb: 'pause' | 'resume',
    reason: string | null,
  ): Promise<BackfillVerbAccepted> {
    const find = () => this.find(project, runId)
    const { paused } = await updateRun(this.temporal, find, verb, handle =>
      handle.executeUpdate(backfillVerb, { args: [{ runId, verb, by, reason }] }),
    )
    return { runId, paused }
  }

  /** The backfill whenever it, or an item of it, changed. */
  async events(run: Run, reply: FastifyReply, lastEventId: string | undefined): Promise<void> {
    await this.runEvents.stream(run, reply, lastEventId, {
      idOf: async ({ id, sequence }) => `${sequence}.${(await this.backfills.find(id))?.revision ?? 0}`,
      viewOf: now => this.view(now),
    })
  }

  async find(project: string, id: string): Promise<Run> {
    const run = await this.rows.get(project, id)
    if (run.kind === 'backfill') return run
    throw new MlforgeError('not_found', `Run ${id} is no backfill. Any run is at /v1/operations/${id}.`)
  }

  private async accept(
    caller: Principal,
    assets: readonly string[],
    selection: Selection,
    { upstream = 'stale', parallel = 10, onFailure = 'finish_others', force = false }: Options,
    idempotency?: Idempotency,
  ): Promise<Backfill> {
    // What is stale may be something else by now.
    const known = idempotency && (await this.rows.replayed(caller.project, caller.name, idempotency))
    if (known) return this.view(known)
    const { project } = caller
    const graph = await this.assets.graph({ project, now: Date.now() })
    const { items, problems } = planBackfill(graph, { assets, selection, upstream })
    if (problems.length > 0) throw invalidRequest(problems)
    const request: BackfillRequest = {
      ...{ assets, selection, upstream, parallel, onFailure, force },
      items: items.length,
    }
    const run = await this.runs.accept(caller, {
      kind: 'backfill',
      name: assets[0]!,
      request,
      ...(idempotency ? { idempotency } : {}),
      alongside: (transaction, { id }) => this.backfills.create(transaction, id, items),
    })
    return this.view(run)
  }

  private async view(run: Run): Promise<Backfill> {
    const [counts, byAsset, live] = await Promise.all([
      this.backfills.counts(run.id),
      this.backfills.countsByAsset(run.id),
      this.live.of(run),
    ])
    const summary = backfillSummary(run, this.config.temporal, counts)
    return backfillView(summary, run, byAsset, (live?.answer as BackfillLive | undefined) ?? null)
  }
}
