import { Inject, Injectable } from '@nestjs/common'
import type { Config } from '../../config/config.js'
import type { DataPull, PullProgress, StartPull } from '../../contracts/rest/data.js'
import type { PullRequest } from '../../contracts/temporal/data.js'
import { selectorOf } from '../../domain/data/selector.js'
import { DatasetStore } from '../../stores/postgres/dataset-store.js'
import type { Run } from '../../stores/postgres/entities/run.js'
import { RunStore } from '../../stores/postgres/run-store.js'
import { TransferStore } from '../../stores/postgres/transfer-store.js'
import { RunWakes } from '../../stores/redis/wake.js'
import type { Idempotency } from '../http/idempotency.js'
import type { Principal } from '../http/request.js'
import { CONFIG } from '../platform/tokens.js'
import { operationView } from '../runs/run-view.js'
import { runOfDataset } from '../runs/run-of-dataset.js'
import { RunsService } from '../runs/runs.service.js'
import { filesIn } from './files.service.js'

/** Versions that clients read: what they need is kept while they do. */
@Injectable()
export class PullsService {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    @Inject(DatasetStore) private readonly datasets: DatasetStore,
    @Inject(TransferStore) private readonly transfers: TransferStore,
    @Inject(RunStore) private readonly rows: RunStore,
    @Inject(RunsService) private readonly runs: RunsService,
    @Inject(RunWakes) private readonly wakes: RunWakes,
  ) {}

  async start(
    caller: Principal,
    name: string,
    body: StartPull,
    idempotency: Idempotency | undefined,
  ): Promise<DataPull> {
    const version = await this.datasets.version(caller.project, name, selectorOf(body.version))
    const { manifest, files, bytes } = filesIn(name, version)
    const request: PullRequest = { version: version.version, manifest, files, bytes }
    const run = await this.runs.accept(caller, {
      kind: 'pull',
      name,
      request,
      alongside: (transaction, accepted) => this.transfers.open(transaction, accepted),
      ...(idempotency ? { idempotency } : {}),
    })
    return this.view(run)
  }

  async get(caller: Principal, name: string, id: string): Promise<DataPull> {
    return this.view(await runOfDataset(this.rows, caller, 'pull', name, id))
  }

  async progress(caller: Principal, name: string, id: string, body: PullProgress): Promise<DataPull> {
    const run = await runOfDataset(this.rows, caller, 'pull', name, id)
    const { sealedAt } = await this.transfers.get(id)
    // Said again, it is as it was.
    if (sealedAt === null) await this.transfers.progress(id, body)
    if (body.done) {
      await this.transfers.seal(id)
      this.wakes.publish(id)
    }
    return this.view(run)
  }

  private async view(run: Run): Promise<DataPull> {
    const transfer = await this.transfers.get(run.id)
    return {
      ...operationView(run, this.config.temporal),
      ...(run.request as PullRequest),
      dataset: run.name,
      received: { files: transfer.files, bytes: Number(transfer.bytes) },
      expiresAt: transfer.expiresAt.toISOString(),
    }
  }
}
