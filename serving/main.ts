import 'reflect-metadata'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { readConfig } from '../config/load.js'
import { createLogger } from '../config/logger.js'
import { MlforgeError } from '../domain/errors.js'
import { NAME_PATTERN, NAME_RULE } from '../domain/names.js'
import { Replica } from './replica.js'

async function main(): Promise<void> {
  const name = replicaName(process.argv.slice(2))
  const config = readConfig()
  const log = createLogger(config, name)
  const directory = join(config.stateDirectory, 'serving', name)
  const replica = await Replica.start(config, directory, log)
  const stop = new Promise<string>(resolve => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => resolve(signal))
  })
  log.info({ signal: await stop }, 'draining')
  await replica.stop()
  log.info('drained')
}

function replicaName(args: string[]): string {
  const { values } = parseArgs({ args, options: { replica: { type: 'string' } } })
  const { replica = '' } = values
  if (NAME_PATTERN.test(replica)) return replica
  throw new MlforgeError(
    'configuration_invalid',
    `"${replica}" is no name for a replica: ${NAME_RULE}. Usage: serving --replica=<name>`,
  )
}

main().then(
  () => process.exit(0),
  async (error: unknown) => {
    const problems = error instanceof MlforgeError ? (error.details.problems ?? []) : []
    const lines = problems.map(({ at, message }) => `; ${at}: ${message}`)
    const reason = error instanceof Error ? error.message : String(error)
    process.stderr.write(`serving cannot start: ${reason}${lines.join('')}\n`)
    // Leaves the line time to reach the log before the supervisor starts the next one.
    await wait(50)
    process.exit(1)
  },
)
