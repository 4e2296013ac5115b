import 'reflect-metadata'
import { startServers } from './servers.js'

/** Once before all tests. Workers of the test runner are started afterwards and inherit the variables. */
export default async function globalSetup(): Promise<void> {
  const servers = await startServers()
  process.env['TEST_STATE_DIRECTORY'] = servers.stateDirectory
  process.env['TEST_POSTGRES_URL'] = servers.postgresUrl
  process.env['TEST_REDIS_URL'] = servers.redisUrl
  process.env['TEST_TEMPORAL_ADDRESS'] = servers.temporalAddress
}
