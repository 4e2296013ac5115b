import 'reflect-metadata'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { Client } from '@temporalio/client'
import { NativeConnection, Runtime } from '@temporalio/worker'
import type { Logger } from 'pino'
import { sweepScratch } from '../activities/scratch.js'
import { readConfig } from '../config/load.js'
import { createLogger } from '../config/logger.js'
import { type QueueName, QUEUES } from '../contracts/temporal/queues.js'
import { MlforgeError } from '../domain/errors.js'
import { connectPostgres } from '../stores/postgres/data-source.js'
import { LineageEventStore } from '../stores/postgres/lineage-event-store.js'
import { OutboxStore } from '../stores/postgres/outbox-store.js'
import { assertSchema } from '../stores/postgres/schema-version.js'
import { freePort, serveHealth } from './health.js'
import { ingestPredictions } from './ingest.js'
import { relayLineage } from './lineage-events.js'
import { relayStarts } from './relay.js'
import { ensureSystemSchedules } from './system-schedules.js'
import { createPorts, createWorker } from './workers.js'

const USAGE = `worker --queues=<${Object.keys(QUEUES).join('|')}>[,...]`

async function main(): Promise<void> {
  const queues = queuesOf(process.argv.slice(2))
  const config = readConfig()
  const logger = createLogger(config, `worker-${queues.join('-')}`)
  const sdkMetricsPort = await freePort()
  Runtime.install({
    shutdownSignals: [],
    logger: temporalLogger(logger),
    telemetryOptions: { metrics: { prometheus: { bindAddress: `127.0.0.1:${sdkMetricsPort}` } } },
  })

  const stop = new AbortController()
  let ready = false
  const health = await serveHealth(config.worker.port, {
    live: () => true,
    ready: () => ready && !stop.signal.aborted,
    sdkMetrics: `http://127.0.0.1:${sdkMetricsPort}/metrics`,
  })
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stop.abort())

  const dataSource = await connectPostgres(config.postgres.url, config.postgres.poolSize)
  await assertSchema(dataSource)
  const connection = await NativeConnection.connect({
    address: config.temporal.address,
    tls: config.temporal.tls,
  })
  const client = new Client({ connection, namespace: config.temporal.namespace })
  const ports = await createPorts(config, dataSource, client, logger)
  await sweepScratch(ports.scratch, pid => existsSync(join('/proc', String(pid))))

  const workers = await Promise.all(
    queues.map(queue => createWorker(queue, { config, connection, ports, logger })),
  )
  const tasks: Promise<void>[] = workers.map(worker => worker.run())
  const drain = () => workers.forEach(worker => worker.shutdown())
  stop.signal.addEventListener('abort', drain)
  // Told to stop while it was still starting.
  if (stop.signal.aborted) drain()
  if (queues.includes('io')) {
    // A store that cannot be reached now is no reason not to work: activities try again.
    await ports.objects
      .removeStale(Date.now())
      .catch((error: unknown) => logger.warn({ err: error }, 'stale objects were not removed'))
    await ensureSystemSchedules(client, config)
    const outbox = new OutboxStore(dataSource)
    tasks.push(relayStarts({ ...ports, outbox, logger }, stop.signal))
    const events = new LineageEventStore(dataSource)
    const { version: release } = ports.code
    tasks.push(relayLineage({ events, receiver: config.lineage, release, logger }, stop.signal))
    tasks.push(ingestPredictions({ ...ports, logger }, stop.signal))
  }
  ready = true
  logger.info({ queues }, 'working')

  try {
    await Promise.all(tasks)
  } finally {
    health.close()
    ports.wakes.close()
    await connection.close()
    await dataSource.destroy()
  }
  logger.info('drained')
}

function queuesOf(args: string[]): QueueName[] {
  const { values } = parseArgs({ args, options: { queues: { type: 'string' } } })
  const queues = (values.queues ?? '').split(',').filter(Boolean)
  const unknown = queues.filter(queue => !Object.hasOwn(QUEUES, queue))
  if (queues.length === 0 || unknown.length > 0) {
    throw new MlforgeError('configuration_invalid', `Unknown queues "${unknown.join(', ')}". Usage: ${USAGE}`)
  }
  return queues as QueueName[]
}

function temporalLogger(logger: Logger) {
  const child = logger.child({ from: 'temporal' })
  const at =
    (level: 'trace' | 'debug' | 'info' | 'warn' | 'error') =>
    (message: string, meta?: Record<string, unknown>) =>
      child[level](plain(meta), message)
  const [trace, debug, info, warn, error] = [at('trace'), at('debug'), at('info'), at('warn'), at('error')]
  const by = { TRACE: trace, DEBUG: debug, INFO: info, WARN: warn, ERROR: error }
  return {
    trace,
    debug,
    info,
    warn,
    error,
    log: (level: keyof typeof by, message: string, meta?: Record<string, unknown>) =>
      by[level](message, meta),
  }
}

/** Temporal's metadata holds symbols and errors; a log line holds plain values. */
function plain(meta: Record<string, unknown> = {}): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(meta).map(([key, value]) => [key, value instanceof Error ? value.message : value]),
  )
}

main().then(
  () => process.exit(0),
  async (error: unknown) => {
    process.stderr.write(`worker: ${error instanceof Error ? error.message : String(error)}\n`)
    // Leaves the line time to reach the log before the supervisor starts the next one.
    await wait(50)
    process.exit(1)
  },
)
