import { randomUUID } from 'node:crypto'
import { Inject, Injectable } from '@nestjs/common'
import { type ScheduleDescription, ScheduleNotFoundError } from '@temporalio/client'
import type { Config } from '../../config/config.js'
import type { Page, PageQuery } from '../../contracts/rest/common.js'
import type {
  Backfill,
  BackfillSchedule,
  CreateSchedule,
  Schedule,
  ScheduleTick,
  UpdateSchedule,
} from '../../contracts/rest/schedules.js'
import { MlforgeError } from '../../domain/errors.js'
import { resolveTiming, type Timing } from '../../domain/schedules/timing.js'
import type { Schedule as Row, ScheduleTick as TickRow } from '../../stores/postgres/entities/schedule.js'
import { derivedId } from '../../stores/ids.js'
import { ScheduleStore } from '../../stores/postgres/schedule-store.js'
import type { Idempotency } from '../http/idempotency.js'
import { mapPage } from '../http/paging.js'
import type { Principal } from '../http/request.js'
import { CONFIG, LOGGER, type Log } from '../platform/tokens.js'
import { invalidRequest } from '../http/validation.js'
import { changeOfWork, ScheduledWork, workOf, workView } from './scheduled-work.js'
import { scheduleId, TemporalSchedules } from './temporal-schedules.js'

/** Ticks that one request may ask for. */
const MOST_BACKFILLED = 100

@Injectable()
export class SchedulesService {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    @Inject(LOGGER) private readonly log: Log,
    @Inject(ScheduleStore) private readonly schedules: ScheduleStore,
    @Inject(TemporalSchedules) private readonly temporal: TemporalSchedules,
    @Inject(ScheduledWork) private readonly work: ScheduledWork,
  ) {}

  /** The row comes first: with it the schedule is promised, and made even if this process ends here. */
  async create(caller: Principal, body: CreateSchedule): Promise<Schedule> {
    const timing = resolveTiming(body.timing)
    const work = workOf(body)
    await this.work.assertPossible(caller.project, work)
    const row = await this.schedules.create({
      project: caller.project,
      name: body.name,
      ...work,
      timing,
      paused: body.paused ?? false,
      note: body.note ?? null,
      principal: caller.name,
    })
    return this.ensured(row)
  }

  async list({ project }: Principal, query: PageQuery): Promise<Page<Schedule>> {
    const { items, nextCursor } = await this.schedules.list(project, query)
    const views = await Promise.all(items.map(row => this.view(row)))
    return nextCursor === undefined ? { items: views } : { items: views, nextCursor }
  }

  async get({ project }: Principal, name: string): Promise<Schedule> {
    return this.view(await this.schedules.get(project, name))
  }

  async ticks({ project }: Principal, name: string, query: PageQuery): Promise<Page<ScheduleTick>> {
    return mapPage(await this.schedules.ticks(project, name, query), tickView)
  }

  async update(
    { project }: Principal,
    name: string,
    { timing, note, ...what }: UpdateSchedule,
  ): Promise<Schedule> {
    const resolved = timing && resolveTiming(timing)
    const { kind } = await this.schedules.get(project, name)
    const work = changeOfWork(kind, what)
    if (work) await this.work.assertPossible(project, work)
    const row = await this.schedules.update(project, name, {
      ...(work ? { training: work.training, deployment: work.deployment, pipeline: work.pipeline } : {}),
      ...(resolved ? { timing: resolved } : {}),
      ...(note === undefined ? {} : { note }),
    })
    return this.ensured(row)
  }

  async pause(caller: Principal, name: string, note = `paused by ${caller.name}`): Promise<Schedule> {
    return this.steer(caller, name, async row => {
      await this.temporal.pause(row, note)
      return this.schedules.update(row.project, name, { paused: true, note })
    })
  }

  async resume(caller: Principal, name: string, note = `resumed by ${caller.name}`): Promise<Schedule> {
    return this.steer(caller, name, async row => {
      await this.temporal.resume(row, note)
      return this.schedules.update(row.project, name, { paused: false, note })
    })
  }

  async trigger(caller: Principal, name: string, idempotency?: Idempotency): Promise<Schedule> {
    return this.steer(caller, name, async row => {
      await this.temporal.trigger(row, requestIdOf(caller, idempotency))
      return row
    })
  }

  /** @throws MlforgeError invalid_request for a range without ticks, with too many, or of the future */
  async backfill(
    caller: Principal,
    name: string,
    { from: first, to: last, overlap = 'buffer_all' }: BackfillSchedule,
    idempotency?: Idempotency,
  ): Promise<Backfill> {
    const [from, to] = [new Date(first), new Date(last)]
    if (from > to) throw invalidRequest([{ at: 'to', message: 'Must not be before from.' }])
    if (to.getTime() > Date.now()) {
      throw invalidRequest([
        { at: 'to', message: 'Must not be in the future: those ticks run by themselves.' },
      ])
    }
    const row = await this.schedules.get(caller.project, name)
    const ticks = await this.thereInTemporal(row, () => this.temporal.ticksBetween(row, from, to))
    if (ticks.length === 0) {
      throw invalidRequest([
        { at: 'from', message: `Schedule "${name}" has no tick from ${first} to ${last}.` },
      ])
    }
    if (ticks.length > MOST_BACKFILLED) {
      const message = `At most ${MOST_BACKFILLED} ticks are run by one request; this range has more. Ask for a shorter one.`
      throw invalidRequest([{ at: 'to', message }])
    }
    await this.temporal.backfill(row, requestIdOf(caller, idempotency), { from, to, overlap })
    return { schedule: name, overlap, ticks: ticks.map(tick => tick.toISOString()) }
  }

  /** The row goes last: while it is there, the schedule is made again. */
  async remove({ project }: Principal, name: string): Promise<void> {
    const row = await this.schedules.get(project, name)
    await this.temporal.remove(row)
    await this.schedules.remove(project, name)
  }

  private async steer(caller: Principal, name: string, verb: (row: Row) => Promise<Row>): Promise<Schedule> {
    const row = await this.schedules.get(caller.project, name)
    return this.view(await this.thereInTemporal(row, () => verb(row)))
  }

  /** What Temporal has lost, or has not been told of yet, is made first. */
  private async thereInTemporal<T>(row: Row, call: () => Promise<T>): Promise<T> {
    try {
      return await call()
    } catch (error) {
      if (!(error instanceof ScheduleNotFoundError)) throw error
      await this.temporal.ensure(row)
      return call()
    }
  }

  private async ensured(row: Row): Promise<Schedule> {
    try {
      await this.temporal.ensure(row)
    } catch (error) {
      if (!(error instanceof MlforgeError) || error.code !== 'unavailable') throw error
      this.log.warn({ schedule: row.name }, 'temporal does not answer; the schedule is made when it does')
    }
    return this.view(row)
  }

  private async view(row: Row): Promise<Schedule> {
    const now = await this.temporal.describe(row).catch((error: unknown): null => {
      if (error instanceof MlforgeError && error.code === 'unavailable') return null
      throw error
    })
    const { webUrl, namespace } = this.config.temporal
    return {
      name: row.name,
      ...workView(row),
      timing: row.timing as Timing,
      paused: now?.state.paused ?? row.paused,
      note: now?.state.note ?? row.note,
      nextRuns: now && now.info.nextActionTimes.map(time => time.toISOString()),
      recentRuns: now && recentRuns(now),
      webUrl: `${webUrl.replace(/\/$/, '')}/namespaces/${namespace}/schedules/${encodeURIComponent(scheduleId(row))}`,
      createdAt: row.createdAt.toISOString(),
      updatedAt: row.updatedAt.toISOString(),
    }
  }
}

function tickView({ tick, at, outcome, runId }: TickRow): ScheduleTick {
  // Temporal ends the workflow id of a tick with the time it was due.
  const due = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.exec(tick)?.[0]
  return {
    scheduledAt: due === undefined ? null : new Date(due).toISOString(),
    at: at.toISOString(),
    outcome: outcome === 'run' ? 'run' : 'skipped',
    reason: outcome === 'run' ? null : outcome,
    runId,
    workflowId: tick,
  }
}

/** The same for the same request, so that Temporal takes it once. */
function requestIdOf({ project, name }: Principal, idempotency?: Idempotency): string {
  return idempotency ? derivedId(project, name, idempotency.route, idempotency.key) : randomUUID()
}

function recentRuns({ info }: ScheduleDescription): NonNullable<Schedule['recentRuns']> {
  return info.recentActions.toReversed().map(({ scheduledAt, takenAt, action }) => ({
    scheduledAt: scheduledAt.toISOString(),
    startedAt: takenAt.toISOString(),
    workflowId: action.workflow.workflowId,
  }))
}
