import type { OnApplicationBootstrap, OnModuleDestroy } from '@nestjs/common'
import { MlforgeError } from '../../domain/errors.js'
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

  /**
   * A row that cannot be made true keeps no other one from it; it is told of when all have had their turn. While
   * Temporal is away nothing is tried row by row.
   */
  async reconcile(): Promise<void> {
    const failures: unknown[] = []
    for await (const row of allPages(request => this.list(request))) {
      try {
        await this.reconcileOne(row)
      } catch (error) {
        if (error instanceof MlforgeError && error.code === 'unavailable') throw error
        failures.push(error)
      }
    }
    if (failures.length > 0) throw failures[0]
  }
}
