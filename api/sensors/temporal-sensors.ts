import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common'
import type { Config } from '../../config/config.js'
import { sensorStart } from '../../contracts/temporal/sensor-start.js'
import type { WakeReason } from '../../contracts/temporal/sensors.js'
import type { Sensor } from '../../stores/postgres/entities/sensor.js'
import { CONFIG, LOGGER, type Log } from '../platform/tokens.js'
import { Temporal } from '../temporal/temporal.js'

const CALL_MS = 5_000
/** Events of a burst are seen by one look: a signal for each would flood the workflow. */
const APART_MS = 1_000

/** The workflows behind the rows. */
@Injectable()
export class TemporalSensors implements OnModuleDestroy {
  private readonly soon = new Map<string, NodeJS.Timeout>()
  private readonly told = new Map<string, number>()

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    @Inject(LOGGER) private readonly log: Log,
    @Inject(Temporal) private readonly temporal: Temporal,
  ) {}

  /** Starts the workflow unless it runs. */
  async ensure(sensor: Sensor): Promise<void> {
    const { type, options } = this.startOf(sensor)
    await this.temporal.within(CALL_MS, client => client.workflow.start(type, options))
  }

  /**
   * Lets a sensor look now. It never fails: where Temporal cannot be told, the sensor looks when its time has
   * come, or once the reconciler has started it, and nothing is lost.
   */
  async wake(sensor: Sensor, because: WakeReason): Promise<void> {
    const { type, options, signal } = this.startOf(sensor)
    try {
      await this.temporal.within(CALL_MS, client =>
        client.workflow.signalWithStart(type, { ...options, signal, signalArgs: [because] }),
      )
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      this.log.warn({ sensor: sensor.name, reason }, 'sensor not woken; it looks by itself')
    }
  }

  /** Lets a sensor look for an event: now, or with those that come within a second of the last. */
  async wakeForEvent(sensor: Sensor): Promise<void> {
    const { id } = sensor
    if (this.soon.has(id)) return
    const wake = () => {
      this.soon.delete(id)
      this.told.set(id, Date.now())
      return this.wake(sensor, 'event')
    }
    const left = (this.told.get(id) ?? 0) + APART_MS - Date.now()
    if (left <= 0) return wake()
    this.soon.set(id, setTimeout(() => void wake(), left).unref())
  }

  onModuleDestroy(): void {
    for (const timer of this.soon.values()) clearTimeout(timer)
  }

  private startOf(sensor: Sensor) {
    return sensorStart(sensor, {
      heartbeatTimeoutSeconds: this.config.worker.heartbeatTimeoutSeconds,
      lookEverySeconds: this.config.rollouts.lookEverySeconds,
    })
  }
}
