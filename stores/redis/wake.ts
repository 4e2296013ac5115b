import { Redis } from 'ioredis'

const CHANNEL = 'mlforge:runs'

export interface WakeLog {
  warn(details: object, message: string): void
}

/**
 * Tells other processes that a run has changed, so that they look at once instead of at their next
 * poll. Nothing depends on it: what fails here is counted, said once a minute, and forgotten.
 */
export class RunWakes {
  /** What went wrong since the start, for /metrics. */
  failures = 0
  private readonly publisher: Redis
  private subscriber: Redis | undefined
  private readonly listeners = new Map<string, Set<() => void>>()
  private saidAt = 0

  constructor(
    url: string,
    private readonly log: WakeLog,
  ) {
    this.publisher = this.client(url)
    this.connectSubscriber = () => this.subscribeWith(this.client(url))
  }

  private readonly connectSubscriber: () => Redis

  /** The run's row has changed. Never throws, never waits. */
  publish(runId: string): void {
    this.publisher.publish(CHANNEL, runId).catch(error => this.failed(error))
  }

  /** Calls `listener` whenever the run may have changed, until the function returned is called. */
  subscribe(runId: string, listener: () => void): () => void {
    this.subscriber ??= this.connectSubscriber()
    const listeners = this.listeners.get(runId) ?? new Set()
    this.listeners.set(runId, listeners.add(listener))
    return () => {
      listeners.delete(listener)
      if (listeners.size === 0 && this.listeners.get(runId) === listeners) this.listeners.delete(runId)
    }
  }

  /** Resolves when Redis answers; for health answers. */
  async ping(): Promise<void> {
    await this.publisher.ping()
  }

  close(): void {
    this.publisher.disconnect()
    this.subscriber?.disconnect()
  }

  private subscribeWith(redis: Redis): Redis {
    redis.on('message', (_channel, runId: string) => {
      for (const listener of this.listeners.get(runId) ?? []) listener()
    })
    // Subscribing waits for the first connection; later ones are subscribed again by the client.
    redis.once('ready', () => void redis.subscribe(CHANNEL).catch(error => this.failed(error)))
    return redis
  }

  private client(url: string): Redis {
    const redis = new Redis(url, {
      maxRetriesPerRequest: 0,
      enableOfflineQueue: false,
      connectTimeout: 2_000,
      commandTimeout: 2_000,
      retryStrategy: times => Math.min(200 * 2 ** Math.min(times, 6), 10_000),
    })
    redis.on('error', error => this.failed(error))
    return redis
  }

  private failed(error: unknown): void {
    this.failures++
    if (Date.now() - this.saidAt < 60_000) return
    this.saidAt = Date.now()
    const reason = error instanceof Error ? error.message : String(error)
    this.log.warn({ reason, failures: this.failures }, 'redis does not answer; runs are polled instead')
  }
}
