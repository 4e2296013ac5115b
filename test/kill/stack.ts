import 'reflect-metadata'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { chmod, cp, mkdtemp, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import type { Config } from '../../config/config.js'
import { loadConfig } from '../../config/load.js'
import type { CheckReport } from '../../domain/check/report.js'
import { checkStack } from '../../infra/launcher/check.js'
import { identify, isAlive, type ProcessIdentity, until } from '../../infra/launcher/proc.js'
import { servingNames } from '../../infra/launcher/stack.js'
import { readState } from '../../infra/launcher/state.js'
import { up } from '../../infra/launcher/up.js'
import { mlforge } from '../support/servers.js'
import { PatientClient } from './client.js'
import { Gates } from './gates.js'
import { killPlan, type Environment } from './plan.js'
import type { Victim } from './points.js'

const SUPERVISOR = fileURLToPath(new URL('./supervisor.js', import.meta.url))
const START_MS = 180_000
const READY_MS = 60_000
const WARNINGS = 10
const ENDING_MS = 30_000

/** Short times, so that a kill costs seconds; everything else is what a user gets. */
const SETTINGS = {
  MLFORGE_WORKER_HEARTBEAT_TIMEOUT_SECONDS: '3',
  MLFORGE_WORKER_DRAIN_SECONDS: '1',
  MLFORGE_RETRIES_INTERVAL_SECONDS: '5',
  MLFORGE_RETRIES_DELAY_SECONDS: '1',
  MLFORGE_RECONCILE_INTERVAL_SECONDS: '15',
}

export type Query = <T>(text: string, values: readonly unknown[]) => Promise<T[]>

interface Endpoints {
  readonly api: string
  readonly serving: string
  readonly redisUrl: string
  readonly temporalAddress: string
  readonly postgresUrl: string
  readonly objects: string
  readonly keyFile: string
}

/** A whole stack in a directory of its own, whose processes are there to be killed. */
export class KillStack {
  private static readonly all = new Set<KillStack>()
  readonly gates: Gates
  /** Pids of those that were killed on purpose. */
  readonly killed = new Set<number>()
  private replicas = 1
  private stopping: Promise<void> | undefined

  private constructor(
    private readonly directory: string,
    private readonly env: Environment,
    readonly stateDirectory: string,
  ) {
    this.gates = new Gates(stateDirectory)
  }

  /** @param more settings beside those of all stacks that are killed */
  static async start(more: Environment = {}): Promise<KillStack> {
    // Not below the system's temporary directory, which is often private to one user: Postgres may run as another.
    const directory = await mkdtemp('/var/tmp/mlforge-kill-')
    await chmod(directory, 0o755)
    const stateDirectory = join(directory, 'state')
    const inherited = Object.entries(process.env).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value] as const],
    )
    const env = {
      ...Object.fromEntries(inherited),
      ...SETTINGS,
      ...more,
      MLFORGE_STATE_DIRECTORY: stateDirectory,
    }
    const stack = new KillStack(directory, env, stateDirectory)
    KillStack.all.add(stack)
    try {
      await stack.up()
      return stack
    } catch (error) {
      await stack.stop()
      throw error
    }
  }

  /**
   * What a service manager does when the supervisor is gone, and at the beginning.
   * @param only names of the parts that are to run; all of them by default
   */
  async up(only = this.parts()): Promise<void> {
    const plan = killPlan(this.env, this.directory, only)
    await up({
      stateDirectory: this.stateDirectory,
      supervisor: [
        process.execPath,
        '--enable-source-maps',
        SUPERVISOR,
        JSON.stringify({ env: this.env, cwd: this.directory, only }),
      ],
      fingerprint: plan.fingerprint,
      progress: () => undefined,
      deadlineMs: START_MS,
    })
  }

  /** `mlforge up --serving n` on a stack that runs: so many replicas, and everything else goes on. */
  async scale(replicas: number): Promise<void> {
    if (replicas === this.replicas) return
    this.replicas = replicas
    await this.up()
    await this.settled()
  }

  /** Names of all parts that run. */
  parts(): string[] {
    const others = killPlan(this.env, this.directory).parts.map(({ name }) => name)
    return [...others.filter(name => !name.startsWith('serving-')), ...servingNames(this.replicas)]
  }

  /** Stops whatever this process has started, also what is only being started. */
  static async stopAll(): Promise<void> {
    await Promise.all([...KillStack.all].map(stack => stack.stop()))
  }

  stop(): Promise<void> {
    return (this.stopping ??= this.remove())
  }

  private async remove(): Promise<void> {
    await mlforge(this.stateDirectory, ['clean'])
    await rm(this.directory, { recursive: true, force: true })
    KillStack.all.delete(this)
  }

  /** Keeps the logs, which are removed with the stack. */
  async saveLogs(directory: string): Promise<void> {
    await cp(join(this.stateDirectory, 'logs'), directory, { recursive: true })
  }

  /** The last lines of each log that are no mere information. */
  warnings(): string[] {
    const directory = join(this.stateDirectory, 'logs')
    return readdirSync(directory).flatMap(name =>
      readFileSync(join(directory, name), 'utf8')
        .split('\n')
        .filter(line => /"level":[456]0|WARN|ERROR/.test(line))
        .slice(-WARNINGS)
        .map(line => `${name}: ${line}`),
    )
  }

  endpoints(): Endpoints {
    return JSON.parse(readFileSync(join(this.stateDirectory, 'endpoints.json'), 'utf8')) as Endpoints
  }

  async client(): Promise<PatientClient> {
    return new PatientClient(this.endpoints().api, await this.key())
  }

  /** A client of the first replica. */
  async servingClient(): Promise<PatientClient> {
    return new PatientClient(this.endpoints().serving, await this.key())
  }

  private async key(): Promise<string> {
    return (await readFile(this.endpoints().keyFile, 'utf8')).trim()
  }

  /** The recorded processes by name, to see which of them are still the same. */
  processes(): Record<string, ProcessIdentity> {
    return readState(this.stateDirectory).children
  }

  /** Those of them that are well: a supervisor stops and starts what it finds in any other state. */
  wellProcesses(): Record<string, ProcessIdentity> {
    const { parts, children } = readState(this.stateDirectory)
    return Object.fromEntries(Object.entries(children).filter(([name]) => parts[name]?.state === 'ready'))
  }

  /** Who is to be killed, or undefined while there is no such process. */
  find(victim: Victim): ProcessIdentity | undefined {
    if (victim === 'trainer') return this.trainer()
    const state = readState(this.stateDirectory)
    const found = victim === 'supervisor' ? state.supervisor : state.children[victim]
    return found && isAlive(found) ? found : undefined
  }

  /** All parts ready: what was killed has been started again. */
  async settled(): Promise<void> {
    const isReady = () => {
      const { phase, parts, children } = readState(this.stateDirectory)
      return (
        phase === 'ready' &&
        Object.values(parts).every(({ state }) => state === 'ready' || state === 'done') &&
        Object.values(children).every(isAlive)
      )
    }
    // Who was killed a moment ago may still be there.
    const answers = () =>
      this.query('SELECT 1').then(
        () => true,
        () => false,
      )
    if (await until(async () => isReady() && (await answers()), READY_MS, 50)) return
    const parts = Object.entries(readState(this.stateDirectory).parts)
    throw new Error(
      `The stack is not well again: ${parts.map(([name, { state }]) => `${name} ${state}`).join(', ')}`,
    )
  }

  /**
   * What `mlforge check --json --deep` prints, whatever it finds. A run whose row has ended may have the last task of
   * its workflow to do still: where its worker was killed, when that was noticed.
   */
  async check(): Promise<CheckReport> {
    let report: CheckReport | undefined
    const isOver = async () => {
      report = await this.checkOnce()
      return !report.problems.some(({ code }) => code === 'run_ended_workflow_open')
    }
    await until(isOver, ENDING_MS, 500)
    return report!
  }

  private async checkOnce(): Promise<CheckReport> {
    const report = await checkStack(this.config(), { deep: true })
    if (report.unreachable.length === 0) return report
    throw new Error(`check did not reach ${report.unreachable.map(({ part }) => part).join(', ')}`)
  }

  /** The configuration of what works beside it. */
  config(): Config {
    const { postgresUrl, redisUrl, temporalAddress } = this.endpoints()
    const env = {
      ...this.env,
      MLFORGE_POSTGRES_URL: postgresUrl,
      MLFORGE_REDIS_URL: redisUrl,
      MLFORGE_TEMPORAL_ADDRESS: temporalAddress,
    }
    return loadConfig({ env, cwd: this.directory, embedded: true })
  }

  /** Calls with one connection, so that a look each few milliseconds costs no more than that. */
  async connected<T>(work: (query: Query) => Promise<T>): Promise<T> {
    const client = new pg.Client({ connectionString: this.endpoints().postgresUrl })
    // A server that is killed ends its connections; the query under way says so itself.
    client.on('error', () => undefined)
    await client.connect()
    try {
      return await work(async (text, values) => (await client.query(text, [...values])).rows as never)
    } finally {
      await client.end().catch(() => undefined)
    }
  }

  query<T>(text: string, values: readonly unknown[] = []): Promise<T[]> {
    return this.connected(query => query<T>(text, values))
  }

  /** Bytes of uploads that are being received: files which no reader can see yet. */
  bytesInFlight(): number {
    const directory = join(this.endpoints().objects, '.tmp')
    if (!existsSync(directory)) return 0
    return readdirSync(directory).reduce(
      (sum, name) => sum + (statSync(join(directory, name), { throwIfNoEntry: false })?.size ?? 0),
      0,
    )
  }

  /** Where a replica keeps its plans, its models and what of its log was not sent yet. */
  replicaDirectory(replica: string): string {
    return join(this.stateDirectory, 'serving', replica)
  }

  /** The child process of a training: the newest child of worker-train that runs the trainers' main. */
  private trainer(): ProcessIdentity | undefined {
    const worker = readState(this.stateDirectory).children['worker-train']
    if (worker === undefined) return undefined
    // Of the main thread alone: the worker starts them there, since they die with it.
    const children = readProc(worker.pid, `task/${worker.pid}/children`).trim().split(' ').filter(Boolean)
    const newest = children.findLast(pid => commandOf(Number(pid)).includes('trainers/child'))
    return newest === undefined ? undefined : identify(Number(newest))
  }
}

const commandOf = (pid: number): string => readProc(pid, 'cmdline')

function readProc(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8')
  } catch {
    return ''
  }
}
