import { setTimeout as wait } from 'node:timers/promises'
import type { Logger } from 'pino'
import { DataSource } from 'typeorm'
import type { Config } from '../config/config.js'
import { dataSourceOptions } from '../stores/postgres/data-source.js'
import { DeploymentStore } from '../stores/postgres/deployment-store.js'
import { KeyStore } from '../stores/postgres/key-store.js'
import { type NewSegment, PredictionStore } from '../stores/postgres/prediction-store.js'
import { assertSchema } from '../stores/postgres/schema-version.js'
import { planTopic, WakeListener } from '../stores/redis/wake.js'
import type { Keys } from './keys.js'
import type { Plans } from './plans/plans.js'

/** The poll, the reports and the segments share so many connections. */
const CONNECTIONS = 3

export interface ControlPlanePorts {
  readonly config: Config
  readonly plans: Plans
  readonly keys: Keys
  readonly replica: () => string
  readonly address: string
  readonly log: Logger
}

/** What a replica knows of Postgres and Redis: it looks for plans and keys and says which plans it answers by. */
export class ControlPlane {
  private readonly dataSource: DataSource
  private readonly deployments: DeploymentStore
  private readonly keyStore: KeyStore
  private readonly predictions: PredictionStore
  private usable = false
  private connecting: Promise<void> | undefined
  private reachable = true
  private taking: Promise<void> | undefined
  private readonly wakes: WakeListener
  private reporting: Promise<void> = Promise.resolve()
  /** The time between two looks; ended early when there is something to see. */
  private rest = new AbortController()
  /** True once the plans in force have been read. */
  seen = false

  constructor(private readonly ports: ControlPlanePorts) {
    this.dataSource = new DataSource(dataSourceOptions(ports.config.postgres.url, CONNECTIONS))
    this.deployments = new DeploymentStore(this.dataSource)
    this.keyStore = new KeyStore(this.dataSource)
    this.predictions = new PredictionStore(this.dataSource)
    this.wakes = new WakeListener(ports.config.redis.url, ports.log)
  }

  /**
   * Looks again and again until told to stop, at once when Redis says that a plan was issued. Postgres and
   * Redis may be away for as long as they like.
   */
  async follow(stop: AbortSignal): Promise<void> {
    const { config, log } = this.ports
    stop.addEventListener('abort', () => this.rest.abort())
    this.wakes.subscribe(planTopic(config.project), () => {
      // While plans are being taken no look asks for others.
      void Promise.resolve(this.taking).then(() => this.rest.abort())
    })
    while (!stop.aborted) {
      // From here on: a plan may be issued while this look is under way.
      this.rest = new AbortController()
      try {
        await this.look()
        if (!this.reachable) log.info('postgres answers again')
        this.reachable = true
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error)
        if (this.reachable)
          log.warn({ reason }, 'postgres cannot be asked; serving goes on with what is known')
        this.reachable = false
      }
      await wait(config.serving.pollSeconds * 1000, undefined, { signal: this.rest.signal }).catch(
        () => undefined,
      )
    }
    await this.taking
  }

  /** Announces a sealed segment. */
  async addSegment(segment: NewSegment): Promise<void> {
    await this.connect()
    await this.predictions.addSegment(segment)
  }

  /** Says that this replica ends, so that nobody waits for it. */
  async leave(): Promise<void> {
    if (this.usable) await this.deployments.leave(this.ports.replica())
  }

  async close(): Promise<void> {
    this.wakes.close()
    if (this.dataSource.isInitialized) await this.dataSource.destroy()
  }

  private async look(): Promise<void> {
    const { config, keys, plans } = this.ports
    await this.connect()
    const rows = await this.keyStore.verifiers(config.project)
    await keys
      .replace(rows)
      .catch((error: unknown) => this.ports.log.error({ err: error }, 'the keys cannot be kept on disk'))
    if (this.taking === undefined) {
      const revisions = await this.deployments.revisionsInForce(config.project)
      if (plans.differFrom(revisions)) this.take()
      else this.seen = true
    }
    await this.report()
  }

  /** Aside: loading may take its time, and others wait to hear that this replica is alive. */
  private take(): void {
    const { config, plans, log } = this.ports
    this.taking = (async () => {
      try {
        await plans.take(await this.deployments.plansInForce(config.project))
        this.seen = true
        await this.report()
      } catch (error) {
        log.warn({ err: error }, 'the plans in force cannot be taken; trying again')
      } finally {
        this.taking = undefined
      }
    })()
  }

  /** One after the other, each with what holds when it is sent: an older report never comes last. */
  private report(): Promise<void> {
    const report = this.reporting.then(() => this.sendReport())
    this.reporting = report.catch(() => undefined)
    return report
  }

  private async sendReport(): Promise<void> {
    const { config, plans, replica, address } = this.ports
    await this.deployments.report(
      config.project,
      plans.status().map(({ deploymentId, revision, problem }) => ({
        replica: replica(),
        deploymentId,
        revision,
        problem,
        address,
      })),
    )
    if (this.taking === undefined) await plans.tidy()
  }

  /** A database of another release is as good as none: an upgrade may be under way. */
  private async connect(): Promise<void> {
    if (this.usable) return
    this.connecting ??= (async () => {
      if (!this.dataSource.isInitialized) await this.dataSource.initialize()
      await assertSchema(this.dataSource)
      this.usable = true
    })().finally(() => (this.connecting = undefined))
    await this.connecting
  }
}
