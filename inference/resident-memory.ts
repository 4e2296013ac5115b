import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const CHILD = fileURLToPath(new URL('./memory-child.js', import.meta.url))
const DEADLINE_MS = 60_000

/**
 * Bytes that an ONNX model keeps resident once it is loaded and has scored 256 rows, measured in a process of
 * its own; null where it does not load, or not within a minute.
 */
export async function residentBytes(
  file: string,
  columns: number,
  signal: AbortSignal,
): Promise<number | null> {
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [CHILD, file, String(columns)], {
      env: {},
      timeout: DEADLINE_MS,
      killSignal: 'SIGKILL',
      signal,
    })
    return Number(stdout)
  } catch {
    signal.throwIfAborted()
    return null
  }
}
