import { readConfig } from '../../config/load.js'
import { ensureAdminKey } from '../../stores/postgres/bootstrap-key.js'
import { keptSecret } from './files.js'
import { migrateDatabase } from './migrate.js'
import { statePaths } from './paths.js'

// Run by the supervisor before our own processes: the schema as this code expects it, and a first key.
const { postgres, project, stateDirectory } = readConfig()
await migrateDatabase(postgres.url)
await ensureAdminKey(postgres.url, project, keptSecret(statePaths(stateDirectory).adminKey, 'mlf_'))
