import { Inject, Injectable } from '@nestjs/common'
import { defaultPayloadConverter } from '@temporalio/common'
import { liveQuery, type RunLive, type TrainHeartbeat } from '../../contracts/temporal/messages.js'
import type { Run } from '../../stores/postgres/entities/run.js'
import { Temporal } from './temporal.js'

const DEADLINE_MS = 1_000

/** What a running workflow and the activity it waits for say right now. */
export interface Live {
  readonly answer: RunLive
  readonly activity?: {
    readonly attempt: number
    readonly worker?: string
    readonly heartbeat?: TrainHeartbeat
  }
}

@Injectable()
export class LiveDetail {
  constructor(@Inject(Temporal) private readonly temporal: Temporal) {}

  /** Null for a run that is not running, and where nobody answers within a second. */
  async of(run: Run): Promise<Live | null> {
    if (run.status !== 'running') return null
    try {
      return await this.temporal.within(DEADLINE_MS, async client => {
        const handle = client.workflow.getHandle(run.workflowId)
        const [answer, { raw }] = await Promise.all([handle.query(liveQuery), handle.describe()])
        const [activity] = raw.pendingActivities ?? []
        if (!activity) return { answer }
        const payloads = activity.heartbeatDetails?.payloads ?? []
        const [heartbeat] = await Promise.all(payloads.slice(0, 1).map(decode))
        return {
          answer,
          activity: {
            attempt: activity.attempt ?? 1,
            ...(activity.lastWorkerIdentity ? { worker: activity.lastWorkerIdentity } : {}),
            ...(isHeartbeat(heartbeat) ? { heartbeat } : {}),
          },
        }
      })
    } catch {
      return null
    }
  }
}

function decode(payload: Parameters<typeof defaultPayloadConverter.fromPayload>[0]): unknown {
  return defaultPayloadConverter.fromPayload(payload)
}

function isHeartbeat(value: unknown): value is TrainHeartbeat {
  return typeof value === 'object' && value !== null && (value as { schema?: unknown }).schema === 1
}
