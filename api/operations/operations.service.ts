import { Inject, Injectable } from '@nestjs/common'
import type { Config } from '../../config/config.js'
import type { Page } from '../../contracts/rest/common.js'
import type { Operation } from '../../contracts/rest/operations.js'
import type { Run } from '../../stores/postgres/entities/run.js'
import { type RunFilter, RunStore } from '../../stores/postgres/run-store.js'
import { mapPage } from '../http/paging.js'
import type { Principal } from '../http/request.js'
import { CONFIG } from '../platform/tokens.js'
import { operationView } from '../runs/run-view.js'
import { RunsService } from '../runs/runs.service.js'

/** Any run by its id, whatever it works on. */
@Injectable()
export class OperationsService {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    @Inject(RunStore) private readonly rows: RunStore,
    @Inject(RunsService) private readonly runs: RunsService,
  ) {}

  async list({ project }: Principal, query: RunFilter): Promise<Page<Operation>> {
    return mapPage(await this.rows.list(project, query), run => this.view(run))
  }

  async get({ project }: Principal, id: string): Promise<Operation> {
    return this.view(await this.rows.get(project, id))
  }

  async cancel(caller: Principal, id: string): Promise<Operation> {
    return this.view(await this.runs.cancel(caller, id))
  }

  async retry(caller: Principal, id: string): Promise<Operation> {
    return this.view(await this.runs.retry(caller, id))
  }

  find({ project }: Principal, id: string): Promise<Run> {
    return this.rows.get(project, id)
  }

  private view(run: Run): Operation {
    return operationView(run, this.config.temporal)
  }
}
