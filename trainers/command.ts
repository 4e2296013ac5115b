import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { isMainThread } from 'node:worker_threads'
import { MlforgeError } from '../domain/errors.js'
import type { CommandEnd, CommandJob, CommandMessage } from './command-protocol.js'
import { outputLines } from './output-lines.js'
import { signalGroup } from './process-group.js'
import { CONTROL_FD, EVENT_FD } from './protocol.js'

export interface CommandOptions {
  /** Aborting it ends the command and all that it has started: SIGTERM, 10 s later SIGKILL. */
  readonly signal: AbortSignal
  /** Called for each line that it prints, at most 8,192 characters of it. */
  readonly onLine: (line: string) => void
}

const ENTRY = fileURLToPath(new URL('./child/command.js', import.meta.url))
const HEAP_MB = 32
const GRACE_MS = 10_000
/** A process that has left the group may hold the pipes of a command that is over: given up after so many looks. */
const DRAIN_LOOKS = 10
const DRAIN_LOOK_MS = 200
/** Of a program that is not there, may not be run, or cannot be called like this. */
const INVALID = ['ENOENT', 'EACCES', 'ENOTDIR', 'ENOEXEC', 'ELOOP', 'E2BIG', 'ERR_INVALID_ARG_VALUE']

/**
 * Runs a command in a process group that dies with this process, however that dies: a leader of our own
 * kills the group when the pipe to us ends. What the command leaves running ends with it. Only a process
 * that makes a session of its own (`setsid`) escapes.
 * @throws MlforgeError script_invalid for a command that cannot be started, script_failed where its leader
 * dies; the reason of `signal` when that aborts
 */
export async function runCommand(job: CommandJob, { signal, onLine }: CommandOptions): Promise<CommandEnd> {
  // The kernel's death signal follows the thread that forked, not the process.
  if (!isMainThread) throw new MlforgeError('internal', 'Commands must be started from the main thread.')
  signal.throwIfAborted()
  const leader = spawn(
    process.execPath,
    [`--max-old-space-size=${HEAP_MB}`, ENTRY, String(process.pid)],
    // The command gets its own environment and directory from the leader.
    { cwd: '/', detached: true, env: {}, stdio: ['pipe', 'pipe', 'pipe', 'pipe', 'pipe'] },
  )
  let patience: NodeJS.Timeout | undefined
  const stop = (): void => {
    signalGroup(leader, 'SIGTERM')
    patience = setTimeout(() => signalGroup(leader, 'SIGKILL'), GRACE_MS)
  }
  signal.addEventListener('abort', stop, { once: true })
  try {
    const message = await converse(leader, job, onLine)
    signal.throwIfAborted()
    return endOf(message, job.command[0]!)
  } finally {
    signal.removeEventListener('abort', stop)
    clearTimeout(patience)
    signalGroup(leader, 'SIGKILL')
    for (const pipe of leader.stdio) pipe?.destroy()
  }
}

/** What the leader says last; how it has ended, where it says nothing. */
async function converse(
  leader: ChildProcess,
  job: CommandJob,
  onLine: (line: string) => void,
): Promise<CommandMessage | string> {
  const exit = new Promise<string>(resolve => {
    leader.once('error', error => resolve(error.message))
    leader.once('exit', (code, signal) => {
      // What the command has started must not outlive it, nor hold its pipes open.
      signalGroup(leader, 'SIGKILL')
      resolve(signal ?? `exit code ${code}`)
    })
  })
  const closed = once(leader, 'close').catch(() => undefined)
  let said = ''
  const events = leader.stdio[EVENT_FD] as Readable
  events.setEncoding('utf8').on('data', (chunk: string) => void (said += chunk))
  outputLines(leader.stdout!, onLine)
  outputLines(leader.stderr!, onLine)
  // A leader that is already dead breaks these pipes; its exit says why.
  for (const pipe of [events, leader.stdin!, leader.stdio[CONTROL_FD] as Writable]) {
    pipe.on('error', () => undefined)
  }
  leader.stdin!.end(JSON.stringify(job))
  const how = await exit
  // Looks, since one time would be over where this process was held up meanwhile and has read nothing.
  let isClosed = false
  void closed.then(() => (isClosed = true))
  for (let look = 0; look < DRAIN_LOOKS && !isClosed; look++)
    await Promise.race([closed, wait(DRAIN_LOOK_MS)])
  return said.endsWith('\n') ? (JSON.parse(said) as CommandMessage) : how
}

function endOf(message: CommandMessage | string, program: string): CommandEnd {
  if (typeof message === 'string') {
    throw new MlforgeError(
      'script_failed',
      `The process that runs "${program}" was ended from outside (${message}).`,
      { reason: message },
    )
  }
  if (message.event === 'ended') return { code: message.code, signal: message.signal }
  const { code, message: why } = message
  throw new MlforgeError(
    INVALID.includes(code) ? 'script_invalid' : 'script_failed',
    `The command "${program}" cannot be started: ${code === 'ENOENT' ? 'there is no such program' : why}. Check its first word, and PATH in the step's environment.`,
    { reason: code },
  )
}
