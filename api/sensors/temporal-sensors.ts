import { Inject, Injectable } from '@nestjs/common'
import type { Config } from '../../config/config.js'
import { sensorStart } from '../../contracts/temporal/sensor-start.js'
import { MlforgeError } from '../../domain/errors.js'
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
   * Lets a sensor look now. Where Temporal does not answer it looks when its time has come, or once the
   * reconciler has started it: nothing is lost.
   */
  async wake(sensor: Sensor): Promise<void> {
    const { type, options, signal } = this.startOf(sensor)
    try {
      await this.temporal.within(CALL_MS, client =>
        client.workflow.signalWithStart(type, { ...options, signal, signalArgs: [] }),
      )
    } catch (error) {
      if (!(error instanceof MlforgeError) || error.code !== 'unavailable') throw error
      this.log.warn({ sensor: sensor.name }, 'temporal does not answer; the sensor looks when it does')
    }
  }

  private startOf(sensor: Sensor) {
    return sensorStart(sensor, {
      heartbeatTimeoutSeconds: this.config.worker.heartbeatTimeoutSeconds,
      lookEverySeconds: this.config.rollouts.lookEverySeconds,
    })
  }
}
