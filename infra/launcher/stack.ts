import { createHash } from 'node:crypto'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Config, Settings } from '../../config/config.js'
import { toEnvironment } from '../../config/load.js'
import { keptSecret } from './files.js'
import { nodePart, type NodeProcess } from './node-process.js'
import { distRoot } from './package-root.js'
import { statePaths } from './paths.js'
import type { PartContext, Plan, PlanPart } from './plan.js'
import { postgresPart, postgresUrl } from './postgres.js'
import { redisPart } from './redis.js'
import { temporalPart } from './temporal.js'

type Port = (name: string) => number

/** The processes that are ours, as data; replicas of the data plane come on top. */
const NODE_PROCESSES: readonly (Pick<NodeProcess, 'name'> & { main: string; args: readonly string[] })[] = [
  { name: 'api', main: 'api/main.js', args: [] },
  { name: 'worker-workflows', main: 'worker/main.js', args: ['--queues=workflows'] },
  { name: 'worker-io', main: 'worker/main.js', args: ['--queues=io,watch'] },
  { name: 'worker-train', main: 'worker/main.js', args: ['--queues=train'] },
]

const STORES = ['postgres', 'redis', 'temporal'] as const

/** Addresses of everything, once the ports are known. */
export interface Addresses {
  readonly postgresUrl: string
  readonly redisUrl: string
  readonly temporalAddress: string
  readonly temporalUi: string
}

function addresses(settings: Settings, port: Port): Addresses {
  const paths = statePaths(settings.stateDirectory)
  return {
    postgresUrl: settings.postgres.url ?? postgresUrl(port('postgres'), keptSecret(paths.postgresPassword)),
    redisUrl: settings.redis.url ?? `redis://:${keptSecret(paths.redisPassword)}@127.0.0.1:${port('redis')}`,
    temporalAddress: settings.temporal.address ?? `127.0.0.1:${port('temporal')}`,
    temporalUi:
      settings.temporal.address === undefined
        ? `http://127.0.0.1:${port('temporalUi')}`
        : settings.temporal.webUrl,
  }
}

/** The configuration that the processes of the stack read, with a process's own ports. */
function completed(
  settings: Settings,
  port: Port,
  ports: { api?: number; worker?: number; serving?: number },
): Config {
  const { postgresUrl, redisUrl, temporalAddress, temporalUi } = addresses(settings, port)
  return {
    ...settings,
    postgres: { ...settings.postgres, url: postgresUrl },
    redis: { url: redisUrl },
    temporal: { ...settings.temporal, address: temporalAddress, webUrl: temporalUi },
    api: { ...settings.api, port: ports.api ?? settings.api.port },
    worker: { ...settings.worker, port: ports.worker ?? 0 },
    serving: { ...settings.serving, port: ports.serving ?? settings.serving.port },
  }
}

/**
 * What `mlforge up` runs: the stores and Temporal unless they are external, the migrations, and our
 * own processes.
 *
 * @param only names of the parts to run; all of them by default
 */
export function standardPlan(settings: Settings, only?: readonly string[]): Plan {
  const { stateDirectory, cacheDirectory, embedded } = settings
  const paths = statePaths(stateDirectory)
  const cwd = dirname(stateDirectory)
  const build = buildHash()
  const parts: PlanPart[] = [
    settings.postgres.url === undefined
      ? postgresPart({
          stateDirectory,
          port: embedded.postgresPort,
          password: () => keptSecret(paths.postgresPassword),
        })
      : external('postgres', settings.postgres.url),
    settings.redis.url === undefined
      ? redisPart({
          stateDirectory,
          cacheDirectory,
          configured: embedded.redisPath,
          port: embedded.redisPort,
          password: () => keptSecret(paths.redisPassword),
        })
      : external('redis', settings.redis.url),
    settings.temporal.address === undefined
      ? temporalPart({
          stateDirectory,
          cacheDirectory,
          configured: embedded.temporalPath,
          offline: settings.offline,
          port: embedded.temporalPort,
          uiPort: embedded.temporalUiPort,
          namespace: settings.temporal.namespace,
          retentionDays: settings.temporal.retentionDays,
        })
      : external('temporal', settings.temporal.address),
    {
      kind: 'task',
      name: 'schema',
      needs: ['postgres'],
      // In a process of its own, so that the supervisor stays small.
      run: context =>
        context.runToEnd('migrate', {
          program: process.execPath,
          args: ['--enable-source-maps', join(distRoot, 'infra', 'launcher', 'prepare-database.js')],
          cwd,
          env: toEnvironment(completed(settings, postgresAlone(context, settings), {})),
        }),
    },
    ...NODE_PROCESSES.map(({ name, main, args }) => {
      const isApi = name === 'api'
      return nodePart({
        name,
        main: join(distRoot, main),
        args,
        needs: [...STORES, 'schema'],
        port: { name, configured: isApi ? settings.api.port : 0 },
        host: isApi ? reachable(settings.api.host) : '127.0.0.1',
        cwd,
        build: () => build,
        drainSeconds: settings.worker.drainSeconds,
        env: context =>
          toEnvironment(
            completed(
              settings,
              context.port,
              isApi ? { api: context.port(name) } : { worker: context.port(name) },
            ),
          ),
      })
    }),
    ...replicas(settings, only).map((name, index) =>
      nodePart({
        name,
        main: join(distRoot, 'serving/main.js'),
        args: [`--replica=${name}`],
        // Only at `up`, and of Postgres alone: the keeper starts a replica again whatever else is dead.
        needs: ['postgres', 'schema'],
        port: { name, configured: settings.serving.port === 0 ? 0 : settings.serving.port + index },
        host: reachable(settings.serving.host),
        cwd,
        build: () => build,
        // What is under way, then the log, and then some seconds to say goodbye.
        drainSeconds: settings.serving.deadlineSeconds + settings.serving.drainSeconds + 5,
        env: context =>
          toEnvironment(
            completed(settings, replicaNeeds(context, settings, only), { serving: context.port(name) }),
          ),
      }),
    ),
  ]
  const chosen = parts.filter(part => only === undefined || only.includes(part.name))
  const names = chosen.map(part => part.name)
  const portNames = chosen.flatMap(part => (part.kind === 'process' ? part.ports.map(port => port.name) : []))
  return {
    stateDirectory,
    parts: chosen,
    fingerprint: createHash('sha256')
      .update(JSON.stringify([settings, build, names]))
      .digest('hex')
      .slice(0, 16),
    endpoints: port => {
      const known = (name: string) => (portNames.includes(name) ? port(name) : 0)
      const { postgresUrl, redisUrl, temporalAddress, temporalUi } = addresses(settings, known)
      const has = (name: string, address: string) => (names.includes(name) ? address : null)
      return {
        api: has('api', `http://${reachable(settings.api.host)}:${known('api')}`),
        serving: has('serving-1', `http://${reachable(settings.serving.host)}:${known('serving-1')}`),
        temporalAddress: has('temporal', temporalAddress),
        temporalUi: has('temporal', temporalUi),
        namespace: settings.temporal.namespace,
        postgresUrl: has('postgres', postgresUrl),
        redisUrl: has('redis', redisUrl),
        objects: objectsAddress(settings),
        keyFile: paths.adminKey,
      }
    },
  }
}

/** A directory, or the bucket and what its keys begin with. */
function objectsAddress({ objects: { kind, directory, s3 } }: Settings): string {
  return kind === 's3' ? `s3://${s3.bucket}/${s3.prefix}` : directory
}

/** Names of the replicas: as many as are configured, or asked for by name. */
function replicas(settings: Settings, only: readonly string[] = []): string[] {
  const asked = only.map(name => Number(/^serving-([1-9]\d?)$/.exec(name)?.[1] ?? 0))
  return servingNames(Math.max(settings.serving.replicas, ...asked))
}

/** Names of the first `count` replicas of the data plane. */
export function servingNames(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `serving-${index + 1}`)
}

/** Migrations need Postgres alone: the other addresses may not be known, or change. */
function postgresAlone(context: PartContext, settings: Settings): Port {
  return name => (name === 'postgres' && settings.postgres.url === undefined ? context.port(name) : 1)
}

/** Replicas need Postgres, and hear of plans at once from a Redis that is started with them. */
function replicaNeeds(context: PartContext, settings: Settings, only?: readonly string[]): Port {
  const postgres = postgresAlone(context, settings)
  const hasRedis = settings.redis.url === undefined && (only?.includes('redis') ?? true)
  return name => (name === 'redis' && hasRedis ? context.port(name) : postgres(name))
}

function external(name: string, address: string): PlanPart {
  const shown = address.includes('://') ? new URL(address).host : address
  return { kind: 'external', name, needs: [], address: shown }
}

/** An address to connect to where a server listens on all of them. */
function reachable(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1'
  return host.includes(':') ? `[${host}]` : host
}

/** Hash of the code that our processes run, so that `up` after a build starts them again. */
function buildHash(): string {
  const hash = createHash('sha256')
  const rooms = ['domain', 'contracts', 'config', 'stores', 'inference', 'trainers', 'activities']
  const add = (path: string): void => {
    if (!existsSync(path)) return
    for (const entry of readdirSync(path, { withFileTypes: true }).sort((a, b) =>
      a.name < b.name ? -1 : 1,
    )) {
      const full = join(path, entry.name)
      if (entry.isDirectory()) add(full)
      else if (entry.name.endsWith('.js')) hash.update(full).update(readFileSync(full))
    }
  }
  for (const room of [...rooms, 'workflows', 'worker', 'api', 'serving', 'infra']) add(join(distRoot, room))
  return hash.digest('hex').slice(0, 16)
}
