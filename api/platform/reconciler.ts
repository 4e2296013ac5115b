import type { OnApplicationBootstrap, OnModuleDestroy } from '@nestjs/common'
import { allPages, type PageOf, type PageRequest } from '../../stores/postgres/paging.js'
import { EachMinute } from './each-minute.js'
import type { Log } from './tokens.js'

/** Makes Temporal what each row of a list says, at the start and each minute. */
export abstract class Reconciler<Row> implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly eachMinute: EachMinute

  /** @param what the rows are, for the log */
  constructor(what: string, log: Log) {
    this.eachMinute = new EachMinute(
      () => this.reconcile(),
      reason => log.warn({ reason }, `${what} not reconciled; trying again`),
    )
  }

  protected abstract list(request: PageRequest): Promise<PageOf<Row>>
  protected abstract reconcileOne(row: Row): Promise<void>

  onApplicationBootstrap(): void {
    this.eachMinute.start()
  }

  async onModuleDestroy(): Promise<void> {
    await this.eachMinute.stop()
  }

  async reconcile(): Promise<void> {
    for await (const row of allPages(request => this.list(request))) await this.reconcileOne(row)
  }
}
