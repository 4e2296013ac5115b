import { existsSync, readFileSync } from 'node:fs'
import { readApiAccess } from '../config/api-access.js'
import { MlforgeError } from '../domain/errors.js'
import { Rest } from '../sdk/rest.js'

/** The API that the environment names, else that of the stack of this directory. */
export async function connect(): Promise<Rest> {
  const { url, key } = readApiAccess()
  if (url !== undefined && key !== undefined) return new Rest(url, key)
  const { readSettings } = await import('../config/load.js')
  const { statePaths } = await import('../infra/launcher/paths.js')
  const { endpoints } = statePaths(readSettings({ embedded: true }).stateDirectory)
  if (!existsSync(endpoints)) {
    const message =
      'No stack runs in this directory. Run mlforge up, or set MLFORGE_API_URL and MLFORGE_API_KEY.'
    throw new MlforgeError('configuration_invalid', message)
  }
  const { api, keyFile } = JSON.parse(readFileSync(endpoints, 'utf8')) as { api: string; keyFile: string }
  return new Rest(url ?? api, key ?? readFileSync(keyFile, 'utf8').trim())
}
