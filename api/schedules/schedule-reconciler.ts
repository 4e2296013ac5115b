import { Inject, Injectable } from '@nestjs/common'
import type { Config } from '../../config/config.js'
import { MlforgeError } from '../../domain/errors.js'
import type { Schedule } from '../../stores/postgres/entities/schedule.js'
import type { PageOf, PageRequest } from '../../stores/postgres/paging.js'
import { ScheduleStore } from '../../stores/postgres/schedule-store.js'
import { Reconciler } from '../platform/reconciler.js'
import { CONFIG, LOGGER, type Log } from '../platform/tokens.js'
import { TemporalSchedules } from './temporal-schedules.js'

/**
 * Makes Temporal Schedules what the rows say, at the start and each minute: an api killed between the
 * two writes, or a Temporal that was away, leaves nothing behind for long.
 */
@Injectable()
export class ScheduleReconciler extends Reconciler<Schedule> {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    @Inject(LOGGER) private readonly log: Log,
    @Inject(ScheduleStore) private readonly schedules: ScheduleStore,
    @Inject(TemporalSchedules) private readonly temporal: TemporalSchedules,
  ) {
    super('schedules', log)
  }

  protected list(request: PageRequest): Promise<PageOf<Schedule>> {
    return this.schedules.list(this.config.project, request)
  }

  protected async reconcileOne(row: Schedule): Promise<void> {
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
