import { spawn, type ChildProcess } from 'node:child_process'
import { createHash } from 'node:crypto'
import { closeSync } from 'node:fs'
import { once } from 'node:events'
import type { Writable } from 'node:stream'
import { MlforgeError } from '../../domain/errors.js'
import { openLog, tail } from './logs.js'
import { statePaths } from './paths.js'
import type { Command } from './plan.js'
import { MARKER, identify, isAlive, stopGroup, until } from './proc.js'
import type { ChildRecord, StateFile } from './state.js'

export interface ChildTraits {
  readonly order: number
  readonly stopSignal: NodeJS.Signals
  readonly stopDeadlineMs: number
  readonly port?: number
}

// The child waits at this gate until its supervisor has recorded it. When the supervisor dies before,
// the pipe ends, and the child with it: no process runs that the state file does not name.
const GATE = 'read go <&3 && exec 3<&- && exec "$@"'

/** Changes whenever the process would be started in another way. */
export function fingerprintOf(command: Command): string {
  return createHash('sha256').update(JSON.stringify(command)).digest('hex').slice(0, 16)
}

/** Starts, records and stops the processes of one stack. */
export class Children {
  constructor(
    private readonly stateDirectory: string,
    private readonly file: StateFile,
  ) {}

  /** Starts a process as leader of its own group, recorded before it runs. */
  async start(name: string, logName: string, command: Command, traits: ChildTraits): Promise<ChildRecord> {
    return (await this.#spawn(name, logName, command, traits)).record
  }

  /** Runs a recorded process to its end. */
  async runToEnd(
    name: string,
    logName: string,
    command: Command,
    order: number,
    timeoutMs: number,
  ): Promise<void> {
    await this.stop(name)
    const traits = { order, stopSignal: 'SIGTERM' as const, stopDeadlineMs: 5000 }
    const { child, record } = await this.#spawn(name, logName, command, traits)
    const ended = await until(() => !isAlive(record), timeoutMs, 10)
    await this.stop(name)
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    if (ended && child.exitCode === 0) return
    const how = ended ? `ended with ${child.exitCode ?? child.signalCode}` : `took over ${timeoutMs / 1000} s`
    const lines = tail(statePaths(this.stateDirectory).log(logName), 6)
    throw new MlforgeError('unavailable', `${name} ${how}. Last lines of its log:\n${lines}`)
  }

  /** Stops what is recorded under this name, if it is still that process, and forgets it. */
  async stop(name: string): Promise<'gone' | 'stopped' | 'killed'> {
    const record = this.file.state.children[name]
    if (record === undefined) return 'gone'
    const how = await stopGroup(record, this.stateDirectory, record.stopSignal, record.stopDeadlineMs)
    this.file.setChild(name, undefined)
    return how
  }

  async #spawn(
    name: string,
    logName: string,
    command: Command,
    traits: ChildTraits,
  ): Promise<{ child: ChildProcess; record: ChildRecord }> {
    const log = openLog(statePaths(this.stateDirectory).log(logName))
    const inherited = Object.entries(process.env).filter(([key]) => !key.startsWith('MLFORGE_'))
    const child = spawn('/bin/sh', ['-c', GATE, 'sh', command.program, ...command.args], {
      detached: true,
      stdio: ['ignore', log, log, 'pipe'],
      env: { ...Object.fromEntries(inherited), [MARKER]: this.stateDirectory, ...command.env },
      ...(command.cwd === undefined ? {} : { cwd: command.cwd }),
      ...(command.uid === undefined ? {} : { uid: command.uid }),
      ...(command.gid === undefined ? {} : { gid: command.gid }),
    })
    closeSync(log)
    const [outcome] = (await Promise.race([once(child, 'spawn'), once(child, 'error')])) as [
      Error | undefined,
    ]
    const identity = child.pid === undefined ? undefined : identify(child.pid)
    if (outcome !== undefined || identity === undefined) {
      throw new MlforgeError(
        'unavailable',
        `${name} could not be started: ${outcome?.message ?? 'it ended at once'}`,
      )
    }
    const startedAt = new Date().toISOString()
    const record = { ...identity, ...traits, fingerprint: fingerprintOf(command), startedAt }
    this.file.setChild(name, record)
    const gate = child.stdio[3] as Writable
    gate.on('error', () => undefined)
    gate.end('\n')
    child.unref()
    return { child, record }
  }
}
