import type { Config } from '../config/config.js'
import { FIELDS } from '../config/fields.js'
import { readSettings, readStackConfig } from '../config/load.js'
import { readIfPresent } from '../infra/launcher/files.js'
import { statePaths } from '../infra/launcher/paths.js'

const ADDRESSES = {
  postgresUrl: FIELDS['postgres.url'].env,
  redisUrl: FIELDS['redis.url'].env,
  temporalAddress: FIELDS['temporal.address'].env,
  temporalUi: FIELDS['temporal.webUrl'].env,
} as const

/**
 * Configuration for commands that work on a stack (migrate, check, backup): what is configured, and for
 * the rest the addresses of the stack that runs in this directory.
 */
export function runningStackConfig(): Config {
  const text = readIfPresent(statePaths(readSettings().stateDirectory).endpoints)
  const endpoints = text === undefined ? {} : (JSON.parse(text) as Record<string, unknown>)
  const found = Object.entries(ADDRESSES).flatMap(([key, variable]) => {
    const address = endpoints[key]
    return typeof address === 'string' ? [[variable, address]] : []
  })
  return readStackConfig(Object.fromEntries(found) as Record<string, string>)
}
