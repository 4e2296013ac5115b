import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common'
import type { Config } from '../../config/config.js'
import { SensorStore } from '../../stores/postgres/sensor-store.js'
import { CONFIG, LOGGER, type Log } from '../platform/tokens.js'
import { TemporalSensors } from './temporal-sensors.js'

const EVERY_MS = 60_000

/**
 * Starts the workflow of each sensor that should watch and does not, at the start and each minute: one that
 * was terminated in Temporal Web, or that Temporal has lost, goes on where its row says.
 */
@Injectable()
export class SensorReconciler implements OnApplicationBootstrap, OnModuleDestroy {
  private timer: NodeJS.Timeout | undefined
  private running: Promise<void> | undefined

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    @Inject(LOGGER) private readonly log: Log,
    @Inject(SensorStore) private readonly sensors: SensorStore,
    @Inject(TemporalSensors) private readonly temporal: TemporalSensors,
  ) {}

  onApplicationBootstrap(): void {
    const look = () => {
      this.running ??= this.reconcile()
        .catch((error: Error) =>
          this.log.warn({ reason: error.message }, 'sensors not reconciled; trying again'),
        )
        .finally(() => (this.running = undefined))
    }
    look()
    this.timer = setInterval(look, EVERY_MS).unref()
  }

  async onModuleDestroy(): Promise<void> {
    clearInterval(this.timer)
    await this.running
  }

  async reconcile(): Promise<void> {
    let cursor: string | undefined
    do {
      const page = await this.sensors.list(this.config.project, cursor === undefined ? {} : { cursor })
      for (const sensor of page.items) if (!sensor.paused) await this.temporal.ensure(sensor)
      cursor = page.nextCursor
    } while (cursor !== undefined)
  }
}
