import { stopServers } from './servers.js'

export default async function globalTeardown(): Promise<void> {
  await stopServers(process.env['TEST_STATE_DIRECTORY']!)
}
