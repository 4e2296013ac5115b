import {
  condition,
  continueAsNew,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow'
import type { SensorActivities } from '../activities/sensors/sensors.js'
import {
  type SensorEnd,
  type SensorHead,
  type SensorInput,
  sensorLive,
  type SensorLive,
  type SensorLook,
  wakeSensor,
} from '../contracts/temporal/sensors.js'
import { secondsToNextLook, type SourceTick } from '../domain/sensors/sensor.js'
import { ROWS, sourceLook, watch } from './activity-presets.js'
import { describeFailure } from './failures.js'
import { untilChanged } from './waiting.js'

const { takeTick } = proxyActivities<SensorActivities>(ROWS)

/** Seconds to the first look after one that has failed altogether. */
const AGAIN_SECONDS = 10

/**
 * Watches a source for as long as its sensor is there and not paused: looks, takes on what it finds in order,
 * waits. How far it has come is in the sensor's row, written with each tick: an execution that is lost is
 * followed by another that knows it.
 */
export async function watchSensor(input: SensorInput): Promise<SensorEnd> {
  return new SensorShell(input).run()
}

class SensorShell {
  private live: SensorLive
  private woken = false
  private changed = false
  private failures = 0

  constructor(private readonly input: SensorInput) {
    this.live = input.carried ?? {
      stage: 'look',
      cursor: null,
      incarnation: 0,
      looks: 0,
      started: 0,
      error: null,
    }
    setHandler(wakeSensor, because => {
      this.woken = true
      if (because === 'change') this.changed = true
    })
    setHandler(sensorLive, () => this.live)
  }

  async run(): Promise<SensorEnd> {
    for (;;) {
      if (workflowInfo().continueAsNewSuggested) {
        await continueAsNew<typeof watchSensor>({ ...this.input, carried: this.live })
      }
      this.woken = this.changed = false
      try {
        const seen = await this.look()
        this.failures = 0
        if (seen.state === 'ended') {
          // Resumed, or made again, just now: who did that counts on this execution.
          if (this.woken) continue
          return { why: seen.why, looks: this.live.looks, started: this.live.started }
        }
        if (seen.state === 'looked' && (await this.takeAll(seen))) await this.wait(seen)
      } catch (error) {
        if (isCancellation(error)) throw error
        await this.waitOut(error)
      }
    }
  }

  private async look(): Promise<SensorLook> {
    const { project, name, limits } = this.input
    this.tell({ stage: 'look', looks: this.live.looks + 1 })
    const { lookAtSource } = proxyActivities<SensorActivities>(sourceLook(limits))
    const seen = await lookAtSource({ project, name })
    if (seen.state === 'looked') {
      this.tell({ cursor: seen.cursor, incarnation: seen.head.incarnation, error: seen.error ?? null })
    }
    return seen
  }

  /** False where there is more to be looked for at once. */
  private async takeAll({ head, ticks, more }: Extract<SensorLook, { state: 'looked' }>): Promise<boolean> {
    let at: SensorHead | null = head
    for (const tick of ticks) {
      if (at === null) return false
      at = await this.take(at, tick)
    }
    return at !== null && !more
  }

  /** Null where the sensor has become another one. */
  private async take(head: SensorHead, tick: SourceTick): Promise<SensorHead | null> {
    const { project, name, limits } = this.input
    for (;;) {
      this.tell({ stage: 'take' })
      const taken = await takeTick.executeWithOptions({ summary: tick.key.slice(0, 100) }, [
        { project, name, head, tick },
      ])
      if (taken.outcome === 'stale') return null
      if (taken.outcome !== 'full') {
        const isNew = taken.outcome === 'started' && !taken.known
        this.tell({ cursor: tick.cursor, started: this.live.started + (isNew ? 1 : 0) })
        return taken.head
      }
      this.tell({ stage: 'full' })
      const isLeft = () => this.changed || workflowInfo().continueAsNewSuggested
      if (!isLeft()) {
        const { awaitRoom } = proxyActivities<SensorActivities>(watch(limits))
        const room = () =>
          awaitRoom.executeWithOptions({ summary: 'end of a run' }, [{ project, name, limits }])
        await untilChanged(limits, room, { isWoken: isLeft })
      }
      if (isLeft()) return null
    }
  }

  private async wait({ waitSeconds, error }: Extract<SensorLook, { state: 'looked' }>): Promise<void> {
    this.tell({ stage: error ? 'failing' : 'wait' })
    await condition(() => this.woken, waitSeconds * 1000, { summary: 'next look' })
  }

  /** A store does not answer, or we have made a mistake: the sensor outlives both. */
  private async waitOut(error: unknown): Promise<void> {
    const { error: failure } = describeFailure(error)
    this.failures++
    this.tell({ stage: 'failing', error: failure })
    const seconds = secondsToNextLook(AGAIN_SECONDS, this.failures - 1)
    await condition(() => this.woken, seconds * 1000, { summary: 'next look, after a failure' })
  }

  private tell(more: Partial<SensorLive>): void {
    this.live = { ...this.live, ...more }
    const { stage, cursor, looks, started, error } = this.live
    const rows = [
      ['stage', stage],
      ['cursor', cursor === null ? 'none yet' : JSON.stringify(cursor)],
      ['looks', String(looks)],
      ['runs started', String(started)],
      ...(error ? [['last error', error.message]] : []),
    ]
    setCurrentDetails(['| | |', '|---|---|', ...rows.map(([what, is]) => `| ${what} | ${is} |`)].join('\n'))
  }
}
