import { mkdir } from 'node:fs/promises'
import type { Server } from 'node:net'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import type { Config } from '../config/config.js'
import { SessionPool } from '../inference/session-pool.js'
import { openObjectStore } from '../stores/objects/open.js'
import { ControlPlane } from './control-plane.js'
import { lockDirectory } from './directory-lock.js'
import { createServer } from './http/server.js'
import { Keys } from './keys.js'
import { PredictionLog } from './log/prediction-log.js'
import { Uploader } from './log/uploader.js'
import { Metrics } from './metrics.js'
import { Plans } from './plans/plans.js'
import { Predictor } from './predictor.js'
import { RecentPredictions } from './recent-predictions.js'

const LOCK_MS = 2_000
const LEAVE_MS = 2_000

/** One serving process, wired. It needs nothing but its directory to answer what it answered before. */
export class Replica {
  private readonly stopping = new AbortController()
  private following: Promise<void> = Promise.resolve()

  private constructor(
    private readonly parts: {
      readonly config: Config
      readonly server: FastifyInstance
      readonly controlPlane: ControlPlane
      readonly uploader: Uploader
      readonly uploads: AbortController
      readonly predictions: PredictionLog
      readonly predictor: Predictor
      readonly pool: SessionPool
      readonly lock: Server
      readonly log: Logger
    },
    readonly address: string,
  ) {}

  static async start(config: Config, directory: string, log: Logger): Promise<Replica> {
    const { serving, project } = config
    await mkdir(directory, { recursive: true })
    const lock = await lockDirectory(directory, LOCK_MS)
    const objects = await openObjectStore(config)
    const predictions = await PredictionLog.open(directory, serving, log)
    const recent = new RecentPredictions(serving.recentIds)
    await recent.restore(predictions.recent())
    const pool = new SessionPool(serving)
    const plans = new Plans(directory, objects, pool, log, serving.deadlineSeconds)
    const keys = new Keys(join(directory, 'keys.json'))
    const hasCache = await plans.restore()
    await keys.restore()
    const metrics = new Metrics({
      queueRows: () => pool.waiting('answers') + pool.waiting('background'),
      logBytes: () => predictions.bytes,
      unsentSegments: () => predictions.unsent,
      droppedRecords: () => predictions.dropped,
      revisions: () => plans.status(),
    })
    const predictor = new Predictor({ pool, predictions, recent, metrics })

    let replica: Replica | undefined
    const stopped = (): boolean => replica?.stopping.signal.aborted === true
    const server = createServer({
      config,
      log,
      keys,
      plans,
      predictor,
      metrics,
      ready: () => !stopped() && keys.known && (hasCache || replica?.parts.controlPlane.seen === true),
      draining: stopped,
    })
    const address = await server.listen({ host: serving.host, port: serving.port })
    const replicaId = (): string => predictions.replica
    const controlPlane = new ControlPlane({ config, plans, keys, replica: replicaId, address, log })
    const uploads = new AbortController()
    const uploader = new Uploader(
      { project, predictions, objects, catalogue: controlPlane, log },
      uploads.signal,
    )
    replica = new Replica(
      { config, server, controlPlane, uploader, uploads, predictions, predictor, pool, lock, log },
      address,
    )
    replica.following = controlPlane.follow(replica.stopping.signal)
    log.info({ address, replica: predictions.replica }, 'listening')
    return replica
  }

  /** Finishes what is under way, sends what it can of the log in the time that it has, and says goodbye. */
  async stop(): Promise<void> {
    const { server, controlPlane, uploader, uploads, predictions, predictor, pool, lock, log } = this.parts
    const { deadlineSeconds, drainSeconds } = this.parts.config.serving
    this.stopping.abort()
    await Promise.race([server.close(), wait(deadlineSeconds * 1000)])
    await predictor.idle()
    await this.following
    const drained = Date.now() + drainSeconds * 1000
    await Promise.race([
      predictions.close().then(() => uploader.drain(drainSeconds * 1000)),
      wait(drainSeconds * 1000),
    ])
    uploads.abort()
    const { unsent } = predictions
    if (unsent > 0) log.warn({ unsent }, 'segments stay here: the next start of this replica sends them')
    const leave = controlPlane
      .leave()
      .catch((error: unknown) => log.warn({ err: error }, 'nobody hears goodbye'))
    await Promise.race([leave, wait(Math.max(LEAVE_MS, drained - Date.now()))])
    await pool.close()
    await Promise.race([controlPlane.close(), wait(LEAVE_MS)])
    lock.close()
  }
}
