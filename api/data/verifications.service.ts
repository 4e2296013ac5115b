import { Inject, Injectable } from '@nestjs/common'
import type { Config } from '../../config/config.js'
import type { Page, PageQuery } from '../../contracts/rest/common.js'
import type {
  DataVerification,
  StartVerification,
  VerificationReport,
} from '../../contracts/rest/data-collection.js'
import type { DatasetVerifyResult, VerificationRequest } from '../../contracts/temporal/data-verification.js'
import { selectorOf } from '../../domain/data/selector.js'
import { MlforgeError } from '../../domain/errors.js'
import type { ObjectStore } from '../../stores/objects/object-store.js'
import { bytesOf } from '../../stores/objects/whole.js'
import { DatasetStore } from '../../stores/postgres/dataset-store.js'
import { assertReadable } from '../../stores/postgres/readable.js'
import type { Run } from '../../stores/postgres/entities/run.js'
import { RunStore } from '../../stores/postgres/run-store.js'
import type { Idempotency } from '../http/idempotency.js'
import { mapPage } from '../http/paging.js'
import type { Principal } from '../http/request.js'
import { invalidRequest } from '../http/validation.js'
import { CONFIG, OBJECTS } from '../platform/tokens.js'
import { operationView } from '../runs/run-view.js'
import { RunsService } from '../runs/runs.service.js'

const ALL = 'all'

/** Whether what is stored is what was stored. */
@Injectable()
export class VerificationsService {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    @Inject(OBJECTS) private readonly objects: ObjectStore,
    @Inject(DatasetStore) private readonly datasets: DatasetStore,
    @Inject(RunStore) private readonly rows: RunStore,
    @Inject(RunsService) private readonly runs: RunsService,
  ) {}

  async start(
    caller: Principal,
    { dataset, version }: StartVerification,
    idempotency: Idempotency | undefined,
  ): Promise<DataVerification> {
    const request = await this.requestOf(caller, dataset, version)
    const run = await this.runs.accept(caller, {
      kind: 'verification',
      name: dataset ?? ALL,
      request,
      ...(idempotency ? { idempotency } : {}),
    })
    return this.view(run)
  }

  async get(caller: Principal, id: string): Promise<DataVerification> {
    return this.view(await this.verification(caller, id))
  }

  async list({ project }: Principal, query: PageQuery): Promise<Page<DataVerification>> {
    return mapPage(await this.rows.list(project, { ...query, kind: 'verification' }), run => this.view(run))
  }

  /** @throws MlforgeError wrong_state for one that has not ended well */
  async report(caller: Principal, id: string): Promise<VerificationReport> {
    const { result, status } = await this.verification(caller, id)
    const stored = (result as DatasetVerifyResult | null)?.report
    if (stored === undefined) {
      throw new MlforgeError('wrong_state', `Verification ${id} is ${status}: it has no report.`)
    }
    return JSON.parse((await bytesOf(this.objects, stored.uri)).toString()) as VerificationReport
  }

  private async requestOf(
    { project }: Principal,
    dataset: string | undefined,
    version: string | undefined,
  ): Promise<VerificationRequest> {
    if (dataset === undefined) {
      if (version === undefined) return { dataset: null, version: null }
      throw invalidRequest([{ at: 'version', message: 'It is of no dataset: say which, or leave it out.' }])
    }
    if (version === undefined) {
      await this.datasets.get(project, dataset)
      return { dataset, version: null }
    }
    const found = await this.datasets.version(project, dataset, selectorOf(version))
    assertReadable(dataset, found)
    return { dataset, version: found.version }
  }

  private async verification({ project }: Principal, id: string): Promise<Run> {
    const run = await this.rows.get(project, id)
    if (run.kind === 'verification') return run
    throw new MlforgeError('not_found', `There is no verification ${id}. Any run is at /v1/operations/${id}.`)
  }

  private view(run: Run): DataVerification {
    const { dataset, version } = run.request as VerificationRequest
    return { ...operationView(run, this.config.temporal), dataset, version, found: foundBy(run) }
  }
}

function foundBy({ status, result }: Run): DataVerification['found'] {
  if (status !== 'succeeded') return null
  const { packs, bytes, objects, damagedPacks, damagedObjects, lostObjects, lostChunks, damagedFiles } =
    result as DatasetVerifyResult
  return { packs, bytes, objects, damagedPacks, damagedObjects, lostObjects, lostChunks, damagedFiles }
}
