import { spawn, type ChildProcess } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { isMainThread } from 'node:worker_threads'
import { isErrorCode, MlforgeError } from '../domain/errors.js'
import { parseMessage } from './messages.js'
import { signalGroup } from './process-group.js'
import { CONTROL_FD, EVENT_FD, type Job, type JobEvent, type ResultOf } from './protocol.js'

export interface RunOptions {
  /** Called for each event, in order, while the child goes on. It must not throw. */
  readonly onEvent?: (event: JobEvent) => void
  /** Aborting it kills the child and all its children. */
  readonly signal?: AbortSignal
  /** Aborting it lets a training write a checkpoint and end; one that does not do so soon is killed. */
  readonly stop?: AbortSignal
  /** Working directory of the child: a directory that the caller removes afterwards. */
  readonly scratch: string
}

const ENTRY = fileURLToPath(new URL('./child/main.js', import.meta.url))

/** Bound of the JavaScript heap in MB. Rows and models sit in native memory; an export parses the model. */
const HEAP_MB = { train: 256, evaluate: 256, export: 1024, score: 256 } as const

/** OpenMP threads that wait must not burn a core. The child gets no secrets: its environment is this. */
const ENVIRONMENT = { OMP_WAIT_POLICY: 'passive', LANG: 'C.UTF-8' }

const STDERR_LINES = 20

/** How long a training may take for its last round and the checkpoint of it. */
const STOP_MS = 3_000

/**
 * Runs a job in a child process, the leader of a group of its own that dies with this process:
 * a crash of the engine costs one attempt, and a kill is a cancel.
 * @throws MlforgeError trainer_crashed when the child dies without a word, cancelled when `signal`
 *   aborts, else the code that the child gives
 */
export async function runJob<J extends Job>(job: J, options: RunOptions): Promise<ResultOf[J['kind']]> {
  // The kernel's death signal follows the thread that forked, not the process.
  if (!isMainThread) throw new MlforgeError('internal', 'Jobs must be started from the main thread.')
  if (options.signal?.aborted === true || options.stop?.aborted === true) throw cancelled(job)
  const child = spawn(
    process.execPath,
    [`--max-old-space-size=${HEAP_MB[job.kind]}`, '--enable-source-maps', ENTRY, String(process.pid)],
    {
      cwd: options.scratch,
      detached: true,
      env: ENVIRONMENT,
      stdio: ['pipe', 'ignore', 'pipe', 'pipe', 'pipe'],
    },
  )
  const kill = (): void => signalGroup(child, 'SIGKILL')
  const control = child.stdio[CONTROL_FD] as Writable
  let patience: NodeJS.Timeout | undefined
  const stop = (): void => {
    control.write('s')
    patience = setTimeout(kill, STOP_MS)
  }
  options.signal?.addEventListener('abort', kill, { once: true })
  options.stop?.addEventListener('abort', stop, { once: true })
  try {
    return await converse(child, job, options)
  } finally {
    options.signal?.removeEventListener('abort', kill)
    options.stop?.removeEventListener('abort', stop)
    clearTimeout(patience)
    signalGroup(child, 'SIGKILL')
    control.destroy()
  }
}

async function converse<J extends Job>(
  child: ChildProcess,
  job: J,
  options: RunOptions,
): Promise<ResultOf[J['kind']]> {
  const exit = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve, reject) => {
    child.once('error', error => {
      reject(
        new MlforgeError(
          'trainer_crashed',
          `The ${job.kind} process could not be started in ${options.scratch}: ${error.message}.`,
        ),
      )
    })
    // What the child has started must not hold its pipes open.
    child.once('exit', () => signalGroup(child, 'SIGKILL'))
    child.once('close', (code, signal) => resolve({ code, signal }))
  })
  const errors = lastLines(child.stderr!)
  let result: ResultOf[J['kind']] | undefined
  let failure: MlforgeError | undefined
  createInterface({ input: child.stdio[EVENT_FD] as Readable }).on('line', line => {
    const message = parseMessage(line)
    if (message === undefined) {
      failure ??= new MlforgeError(
        'trainer_crashed',
        `The trainer sent a malformed event: ${line.slice(0, 200)}`,
      )
    } else if (message.event === 'result') {
      result = message.result as ResultOf[J['kind']]
    } else if (message.event === 'error') {
      const code = isErrorCode(message.code) ? message.code : 'trainer_crashed'
      failure ??= new MlforgeError(code, message.message, message.details)
    } else {
      options.onEvent?.(message)
    }
  })
  // A child that is already dead breaks these pipes; its exit says why.
  child.stdin!.on('error', () => undefined)
  ;(child.stdio[CONTROL_FD] as Writable).on('error', () => undefined)
  child.stdin!.end(JSON.stringify(job))

  const { code, signal } = await exit
  if (options.signal?.aborted === true) throw cancelled(job)
  if (failure !== undefined) throw failure
  if (result === undefined || code !== 0) {
    const how = signal === null ? `exit code ${code}` : signal
    throw new MlforgeError(
      'trainer_crashed',
      `The ${job.kind} process ended with ${how} before its result.`,
      {
        kind: job.kind,
        exitCode: code,
        signal,
        stderr: errors,
      },
    )
  }
  return result
}

function cancelled(job: Job): MlforgeError {
  return new MlforgeError('cancelled', `The ${job.kind} process was stopped on request.`)
}

/** Collects the last lines of a stream; the array grows as they come. */
function lastLines(stream: Readable): readonly string[] {
  const lines: string[] = []
  createInterface({ input: stream }).on('line', line => {
    lines.push(line)
    if (lines.length > STDERR_LINES) lines.shift()
  })
  return lines
}
