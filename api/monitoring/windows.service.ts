import { text } from 'node:stream/consumers'
import { Inject, Injectable } from '@nestjs/common'
import type { FastifyReply } from 'fastify'
import type { Config } from '../../config/config.js'
import type { Page, PageQuery } from '../../contracts/rest/common.js'
import type { DriftWindow, WindowSummary } from '../../contracts/rest/monitoring.js'
import type { Operation } from '../../contracts/rest/operations.js'
import type { DriftRequest } from '../../contracts/temporal/monitoring.js'
import type { WindowReport } from '../../domain/drift/window-report.js'
import { type TimeWindow, windowContaining, windowOfId, type WindowSpec } from '../../domain/drift/windows.js'
import { MlforgeError } from '../../domain/errors.js'
import type { ObjectStore } from '../../stores/objects/object-store.js'
import { DeploymentStore } from '../../stores/postgres/deployment-store.js'
import { DriftStore } from '../../stores/postgres/drift-store.js'
import { PredictionStore } from '../../stores/postgres/prediction-store.js'
import { sendArtifact } from '../http/download.js'
import type { Idempotency } from '../http/idempotency.js'
import { PAGE_HEADERS } from '../http/page-headers.js'
import { mapPage } from '../http/paging.js'
import type { Principal } from '../http/request.js'
import { CONFIG, OBJECTS } from '../platform/tokens.js'
import { operationView } from '../runs/run-view.js'
import { RunsService } from '../runs/runs.service.js'
import { windowSummary, windowView } from './window-view.js'

@Injectable()
export class WindowsService {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    @Inject(OBJECTS) private readonly objects: ObjectStore,
    @Inject(DeploymentStore) private readonly deployments: DeploymentStore,
    @Inject(PredictionStore) private readonly predictions: PredictionStore,
    @Inject(DriftStore) private readonly drift: DriftStore,
    @Inject(RunsService) private readonly runs: RunsService,
  ) {}

  async list({ project }: Principal, name: string, query: PageQuery): Promise<Page<WindowSummary>> {
    const { id } = await this.deployments.get(project, name)
    return mapPage(await this.drift.windows(id, query), row => windowSummary(name, row))
  }

  async get(caller: Principal, name: string, windowId: string, revision?: number): Promise<DriftWindow> {
    const row = await this.find(caller, name, windowId, revision)
    const report = await text(await this.objects.open(row.report.json.uri))
    return windowView(name, row, JSON.parse(report) as WindowReport)
  }

  async sendPage(
    caller: Principal,
    name: string,
    windowId: string,
    revision: number | undefined,
    reply: FastifyReply,
  ): Promise<void> {
    const { report } = await this.find(caller, name, windowId, revision)
    const file = fileName(name, windowId, 'html')
    await sendArtifact(reply, this.objects, file, report.html, {
      ...PAGE_HEADERS,
      ...lifeOf(revision),
      'content-disposition': `inline; filename="${file}"`,
    })
  }

  async sendJson(
    caller: Principal,
    name: string,
    windowId: string,
    revision: number | undefined,
    reply: FastifyReply,
  ): Promise<void> {
    const { report } = await this.find(caller, name, windowId, revision)
    const file = fileName(name, windowId, 'json')
    await sendArtifact(reply, this.objects, file, report.json, lifeOf(revision))
  }

  /** Asks for a look at a window now, whatever state it is in. */
  async check(
    caller: Principal,
    name: string,
    windowId: string,
    idempotency?: Idempotency,
  ): Promise<Operation> {
    const { id, monitoring } = await this.deployments.get(caller.project, name)
    if (monitoring === null) {
      throw new MlforgeError(
        'wrong_state',
        `Deployment "${name}" has no monitoring policy. Set one with PUT /v1/deployments/${name}/monitoring.`,
      )
    }
    const window = windowOfId(monitoring.window, windowId)
    if (window === null) throw noSuchWindow(monitoring.window, windowId)
    await this.assertPredictions(caller.project, id, window)
    const run = await this.runs.accept(caller, {
      kind: 'drift',
      name,
      request: { windowId, start: window.start, end: window.end } satisfies DriftRequest,
      ...(idempotency ? { idempotency } : {}),
    })
    return operationView(run, this.config.temporal)
  }

  private async find({ project }: Principal, name: string, windowId: string, revision?: number) {
    const { id } = await this.deployments.get(project, name)
    return this.drift.window(id, windowId, revision)
  }

  private async assertPredictions(
    project: string,
    deploymentId: string,
    { id, start, end }: TimeWindow,
  ): Promise<void> {
    const files = await this.predictions.files(deploymentId, { from: start, to: end })
    if (files.length > 0) return
    const { until } = await this.predictions.summary(project, deploymentId)
    const known = until === null ? 'none has come in yet' : `the newest is of ${until.toISOString()}`
    throw new MlforgeError('not_found', `There are no predictions of window "${id}"; ${known}.`)
  }
}

function noSuchWindow(spec: WindowSpec, id: string): MlforgeError {
  const example = windowContaining(spec, Date.UTC(2012, 0, 31)).id
  const message = `There is no window "${id}": windows of this deployment are named like "${example}".`
  return new MlforgeError('not_found', message)
}

/** A revision never changes; the latest one is asked for each time. */
function lifeOf(revision: number | undefined): Record<string, string> {
  return revision === undefined ? { 'cache-control': 'private, no-cache' } : {}
}

/** Ids of fixed windows hold colons, which some file systems do not take. */
function fileName(deployment: string, windowId: string, ending: string): string {
  return `${deployment}-${windowId.replace(/[^\w.-]/g, '-')}.${ending}`
}
