import { Redis } from 'ioredis'

const CHANNEL = 'mlforge:runs'

export interface WakeLog {
  warn(details: object, message: string): void
}

/** What is published when a plan of a project has been issued. */
export const planTopic = (project: string): string => `plans/${project}`

/**
 * What has gone wrong with Redis: counted, and said once an outage and once a minute at most. Nothing
 * depends on Redis, so that is all.
 */
class Failures {
  count = 0
  private said = false
  private saidAt = -Infinity

  constructor(private readonly log: WakeLog) {}

  readonly add = (error: unknown): void => {
    this.count++
    if (this.said || Date.now() - this.saidAt < 60_000) return
    this.said = true
    this.saidAt = Date.now()
    const reason = error instanceof Error ? error.message : String(error)
    this.log.warn({ reason, failures: this.count }, 'redis does not answer; changes are polled for instead')
  }

  over(): void {
    this.said = false
  }
}

/** Hears what other processes have changed. Nothing depends on it: who listens polls too. */
export class WakeListener {
  private readonly failures: Failures
  private readonly redis: Redis
  private readonly listeners = new Map<string, Set<() => void>>()

  constructor(url: string, log: WakeLog | Failures) {
    this.failures = log instanceof Failures ? log : new Failures(log)
    this.redis = connection(url, this.failures)
    this.redis.on('message', (_channel, topic: string) => {
      for (const listener of this.listeners.get(topic) ?? []) listener()
    })
    // With each connection: one may end before it is subscribed.
    this.redis.on('ready', () => void this.redis.subscribe(CHANNEL).catch(this.failures.add))
  }

  /** Calls `listener` whenever this may have changed, until the function returned is called. */
  subscribe(topic: string, listener: () => void): () => void {
    const listeners = this.listeners.get(topic) ?? new Set()
    this.listeners.set(topic, listeners.add(listener))
    return () => {
      listeners.delete(listener)
      if (listeners.size === 0 && this.listeners.get(topic) === listeners) this.listeners.delete(topic)
    }
  }

  close(): void {
    this.redis.disconnect()
  }
}

/**
 * Tells other processes that a run (by its id) or something else with a topic has changed, so that they look
 * at once instead of at their next poll. What fails here is counted, said once, and forgotten.
 */
export class RunWakes {
  private readonly failed: Failures
  private readonly publisher: Redis
  private listener: WakeListener | undefined

  constructor(
    private readonly url: string,
    log: WakeLog,
  ) {
    this.failed = new Failures(log)
    this.publisher = connection(url, this.failed)
  }

  /** What went wrong since the start, for /metrics. */
  get failures(): number {
    return this.failed.count
  }

  /** It has changed. Never throws, never waits. */
  publish(topic: string): void {
    this.publisher.publish(CHANNEL, topic).catch(this.failed.add)
  }

  /** Calls `listener` whenever this may have changed, until the function returned is called. */
  subscribe(topic: string, listener: () => void): () => void {
    this.listener ??= new WakeListener(this.url, this.failed)
    return this.listener.subscribe(topic, listener)
  }

  /** Resolves when Redis answers; for health answers. */
  async ping(): Promise<void> {
    await this.publisher.ping()
  }

  close(): void {
    this.publisher.disconnect()
    this.listener?.close()
  }
}

function connection(url: string, failures: Failures): Redis {
  const redis = new Redis(url, {
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    autoResubscribe: false,
    connectTimeout: 2_000,
    commandTimeout: 2_000,
    retryStrategy: times => Math.min(200 * 2 ** Math.min(times, 6), 10_000),
  })
  redis.on('error', failures.add)
  redis.on('ready', () => failures.over())
  return redis
}
