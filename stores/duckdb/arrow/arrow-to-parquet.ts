import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { arrowMalformed } from '../../../domain/datasets/arrow-check.js'
import { isErrorCode, MlforgeError } from '../../../domain/errors.js'
import type { ArrowMessage } from './protocol.js'

const CHILD = fileURLToPath(new URL('./child.js', import.meta.url))
const HEAP_MB = 256
/** A record batch, the dictionaries, the heap, and DuckDB, which takes more than it is told to for 1,000 columns. */
const MEMORY_MB = 3_072
/** It says each second that it is alive: one that does not hangs. */
const SILENCE_MS = 60_000

export interface ArrowOptions {
  readonly signal?: AbortSignal | undefined
  /** So long it may say nothing. */
  readonly silenceMs?: number
}

type End = { readonly code: number | null; readonly signal: NodeJS.Signals | null }

/**
 * Makes a Parquet file, below `directory`, of a file or stream of Arrow IPC: the same columns and rows. Reading is
 * left to a process of its own with bounds of memory and time, since a wrong byte may have any effect on it.
 * @throws MlforgeError arrow_malformed, arrow_batch_too_large, duplicate_columns, format_unsupported, type_unsupported
 */
export async function arrowToParquet(
  file: string,
  directory: string,
  { signal, silenceMs = SILENCE_MS }: ArrowOptions = {},
): Promise<string> {
  signal?.throwIfAborted()
  const outFile = join(directory, 'arrow.parquet')
  const child = spawn(
    process.execPath,
    [
      `--max-old-space-size=${HEAP_MB}`,
      CHILD,
      ...[file, outFile, directory, String(process.pid), String(MEMORY_MB)],
    ],
    { env: {}, stdio: ['ignore', 'pipe', 'ignore'] },
  )
  const kill = (): void => void child.kill('SIGKILL')
  signal?.addEventListener('abort', kill, { once: true })
  try {
    await converse(child, silenceMs)
    return outFile
  } catch (error) {
    signal?.throwIfAborted()
    throw error
  } finally {
    signal?.removeEventListener('abort', kill)
    kill()
  }
}

async function converse(child: ChildProcess, silenceMs: number): Promise<void> {
  let isSilent = false
  const watchdog = setTimeout(() => {
    isSilent = true
    child.kill('SIGKILL')
  }, silenceMs)
  const ended = new Promise<End>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve({ code, signal }))
  })
  let said: ArrowMessage | undefined
  createInterface({ input: child.stdout! }).on('line', line => {
    watchdog.refresh()
    said = JSON.parse(line) as ArrowMessage
  })
  try {
    const end = await ended
    if (isSilent) throw arrowMalformed(`reading it has hung for ${silenceMs / 1000} seconds`)
    judge(said, end)
  } finally {
    clearTimeout(watchdog)
  }
}

function judge(said: ArrowMessage | undefined, { code, signal }: End): void {
  if (said?.event === 'done' && code === 0) return
  if (said?.event === 'refused' && isErrorCode(said.code)) {
    throw new MlforgeError(said.code, said.message, said.details)
  }
  if (said?.event === 'failed') throw new Error(`Reading Arrow has failed: ${said.message}`)
  // Neither we nor a bound of memory ends it so: the machine or somebody has.
  if (signal === 'SIGKILL' || signal === 'SIGTERM') {
    throw new Error(`The process that reads Arrow was ended from outside (${signal}).`)
  }
  throw arrowMalformed(
    `reading it takes more than ${MEMORY_MB} MiB of memory, or ends the process (${signal ?? `exit code ${code}`})`,
  )
}
