import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { InvalidArgumentError, type Command } from 'commander'
import type { Settings } from '../../config/config.js'
import { readSettings } from '../../config/load.js'
import { MlforgeError } from '../../domain/errors.js'
import { didYouMean } from '../../domain/suggest.js'
import { distRoot } from '../../infra/launcher/package-root.js'
import { statePaths } from '../../infra/launcher/paths.js'
import { resolveRedis } from '../../infra/launcher/redis.js'
import { servingNames, standardPlan } from '../../infra/launcher/stack.js'
import { resolveTemporal } from '../../infra/launcher/temporal-program.js'
import { up as startStack } from '../../infra/launcher/up.js'
import { stopAll } from './down.js'

export function up(program: Command): void {
  program
    .command('up')
    .description('start the stack of this directory, or what is missing of it, and wait until it is ready')
    .option('--foreground', 'stay, and stop the stack at Ctrl-C')
    .option('--parts <names>', 'only these parts, separated by commas', list)
    .option('--serving <n>', 'so many serving replicas, instead of the configured number', count)
    .option('--timeout <seconds>', 'how long the start may take', positive, 180)
    .action(async ({ foreground, timeout, ...wanted }: UpFlags) => {
      if (foreground === true) await untilStopped(signal => start(wanted, timeout, signal))
      else await start(wanted, timeout)
    })
}

/** From the very beginning Ctrl-C stops the stack: the supervisor would outlive a command that just ends. */
async function untilStopped(startUp: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const stop = new AbortController()
  const { signal } = stop
  const stopped = new Promise(resolve => signal.addEventListener('abort', resolve))
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => stop.abort())
  const keepAlive = setInterval(() => undefined, 2 ** 30)
  try {
    await startUp(signal)
    await stopped
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    clearInterval(keepAlive)
  }
  await stopAll(readSettings({ embedded: true }).stateDirectory)
}

interface Wanted {
  parts?: string[]
  serving?: number
}

interface UpFlags extends Wanted {
  foreground?: boolean
  timeout: number
}

/** Names of the parts to run; undefined for all that are configured. */
function chosen({ parts, serving }: Wanted, settings: Settings): string[] | undefined {
  if (serving === undefined) return parts
  const names = parts ?? standardPlan(settings).parts.map(part => part.name)
  return [...names.filter(name => !/^serving-\d+$/.test(name)), ...servingNames(serving)]
}

function count(text: string): number {
  if (/^[1-9]\d?$/.test(text)) return Number(text)
  throw new InvalidArgumentError('It must be a whole number of 1 to 99.')
}

function positive(text: string): number {
  if (Number(text) > 0) return Number(text)
  throw new InvalidArgumentError('It must be a number above 0.')
}

const list = (text: string): string[] => text.split(',').map(name => name.trim())

async function start(wanted: Wanted, timeoutSeconds: number, signal?: AbortSignal): Promise<void> {
  const settings = readSettings({ embedded: true })
  const { stateDirectory, cacheDirectory, embedded, offline } = settings
  if (existsSync(statePaths(stateDirectory).restoring)) {
    throw new MlforgeError(
      'wrong_state',
      `A restore into ${stateDirectory} did not finish. Run mlforge clean, then the restore again.`,
    )
  }
  const only = chosen(wanted, settings)
  const plan = standardPlan(settings, only)
  const unknown = only?.find(name => !plan.parts.some(part => part.name === name))
  if (unknown !== undefined) {
    const known = standardPlan(settings).parts.map(part => part.name)
    throw new MlforgeError('invalid_request', `There is no part "${unknown}".${didYouMean(unknown, known)}`)
  }
  const starts = (name: string) => plan.parts.some(part => part.name === name && part.kind === 'process')
  // Here and not in the supervisor, where a build of seven minutes would show no progress.
  if (starts('redis')) await resolveRedis({ configured: embedded.redisPath, cacheDirectory }, console.log)
  if (starts('temporal')) {
    await resolveTemporal({ configured: embedded.temporalPath, cacheDirectory, offline }, console.log)
  }
  const main = join(distRoot, 'infra', 'launcher', 'main.js')
  await startStack({
    stateDirectory,
    supervisor: [
      process.execPath,
      '--enable-source-maps',
      main,
      ...(only === undefined ? [] : [only.join(',')]),
    ],
    fingerprint: plan.fingerprint,
    progress: console.log,
    deadlineMs: timeoutSeconds * 1000,
    ...(signal ? { signal } : {}),
  })
  printEndpoints(stateDirectory)
}

function printEndpoints(stateDirectory: string): void {
  const paths = statePaths(stateDirectory)
  const endpoints = JSON.parse(readFileSync(paths.endpoints, 'utf8')) as Record<string, string | null>
  const { api, serving, temporalUi, temporalAddress, keyFile } = endpoints
  console.log('')
  if (api != null) console.log(`API           ${api}  (documentation: ${api}/docs)`)
  if (serving != null) console.log(`Serving       ${serving}`)
  if (temporalUi != null) console.log(`Temporal Web  ${temporalUi}`)
  if (temporalAddress != null) console.log(`Temporal      ${temporalAddress}`)
  console.log(`Addresses     ${paths.endpoints}`)
  console.log(`Logs          ${join(stateDirectory, 'logs')}`)
  if (api == null) return
  console.log(`\nexport MLFORGE_API_URL=${api}\nexport MLFORGE_API_KEY="$(cat ${keyFile})"`)
}
