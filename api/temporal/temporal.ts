import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common'
import { Client, Connection, defaultGrpcRetryOptions, makeGrpcRetryInterceptor } from '@temporalio/client'
import type { Config } from '../../config/config.js'
import { CONFIG } from '../platform/tokens.js'
import { asUnavailable } from './unavailable.js'

// A server that is away is said to be away soon: starts are relayed, verbs are tried again by who asks.
const RETRIES = { maxAttempts: 3, initialIntervalMs: () => 50, maxIntervalMs: () => 200, factor: 2 }

/** The client of the Temporal service. It connects when it is first used, so the api starts without. */
@Injectable()
export class Temporal implements OnApplicationShutdown {
  readonly client: Client
  private readonly connection: Connection

  constructor(@Inject(CONFIG) config: Config) {
    const { address, namespace, tls } = config.temporal
    this.connection = Connection.lazy({
      address,
      tls,
      // The default waits up to two minutes before it looks again at a server that was down.
      interceptors: [makeGrpcRetryInterceptor(defaultGrpcRetryOptions(RETRIES))],
      channelArgs: { 'grpc.initial_reconnect_backoff_ms': 100, 'grpc.max_reconnect_backoff_ms': 2_000 },
    })
    this.client = new Client({ connection: this.connection, namespace })
  }

  /**
   * Every call has a deadline, in milliseconds from now.
   * @throws MlforgeError unavailable where the service did not answer in time
   */
  async within<T>(milliseconds: number, call: (client: Client) => Promise<T>): Promise<T> {
    try {
      return await this.client.withDeadline(Date.now() + milliseconds, () => call(this.client))
    } catch (error) {
      throw asUnavailable(error) ?? error
    }
  }

  /** Resolves when the service answers. */
  async ping(milliseconds: number): Promise<void> {
    await this.within(milliseconds, client => client.workflowService.getSystemInfo({}))
  }

  async onApplicationShutdown(): Promise<void> {
    await this.connection.close()
  }
}
