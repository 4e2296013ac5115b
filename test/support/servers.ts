import { execFile } from 'node:child_process'
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import pg from 'pg'
import { migrate } from '../../stores/postgres/migrate.js'

const CLI = fileURLToPath(new URL('../../cli/main.js', import.meta.url))

/** Runs an `mlforge` command on the stack of a state directory. */
export async function mlforge(stateDirectory: string, args: readonly string[]): Promise<string> {
  const env = { ...process.env, MLFORGE_STATE_DIRECTORY: stateDirectory }
  const { stdout } = await promisify(execFile)(process.execPath, [CLI, ...args], { env, timeout: 240_000 })
  return stdout
}

export interface Servers {
  readonly stateDirectory: string
  readonly postgresUrl: string
  readonly redisUrl: string
  readonly temporalAddress: string
}

export const TEMPLATE = 'mlforge_template'

/** Real Postgres, Redis and Temporal, and a migrated database to clone, in a directory of their own. */
export async function startServers(): Promise<Servers> {
  // Not below the system's temporary directory, which is often private to one user: Postgres may run as another.
  const stateDirectory = await mkdtemp('/var/tmp/mlforge-test-')
  await chmod(stateDirectory, 0o755)
  try {
    await mlforge(stateDirectory, ['up', '--parts', 'postgres,redis,temporal'])
    const text = await readFile(join(stateDirectory, 'endpoints.json'), 'utf8')
    const servers = { ...(JSON.parse(text) as Servers), stateDirectory }
    await sql(servers.postgresUrl, `CREATE DATABASE ${TEMPLATE}`)
    await migrate(withDatabase(servers.postgresUrl, TEMPLATE))
    return servers
  } catch (error) {
    await stopServers(stateDirectory)
    throw error
  }
}

export async function stopServers(stateDirectory: string): Promise<void> {
  await mlforge(stateDirectory, ['clean'])
  await rm(stateDirectory, { recursive: true, force: true })
}

export function withDatabase(url: string, database: string): string {
  const changed = new URL(url)
  changed.pathname = `/${database}`
  return changed.toString()
}

export async function sql(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}
