import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common'
import type { Config } from '../../config/config.js'
import { SensorStore } from '../../stores/postgres/sensor-store.js'
import { allPages } from '../../stores/postgres/paging.js'
import { EachMinute } from '../platform/each-minute.js'
import { CONFIG, LOGGER, type Log } from '../platform/tokens.js'
import { TemporalSensors } from './temporal-sensors.js'

/**
 * Starts the workflow of each sensor that should watch and does not, at the start and each minute: one that
 * was terminated in Temporal Web, or that Temporal has lost, goes on where its row says.
 */
@Injectable()
export class SensorReconciler implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly eachMinute = new EachMinute(
    () => this.reconcile(),
    reason => this.log.warn({ reason }, 'sensors not reconciled; trying again'),
  )

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    @Inject(LOGGER) private readonly log: Log,
    @Inject(SensorStore) private readonly sensors: SensorStore,
    @Inject(TemporalSensors) private readonly temporal: TemporalSensors,
  ) {}

  onApplicationBootstrap(): void {
    this.eachMinute.start()
  }

  async onModuleDestroy(): Promise<void> {
    await this.eachMinute.stop()
  }

  async reconcile(): Promise<void> {
    const { project } = this.config
    for await (const sensor of allPages(request => this.sensors.list(project, request))) {
      if (!sensor.paused) await this.temporal.ensure(sensor)
    }
  }
}
