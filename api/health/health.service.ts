import { Inject, Injectable } from '@nestjs/common'
import { HealthCheckService, type HealthIndicatorResult, HealthIndicatorService } from '@nestjs/terminus'
import { MlforgeError } from '../../domain/errors.js'
import type { ObjectStore } from '../../stores/objects/object-store.js'
import { RunWakes } from '../../stores/redis/wake.js'
import { Database } from '../platform/database.js'
import { Draining } from '../platform/draining.js'
import { OBJECTS } from '../platform/tokens.js'
import { Temporal } from '../temporal/temporal.js'
import type { HealthDto } from './health.dto.js'

const DEADLINE_MS = 1_000

@Injectable()
export class HealthService {
  constructor(
    @Inject(OBJECTS) private readonly objects: ObjectStore,
    @Inject(Database) private readonly database: Database,
    @Inject(Draining) private readonly draining: Draining,
    @Inject(Temporal) private readonly temporal: Temporal,
    @Inject(RunWakes) private readonly wakes: RunWakes,
    @Inject(HealthCheckService) private readonly checks: HealthCheckService,
    @Inject(HealthIndicatorService) private readonly indicators: HealthIndicatorService,
  ) {}

  /** Ready is who can take work on: that needs Postgres, and nothing else. */
  async ready(): Promise<{ status: 'ready' }> {
    if (this.draining.active) throw new MlforgeError('unavailable', 'This process is ending.')
    await this.database.ping()
    return { status: 'ready' }
  }

  /** `down` without Postgres or objects, `degraded` without Temporal or Redis, which only delays work. */
  async health(): Promise<HealthDto> {
    const vital = await this.check([
      this.probe('postgres', () => this.database.ping()),
      this.probe('objects', () => this.objects.assertUsable()),
    ])
    const rest = await this.check([
      this.probe('temporal', () => this.temporal.ping(DEADLINE_MS)),
      this.probe('redis', () => this.wakes.ping()),
    ])
    return {
      status: !vital.up ? 'down' : rest.up ? 'ok' : 'degraded',
      parts: { ...vital.parts, ...rest.parts },
    }
  }

  private async check(probes: (() => Promise<HealthIndicatorResult>)[]) {
    try {
      const { details } = await this.checks.check(probes)
      return { up: true, parts: details as HealthDto['parts'] }
    } catch (error) {
      // Terminus throws its result when a part is down.
      const { details } = (error as { getResponse(): { details: HealthDto['parts'] } }).getResponse()
      return { up: false, parts: details }
    }
  }

  private probe(name: string, ask: () => Promise<unknown>): () => Promise<HealthIndicatorResult> {
    return async () => {
      const indicator = this.indicators.check(name)
      try {
        await ask()
        return indicator.up()
      } catch (error) {
        return indicator.down({ message: error instanceof Error ? error.message : String(error) })
      }
    }
  }
}
