import { Inject, Injectable } from '@nestjs/common'
import {
  isGrpcServiceError,
  ScheduleAlreadyRunning,
  type ScheduleDescription,
  ScheduleNotFoundError,
  ScheduleOverlapPolicy,
} from '@temporalio/client'
import { encodeScheduleOverlapPolicy } from '@temporalio/client/lib/schedule-types.js'
import { TypedSearchAttributes } from '@temporalio/common'
import { msNumberToTs, type Timestamp, tsToDate } from '@temporalio/common/lib/time.js'
import { type TickInput, WORKFLOWS } from '../../contracts/temporal/messages.js'
import { QUEUES } from '../../contracts/temporal/queues.js'
import { searchAttributes } from '../../contracts/temporal/search-attributes.js'
import { canonicalJson, type Json } from '../../domain/canonical-json.js'
import type { Overlap, Timing } from '../../domain/schedules/timing.js'
import { sha256Hex } from '../../stores/ids.js'
import type { Schedule, ScheduleKind } from '../../stores/postgres/entities/schedule.js'
import { Temporal } from '../temporal/temporal.js'

const CALL_MS = 5_000
const LOOK_MS = 1_000
/** gRPC's code. */
const NOT_FOUND = 5
/** Member of the action's memo that says which definition a Temporal Schedule was made from. */
const DEFINITION = 'mlforgeDefinition'

const OVERLAPS: Record<Overlap, ScheduleOverlapPolicy> = {
  skip: ScheduleOverlapPolicy.SKIP,
  buffer_one: ScheduleOverlapPolicy.BUFFER_ONE,
  allow_all: ScheduleOverlapPolicy.ALLOW_ALL,
  cancel_other: ScheduleOverlapPolicy.CANCEL_OTHER,
}

const BACKFILLS = {
  buffer_all: ScheduleOverlapPolicy.BUFFER_ALL,
  allow_all: ScheduleOverlapPolicy.ALLOW_ALL,
} as const

/** What a tick starts, by the kind of its schedule, and what is said of it. */
const TICKS: Record<ScheduleKind, { readonly workflowType: string; readonly what: string }> = {
  training: { workflowType: WORKFLOWS.scheduledTraining, what: 'Train model' },
  retraining: { workflowType: WORKFLOWS.scheduledRetraining, what: 'Retrain deployment' },
  driftCheck: { workflowType: WORKFLOWS.scheduledDriftCheck, what: 'Check windows of deployment' },
  pipeline: { workflowType: WORKFLOWS.scheduledPipeline, what: 'Run pipeline' },
}

interface Patch {
  readonly triggerImmediately?: { readonly overlapPolicy: number }
  readonly backfillRequest?: { startTime: Timestamp; endTime: Timestamp; overlapPolicy: number }[]
}

type Identity = Pick<Schedule, 'project' | 'name'>

/** `<project>/schedule/<name>`: id of the Temporal Schedule, and the beginning of its workflows' ids. */
export function scheduleId({ project, name }: Identity): string {
  return `${project}/schedule/${name}`
}

/** The Temporal Schedules behind the rows. Temporal holds when they run and whether they are paused. */
@Injectable()
export class TemporalSchedules {
  constructor(@Inject(Temporal) private readonly temporal: Temporal) {}

  /** Makes the Temporal Schedule what the row says, unless it is that already. Says what it did. */
  async ensure(row: Schedule): Promise<'created' | 'updated' | 'unchanged'> {
    const { spec, action, policies } = definitionOf(row)
    return this.temporal.within(CALL_MS, async client => {
      const handle = client.schedule.getHandle(scheduleId(row))
      try {
        const now = await handle.describe()
        if (now.action.memo?.[DEFINITION] === action.memo[DEFINITION]) return 'unchanged'
        await handle.update(({ state }) => ({ spec, action, policies, state }))
        return 'updated'
      } catch (error) {
        if (!(error instanceof ScheduleNotFoundError)) throw error
      }
      const state = { paused: row.paused, ...(row.note === null ? {} : { note: row.note }) }
      try {
        await client.schedule.create({ scheduleId: scheduleId(row), spec, action, policies, state })
        return 'created'
      } catch (error) {
        // Another process made it at the same moment, from the same row.
        if (error instanceof ScheduleAlreadyRunning) return 'unchanged'
        throw error
      }
    })
  }

  /** Null where Temporal has no such schedule. @throws MlforgeError unavailable */
  async describe(row: Identity): Promise<ScheduleDescription | null> {
    try {
      return await this.temporal.within(LOOK_MS, client =>
        client.schedule.getHandle(scheduleId(row)).describe(),
      )
    } catch (error) {
      if (error instanceof ScheduleNotFoundError) return null
      throw error
    }
  }

  async pause(row: Identity, note: string): Promise<void> {
    await this.temporal.within(CALL_MS, client => client.schedule.getHandle(scheduleId(row)).pause(note))
  }

  async resume(row: Identity, note: string): Promise<void> {
    await this.temporal.within(CALL_MS, client => client.schedule.getHandle(scheduleId(row)).unpause(note))
  }

  /**
   * Starts a run now, whatever the overlap policy says. Temporal takes each request id once, so a
   * request that got no answer can be made again.
   */
  async trigger(row: Identity, requestId: string): Promise<void> {
    const overlapPolicy = encodeScheduleOverlapPolicy(ScheduleOverlapPolicy.ALLOW_ALL)!
    await this.patch(row, requestId, { triggerImmediately: { overlapPolicy } })
  }

  /**
   * Times between two, both included, at which the schedule would tick; Temporal names the first thousand.
   */
  async ticksBetween(row: Identity, from: Date, to: Date): Promise<Date[]> {
    const { startTime } = await this.known(row, () =>
      this.temporal.within(CALL_MS, client =>
        client.workflowService.listScheduleMatchingTimes({
          namespace: client.options.namespace,
          scheduleId: scheduleId(row),
          // This one leaves its beginning out, unlike a backfill.
          startTime: msNumberToTs(from.getTime() - 1),
          endTime: msNumberToTs(to.getTime()),
        }),
      ),
    )
    return startTime.map(tsToDate)
  }

  /** Runs the ticks of a range now, also while the schedule is paused; each request id is taken once. */
  async backfill(
    row: Identity,
    requestId: string,
    { from, to, overlap }: { from: Date; to: Date; overlap: keyof typeof BACKFILLS },
  ): Promise<void> {
    const overlapPolicy = encodeScheduleOverlapPolicy(BACKFILLS[overlap])!
    const range = {
      startTime: msNumberToTs(from.getTime()),
      endTime: msNumberToTs(to.getTime()),
      overlapPolicy,
    }
    await this.patch(row, requestId, { backfillRequest: [range] })
  }

  private async patch(row: Identity, requestId: string, patch: Patch): Promise<void> {
    // The schedule client makes up a request id of its own at every call.
    await this.known(row, () =>
      this.temporal.within(CALL_MS, client =>
        client.workflowService.patchSchedule({
          namespace: client.options.namespace,
          scheduleId: scheduleId(row),
          requestId,
          patch,
        }),
      ),
    )
  }

  private async known<T>(row: Identity, call: () => Promise<T>): Promise<T> {
    try {
      return await call()
    } catch (error) {
      if (isGrpcServiceError(error) && error.code === NOT_FOUND) {
        throw new ScheduleNotFoundError('There is no such schedule.', scheduleId(row))
      }
      throw error
    }
  }

  async remove(row: Identity): Promise<void> {
    try {
      await this.temporal.within(CALL_MS, client => client.schedule.getHandle(scheduleId(row)).delete())
    } catch (error) {
      if (!(error instanceof ScheduleNotFoundError)) throw error
    }
  }
}

/** What a schedule works for, and the search attribute that names it. */
function subjectOf({ kind, training, deployment, pipeline }: Schedule) {
  switch (kind) {
    case 'training':
      return { attribute: searchAttributes.model, subject: (training as { model: string }).model }
    case 'pipeline':
      return { attribute: searchAttributes.pipeline, subject: pipeline!.pipeline }
    case 'retraining':
    case 'driftCheck':
      return { attribute: searchAttributes.deployment, subject: deployment! }
  }
}

function definitionOf(row: Schedule) {
  const timing = row.timing as Timing
  const { workflowType, what } = TICKS[row.kind]
  const { attribute, subject } = subjectOf(row)
  const input: TickInput = { project: row.project, schedule: row.name }
  const definition = {
    row: row.id,
    timing: timing as unknown as Json,
    // As it was before there were other kinds: those that are there stay as they are.
    ...(row.kind === 'training' ? { model: subject } : { kind: row.kind, deployment: subject }),
  }
  return {
    spec: {
      ...(timing.cron === undefined ? {} : { cronExpressions: [timing.cron] }),
      ...(timing.everySeconds === undefined ? {} : { intervals: [{ every: timing.everySeconds * 1000 }] }),
      timezone: timing.timeZone,
      jitter: timing.jitterSeconds * 1000,
    },
    action: {
      type: 'startWorkflow' as const,
      workflowType,
      workflowId: scheduleId(row),
      taskQueue: QUEUES.workflows,
      args: [input],
      staticSummary: `${what} ${subject}, by schedule ${row.name}`,
      memo: { [DEFINITION]: sha256Hex(canonicalJson(definition)) },
      typedSearchAttributes: new TypedSearchAttributes([
        { key: searchAttributes.project, value: row.project },
        { key: searchAttributes.kind, value: 'schedule' },
        { key: attribute, value: subject },
        { key: searchAttributes.trigger, value: 'schedule' },
      ]),
    },
    policies: {
      overlap: OVERLAPS[timing.overlap],
      catchupWindow: timing.catchUpSeconds * 1000,
      pauseOnFailure: timing.pauseOnFailure,
    },
  }
}
