import { defineQuery, defineSignal } from '@temporalio/workflow'
import type { SensorCursor, SourceTick, TickOutcome } from '../../domain/sensors/sensor.js'
import type { RunFailure, RunLimits } from './messages.js'

/** Workflow id of a sensor: its name has one workflow, whatever becomes of its definition. */
export function sensorWorkflowId({ project, name }: { project: string; name: string }): string {
  return `${project}/sensor/${name}`
}

export interface SensorInput {
  readonly project: string
  readonly name: string
  readonly limits: RunLimits
  /** Taken along when the history is cut. */
  readonly carried?: SensorLive
}

/** Which write of which beginning of a sensor follows: one that is not the next changes nothing. */
export interface SensorHead {
  readonly sensorId: string
  readonly incarnation: number
  readonly sequence: number
}

/** What a look has found. */
export type SensorLook =
  /** Paused, or gone: whoever wants it to watch again starts it again. */
  | { readonly state: 'ended'; readonly why: 'paused' | 'deleted' }
  /** Something else was written meanwhile. */
  | { readonly state: 'again' }
  | {
      readonly state: 'looked'
      readonly head: SensorHead
      readonly cursor: SensorCursor | null
      /** At most a page. */
      readonly ticks: readonly SourceTick[]
      /** Whether the source has more than these. */
      readonly more: boolean
      readonly waitSeconds: number
      /** Why the source could not be seen. */
      readonly error?: RunFailure
    }

export interface TakeTick {
  readonly project: string
  readonly name: string
  readonly head: SensorHead
  readonly tick: SourceTick
}

export type TakenTick =
  | {
      readonly outcome: TickOutcome
      readonly head: SensorHead
      readonly runId: string | null
      /** True for one that was taken on before. */
      readonly known: boolean
    }
  /** As many of its runs are open as may be. */
  | { readonly outcome: 'full' }
  /** The sensor is another one by now. */
  | { readonly outcome: 'stale' }

/** What a sensor says of itself while it watches. */
export interface SensorLive {
  readonly stage: 'look' | 'take' | 'full' | 'wait' | 'failing'
  readonly cursor: SensorCursor | null
  readonly incarnation: number
  /** In this and the executions before it. */
  readonly looks: number
  readonly started: number
  readonly error: RunFailure | null
}

/**
 * Why a sensor should look before its time: its source has something, which waits its turn where too many
 * runs are open, or it is another one itself.
 */
export type WakeReason = 'event' | 'change'

export const wakeSensor = defineSignal<[WakeReason]>('wakeSensor')

export const sensorLive = defineQuery<SensorLive>('sensorLive')

export interface SensorEnd {
  readonly why: 'paused' | 'deleted'
  readonly looks: number
  readonly started: number
}
