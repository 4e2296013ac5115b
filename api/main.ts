import 'reflect-metadata'
import { readConfig } from '../config/load.js'
import { createLogger } from '../config/logger.js'
import { MlforgeError } from '../domain/errors.js'
import { createApp } from './app.js'
import { Database } from './platform/database.js'

const LONGEST_DRAIN_MS = 30_000

async function main(): Promise<void> {
  const config = readConfig()
  const log = createLogger(config, 'api')
  const app = await createApp(config, log)
  app.enableShutdownHooks(['SIGTERM', 'SIGINT'], { useProcessExit: true })
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      log.info({ signal }, 'draining')
      setTimeout(() => process.exit(1), LONGEST_DRAIN_MS).unref()
    })
  }
  void app.get(Database).refused.then(fail)
  await app.listen(config.api.port, config.api.host)
  log.info({ address: await app.getUrl() }, 'listening')
}

/** One line that says what is wrong; the supervisor and people read it from the log. */
function fail(error: unknown): never {
  const problems = error instanceof MlforgeError ? (error.details.problems ?? []) : []
  const lines = problems.map(({ at, message }) => `; ${at}: ${message}`)
  process.stderr.write(
    `api cannot start: ${error instanceof Error ? error.message : String(error)}${lines.join('')}\n`,
  )
  process.exit(1)
}

await main().catch(fail)
