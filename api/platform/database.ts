import { setTimeout as wait } from 'node:timers/promises'
import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common'
import { DataSource } from 'typeorm'
import type { Config } from '../../config/config.js'
import { MlforgeError } from '../../domain/errors.js'
import { dataSourceOptions } from '../../stores/postgres/data-source.js'
import { assertSchema } from '../../stores/postgres/schema-version.js'
import { isPostgresUnreachable } from '../../stores/postgres/unreachable.js'
import { CONFIG, LOGGER, type Log } from './tokens.js'

const LONGEST_DELAY_MS = 5_000

/**
 * The pool of Postgres connections. An api that comes up before its database listens, is not ready,
 * and goes on trying; a database of another release is refused at once.
 */
@Injectable()
export class Database implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly dataSource: DataSource
  /** Resolves when a database that came up late turns out to be one that cannot be worked with. */
  readonly refused: Promise<Error>
  private refuse!: (reason: Error) => void
  private ready = false
  private readonly closing = new AbortController()

  constructor(
    @Inject(CONFIG) config: Config,
    @Inject(LOGGER) private readonly log: Log,
  ) {
    this.dataSource = new DataSource(dataSourceOptions(config.postgres.url, config.postgres.poolSize))
    this.refused = new Promise(resolve => (this.refuse = resolve))
  }

  async onApplicationBootstrap(): Promise<void> {
    if (await this.connect()) return
    void this.keepTrying().catch((error: Error) => this.refuse(error))
  }

  /** @throws MlforgeError unavailable until the first connection with a schema of this release */
  assertReady(): void {
    if (this.ready) return
    throw new MlforgeError('unavailable', 'The database is not there yet. Try again soon.')
  }

  /** Asks the database something trivial, for health answers. */
  async ping(): Promise<void> {
    this.assertReady()
    await this.dataSource.query('SELECT 1')
  }

  async onApplicationShutdown(): Promise<void> {
    this.closing.abort()
    this.ready = false
    if (this.dataSource.isInitialized) await this.dataSource.destroy()
  }

  /** False when there is no database to talk to (yet); throws when it is one that is refused. */
  private async connect(): Promise<boolean> {
    try {
      if (!this.dataSource.isInitialized) await this.dataSource.initialize()
      await assertSchema(this.dataSource)
      this.ready = true
      return true
    } catch (error) {
      if (!isPostgresUnreachable(error)) throw error
      this.log.warn({ reason: (error as Error).message }, 'postgres does not answer; trying again')
      return false
    }
  }

  private async keepTrying(): Promise<void> {
    for (let delay = 200; ; delay = Math.min(delay * 2, LONGEST_DELAY_MS)) {
      await wait(delay, undefined, { signal: this.closing.signal }).catch(() => undefined)
      if (this.closing.signal.aborted) return
      if (await this.connect()) {
        this.log.info('postgres answers')
        return
      }
    }
  }
}
