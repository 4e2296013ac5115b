import { spawn, type ChildProcess } from 'node:child_process'
import { closeSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { MlforgeError } from '../../domain/errors.js'
import { stopSupervisor } from './down.js'
import { openLog, rotate, tail } from './logs.js'
import { statePaths } from './paths.js'
import { isAlive } from './proc.js'
import { readState, type StackState } from './state.js'
import { LOCKED_EXIT } from './supervisor.js'

export interface UpOptions {
  readonly stateDirectory: string
  /** Program and arguments of the supervisor. */
  readonly supervisor: readonly [string, ...string[]]
  /** That of the supervisor's plan. */
  readonly fingerprint: string
  readonly progress: (line: string) => void
  readonly deadlineMs: number
  /** Aborting it ends the wait, and a supervisor that was just started; `down` stops what that one has begun. */
  readonly signal?: AbortSignal
}

/**
 * Makes the stack run, and returns when all of it is ready. Running it twice, or at once, ends in one
 * stack; one that runs with another configuration or other code is taken over part by part.
 *
 * @throws unavailable with the log lines of the part that did not start
 */
export async function up(options: UpOptions): Promise<void> {
  const { stateDirectory, fingerprint } = options
  const before = readState(stateDirectory)
  const failed =
    before.phase === 'failed' || Object.values(before.parts).some(part => part.state === 'failed')
  if (failed || before.supervisor?.fingerprint !== fingerprint) await stopSupervisor(stateDirectory)

  const log = statePaths(stateDirectory).log('supervisor')
  const end = Date.now() + options.deadlineMs
  const report = progressOf(options.progress)
  let own: ChildProcess | undefined
  while (Date.now() < end) {
    if (options.signal?.aborted === true) own?.kill()
    options.signal?.throwIfAborted()
    const state = readState(stateDirectory)
    if (state.supervisor !== undefined && isAlive(state.supervisor)) {
      report(state)
      if (state.phase === 'ready') return
      if (state.phase === 'failed') {
        throw new MlforgeError('unavailable', `The stack did not start. ${state.message ?? ''}`.trimEnd())
      }
    } else if (own === undefined || own.exitCode === LOCKED_EXIT || own.signalCode === 'SIGKILL') {
      // Somebody has killed the one that was started: nothing is wrong with what it does.
      own = await startSupervisor(options.supervisor, log)
    } else if (own.exitCode !== null || own.signalCode !== null) {
      throw new MlforgeError('unavailable', `The supervisor ended. Last lines of ${log}:\n${tail(log)}`)
    }
    await delay(own?.exitCode === LOCKED_EXIT ? 250 : 50)
  }
  const waiting = Object.entries(readState(stateDirectory).parts)
    .filter(([, part]) => part.state !== 'ready' && part.state !== 'done')
    .map(([name, part]) => `${name} (${part.state})`)
  throw new MlforgeError(
    'unavailable',
    `The stack was not ready within ${options.deadlineMs / 1000} s: ${waiting.join(', ')}. ` +
      `See ${stateDirectory}/logs; mlforge down stops what runs.`,
  )
}

async function startSupervisor(
  [program, ...args]: UpOptions['supervisor'],
  log: string,
): Promise<ChildProcess> {
  rotate(log)
  const file = openLog(log)
  const child = spawn(program, args, { detached: true, stdio: ['ignore', file, file] })
  closeSync(file)
  child.unref()
  return new Promise((resolve, reject) => {
    child.once('spawn', () => resolve(child))
    child.once('error', reject)
  })
}

/** Prints each part once per change of its state. */
function progressOf(print: (line: string) => void): (state: StackState) => void {
  const seen = new Map<string, string>()
  return ({ parts, children }) => {
    for (const [name, { state, message }] of Object.entries(parts)) {
      const text = [state, message?.split('\n')[0]].filter(Boolean).join(': ')
      if (state === 'waiting' || seen.get(name) === text) continue
      seen.set(name, text)
      const port = state === 'ready' ? children[name]?.port : undefined
      print(`${name}: ${text}${port === undefined ? '' : ` on port ${port}`}`)
    }
  }
}
