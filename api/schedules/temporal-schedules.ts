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
import { type ScheduledTrainingInput, WORKFLOWS } from '../../contracts/temporal/messages.js'
import { QUEUES } from '../../contracts/temporal/queues.js'
import { searchAttributes } from '../../contracts/temporal/search-attributes.js'
import { canonicalJson, type Json } from '../../domain/canonical-json.js'
import type { Overlap, Timing } from '../../domain/schedules/timing.js'
import { sha256Hex } from '../../stores/ids.js'
import type { Schedule } from '../../stores/postgres/entities/schedule.js'
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
    try {
      // The schedule client makes up a request id of its own at every call.
      await this.temporal.within(CALL_MS, client =>
        client.workflowService.patchSchedule({
          namespace: client.options.namespace,
          scheduleId: scheduleId(row),
          requestId,
          patch: { triggerImmediately: { overlapPolicy } },
        }),
      )
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

function definitionOf(row: Schedule) {
  const timing = row.timing as Timing
  const { model } = row.training as { model: string }
  const input: ScheduledTrainingInput = { project: row.project, schedule: row.name }
  const definition = { row: row.id, model, timing: timing as unknown as Json }
  return {
    spec: {
      ...(timing.cron === undefined ? {} : { cronExpressions: [timing.cron] }),
      ...(timing.everySeconds === undefined ? {} : { intervals: [{ every: timing.everySeconds * 1000 }] }),
      timezone: timing.timeZone,
      jitter: timing.jitterSeconds * 1000,
    },
    action: {
      type: 'startWorkflow' as const,
      workflowType: WORKFLOWS.scheduledTraining,
      workflowId: scheduleId(row),
      taskQueue: QUEUES.workflows,
      args: [input],
      staticSummary: `Train model ${model}, by schedule ${row.name}`,
      memo: { [DEFINITION]: sha256Hex(canonicalJson(definition)) },
      typedSearchAttributes: new TypedSearchAttributes([
        { key: searchAttributes.project, value: row.project },
        { key: searchAttributes.kind, value: 'schedule' },
        { key: searchAttributes.model, value: model },
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
