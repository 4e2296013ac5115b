import { existsSync } from 'node:fs'
import { readConfig } from '../../config/load.js'
import { keptSecret } from './files.js'
import { statePaths } from './paths.js'

// Run by the supervisor before our own processes: the schema as this code expects it, and a first key.
const config = readConfig()
const migrations = new URL('../../stores/postgres/migrate.js', import.meta.url)
const bootstrap = new URL('../../stores/postgres/bootstrap-key.js', import.meta.url)
if (existsSync(migrations)) {
  const { migrate } = (await import(migrations.href)) as { migrate(url: string): Promise<void> }
  await migrate(config.postgres.url)
}
const key = keptSecret(statePaths(config.stateDirectory).adminKey, 'mlf_')
if (existsSync(bootstrap)) {
  const { ensureAdminKey } = (await import(bootstrap.href)) as {
    ensureAdminKey(url: string, project: string, key: string): Promise<void>
  }
  await ensureAdminKey(config.postgres.url, config.project, key)
}
