import { Inject, Injectable } from '@nestjs/common'
import type { Config } from '../../config/config.js'
import type { Sensor } from '../../stores/postgres/entities/sensor.js'
import { SensorStore } from '../../stores/postgres/sensor-store.js'
import type { PageOf, PageRequest } from '../../stores/postgres/paging.js'
import { Reconciler } from '../platform/reconciler.js'
import { CONFIG, LOGGER, type Log } from '../platform/tokens.js'
import { TemporalSensors } from './temporal-sensors.js'

/**
 * Starts the workflow of each sensor that should watch and does not, at the start and each minute: one that
 * was terminated in Temporal Web, or that Temporal has lost, goes on where its row says.
 */
@Injectable()
export class SensorReconciler extends Reconciler<Sensor> {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    @Inject(LOGGER) log: Log,
    @Inject(SensorStore) private readonly sensors: SensorStore,
    @Inject(TemporalSensors) private readonly temporal: TemporalSensors,
  ) {
    super('sensors', log)
  }

  protected list(request: PageRequest): Promise<PageOf<Sensor>> {
    return this.sensors.list(this.config.project, request)
  }

  protected async reconcileOne(sensor: Sensor): Promise<void> {
    if (!sensor.paused) await this.temporal.ensure(sensor)
  }
}
