import { Inject, Injectable } from '@nestjs/common'
import type { Config } from '../../config/config.js'
import { sensorStart } from '../../contracts/temporal/sensor-start.js'
import type { WakeReason } from '../../contracts/temporal/sensors.js'
import type { Sensor } from '../../stores/postgres/entities/sensor.js'
import { CONFIG, LOGGER, type Log } from '../platform/tokens.js'
import { Temporal } from '../temporal/temporal.js'

const CALL_MS = 5_000

/** The workflows behind the rows. */
@Injectable()
export class TemporalSensors {
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

  private startOf(sensor: Sensor) {
    return sensorStart(sensor, {
      heartbeatTimeoutSeconds: this.config.worker.heartbeatTimeoutSeconds,
      lookEverySeconds: this.config.rollouts.lookEverySeconds,
    })
  }
}
