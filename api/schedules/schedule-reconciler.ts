import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common'
import type { Config } from '../../config/config.js'
import { MlforgeError } from '../../domain/errors.js'
import type { Schedule } from '../../stores/postgres/entities/schedule.js'
import { ScheduleStore } from '../../stores/postgres/schedule-store.js'
import { CONFIG, LOGGER, type Log } from '../platform/tokens.js'
import { TemporalSchedules } from './temporal-schedules.js'

const EVERY_MS = 60_000

/**
 * Makes Temporal Schedules what the rows say, at the start and each minute: an api killed between the
 * two writes, or a Temporal that was away, leaves nothing behind for long.
 */
@Injectable()
export class ScheduleReconciler implements OnApplicationBootstrap, OnModuleDestroy {
  private timer: NodeJS.Timeout | undefined
  private running: Promise<void> | undefined

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    @Inject(LOGGER) private readonly log: Log,
    @Inject(ScheduleStore) private readonly schedules: ScheduleStore,
    @Inject(TemporalSchedules) private readonly temporal: TemporalSchedules,
  ) {}

  onApplicationBootstrap(): void {
    const look = () => {
      this.running ??= this.reconcile()
        .catch((error: Error) =>
          this.log.warn({ reason: error.message }, 'schedules not reconciled; trying again'),
        )
        .finally(() => (this.running = undefined))
    }
    look()
    this.timer = setInterval(look, EVERY_MS).unref()
  }

  async onModuleDestroy(): Promise<void> {
    clearInterval(this.timer)
    await this.running
  }

  async reconcile(): Promise<void> {
    let cursor: string | undefined
    do {
      const page = await this.schedules.list(this.config.project, cursor === undefined ? {} : { cursor })
      for (const row of page.items) await this.reconcileOne(row)
      cursor = page.nextCursor
    } while (cursor !== undefined)
  }

  private async reconcileOne(row: Schedule): Promise<void> {
    const done = await this.temporal.ensure(row)
    if (done !== 'unchanged') this.log.info({ schedule: row.name, done }, 'schedule reconciled')
    if (done === 'created') return this.removeIfGone(row)
    // Pausing is Temporal's: by pauseOnFailure, or by somebody in Temporal Web.
    const now = await this.temporal.describe(row)
    if (now !== null && now.state.paused !== row.paused) {
      await this.schedules.update(row.project, row.name, { paused: now.state.paused }).catch(ignoreGone)
    }
  }

  /** The row may have been deleted while its schedule was being made. */
  private async removeIfGone(row: Schedule): Promise<void> {
    try {
      await this.schedules.get(row.project, row.name)
    } catch (error) {
      ignoreGone(error)
      await this.temporal.remove(row)
    }
  }
}

function ignoreGone(error: unknown): void {
  if (!(error instanceof MlforgeError) || error.code !== 'not_found') throw error
}
