import 'reflect-metadata'
import { Client } from '@temporalio/client'
import { NativeConnection, Runtime } from '@temporalio/worker'
import { pino } from 'pino'
import type { Ports } from '../../activities/ports.js'
import { readConfig } from '../../config/load.js'
import type { QueueName } from '../../contracts/temporal/queues.js'
import { connectPostgres } from '../../stores/postgres/data-source.js'
import { createPorts, createWorker } from '../../worker/workers.js'
import { silentLogger } from '../support/silent-logger.js'

/**
 * Where the process dies: when an object is durable, when a step is committed, or when a sensor's look or tick
 * is, and nobody knows yet.
 */
export type KillPoint =
  /** The first one, where no other is named. */
  | { readonly after: 'object'; readonly which?: number }
  | { readonly after: 'sensor'; readonly method: 'looked' | 'take' }
  | { readonly after: 'commit'; readonly step: string }

// A worker like any other, in a process of its own, but for one port that kills it.
const [queue, point] = process.argv.slice(2) as [QueueName, string]
const config = readConfig()
Runtime.install({ shutdownSignals: [], logger: silentLogger })
const dataSource = await connectPostgres(config.postgres.url, 5)
const connection = await NativeConnection.connect({ address: config.temporal.address })
const client = new Client({ connection, namespace: config.temporal.namespace })
const logger = pino({ level: 'silent' })
const ports = deadly(await createPorts(config, dataSource, client, logger), JSON.parse(point) as KillPoint)
const worker = await createWorker(queue, { config, connection, ports, logger })
process.stdout.write('working\n')
await worker.run()

function deadly(real: Ports, kill: KillPoint): Ports {
  const die = () => process.kill(process.pid, 'SIGKILL')
  const { objects, ledger, sensors } = real
  if (kill.after === 'sensor') {
    const dying = Object.create(sensors) as typeof sensors
    const { method } = kill
    const last = async (...args: never[]): Promise<never> => {
      await (sensors[method] as (...given: never[]) => Promise<unknown>).apply(sensors, args)
      die()
      return new Promise<never>(() => undefined)
    }
    return { ...real, sensors: Object.assign(dying, { [method]: last }) }
  }
  if (kill.after === 'object') {
    let left = kill.which ?? 1
    const write: typeof objects.write = async (...args) => {
      const written = await objects.write(...args)
      if (--left > 0) return written
      die()
      return new Promise(() => undefined)
    }
    return { ...real, objects: Object.assign(Object.create(objects) as typeof objects, { write }) }
  }
  const finish: typeof ledger.finish = async (ref, fence, effect) => {
    const outcome = await ledger.finish(ref, fence, effect)
    if (ref.step === kill.step) {
      die()
      return new Promise(() => undefined)
    }
    return outcome
  }
  return { ...real, ledger: Object.assign(Object.create(ledger) as typeof ledger, { finish }) }
}
