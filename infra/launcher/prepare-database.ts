import { readConfig } from '../../config/load.js'
import { ensureAdminKey } from '../../stores/postgres/bootstrap-key.js'
import { whenReachable } from '../../stores/postgres/when-reachable.js'
import { keptSecret } from './files.js'
import { migrateDatabase } from './migrate.js'
import { statePaths } from './paths.js'

/** A Postgres that is killed meanwhile is started again by the supervisor, and recovers. */
const PATIENCE_MS = 30_000

// Run by the supervisor before our own processes: the schema as this code expects it, and a first key.
const { postgres, project, stateDirectory } = readConfig()
await whenReachable(async () => {
  await migrateDatabase(postgres.url)
  await ensureAdminKey(postgres.url, project, keptSecret(statePaths(stateDirectory).adminKey, 'mlf_'))
}, PATIENCE_MS)
