import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { promisify } from 'node:util'
import { freePort } from '../../test/support/ports.js'
import { signalGroup } from '../../trainers/process-group.js'
import { virtualenv } from '../virtualenv.js'
import { type Notes, scriptOf, STEP_SECONDS } from './three-steps.js'

const REQUIREMENTS = ['prefect==3.9.1']
const SCRIPT = scriptOf('prefect')
const DEPLOYMENT = 'three-steps/bench'
/** Seconds; the least that Prefect takes. */
export const HEARTBEAT_SECONDS = 30
const UP_MS = 120_000
const ANSWER_MS = 10_000

/** A server of Prefect with its database in a directory, and a runner that serves the three steps. */
export class Prefect {
  #runner: ChildProcess | undefined
  #automated: Promise<unknown> | undefined

  private constructor(
    private readonly python: string,
    private readonly api: string,
    private readonly env: NodeJS.ProcessEnv,
    private readonly server: ChildProcess,
  ) {}

  /** Starts both. Whatever comes of it, they have ended when this returns. */
  static async with<T>(directory: string, measure: (prefect: Prefect) => Promise<T>): Promise<T> {
    const python = await virtualenv('prefect', REQUIREMENTS)
    const port = await freePort()
    const api = `http://127.0.0.1:${port}/api`
    const env = {
      ...process.env,
      DO_NOT_TRACK: '1',
      NO_COLOR: '1',
      PREFECT_API_URL: api,
      PREFECT_FLOWS_HEARTBEAT_FREQUENCY: String(HEARTBEAT_SECONDS),
      PREFECT_HOME: join(directory, 'prefect'),
      PREFECT_SERVER_ANALYTICS_ENABLED: 'false',
      PREFECT_SERVER_API_HOST: '127.0.0.1',
      PREFECT_SERVER_API_PORT: String(port),
      PREFECT_SERVER_UI_ENABLED: 'false',
      PYTHONDONTWRITEBYTECODE: '1',
    }
    const server = await started(python, ['-m', 'prefect', 'server', 'start'], env)
    const prefect = new Prefect(python, api, env, server)
    try {
      await prefect.#untilThere('/health')
      await prefect.serve()
      await prefect.#untilThere(`/deployments/name/${DEPLOYMENT}`)
      return await measure(prefect)
    } finally {
      await end(prefect.#runner)
      await end(server)
    }
  }

  /** Starts the runner, as a service manager does that finds it gone. */
  async serve(): Promise<void> {
    this.#runner = await started(this.python, [SCRIPT, 'serve'], this.env)
  }

  /** The runner and what it runs. */
  killRunner(): void {
    signalGroup(this.#runner!, 'SIGKILL')
  }

  /** From now on runs without heartbeats are crashed, and crashed runs are scheduled again. */
  automate(): Promise<unknown> {
    return (this.#automated ??= promisify(execFile)(this.python, [SCRIPT, 'automate'], { env: this.env }))
  }

  /** @returns the id of the run */
  async start(notes: Notes): Promise<string> {
    const parameters = JSON.stringify({ notes: notes.file, seconds: STEP_SECONDS })
    const output = await this.#say('deployment', 'run', DEPLOYMENT, '--params', parameters)
    return /UUID: (\S+)/.exec(output)![1]!
  }

  retry(run: string): Promise<string> {
    return this.#say('flow-run', 'retry', run)
  }

  async stateOf(run: string): Promise<string> {
    const answer = await this.#ask(`/flow_runs/${run}`)
    return ((await answer.json()) as { state_type: string }).state_type
  }

  /** What a person says of a run that Prefect takes for one that runs. */
  async markCrashed(run: string): Promise<void> {
    const body = JSON.stringify({ state: { type: 'CRASHED' }, force: true })
    const headers = { 'content-type': 'application/json' }
    await this.#ask(`/flow_runs/${run}/set_state`, { method: 'POST', headers, body })
  }

  async #say(...args: string[]): Promise<string> {
    const command = promisify(execFile)(this.python, ['-m', 'prefect', ...args], { env: this.env })
    return (await command).stdout
  }

  async #ask(path: string, request: RequestInit = {}): Promise<Response> {
    const answer = await fetch(this.api + path, { ...request, signal: AbortSignal.timeout(ANSWER_MS) })
    if (!answer.ok) throw new Error(`Prefect answers ${answer.status} to ${path}.`)
    return answer
  }

  async #untilThere(path: string): Promise<void> {
    for (const stop = Date.now() + UP_MS; ; await wait(200)) {
      try {
        await this.#ask(path)
        return
      } catch (error) {
        const ended = [this.server, this.#runner].find(child => child && child.exitCode !== null)
        if (ended !== undefined || Date.now() > stop) throw error
      }
    }
  }
}

async function started(python: string, args: string[], env: NodeJS.ProcessEnv): Promise<ChildProcess> {
  const child = spawn(python, args, { env, detached: true, stdio: 'ignore' })
  await once(child, 'spawn')
  return child
}

async function end(child: ChildProcess | undefined): Promise<void> {
  if (child === undefined) return
  const ended = child.exitCode !== null || child.signalCode !== null || once(child, 'exit')
  signalGroup(child, 'SIGKILL')
  await ended
}
