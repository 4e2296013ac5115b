import { readSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'

const { fd, stop } = workerData as { fd: number; stop: Int32Array }
parentPort?.postMessage('reading')

/** True when the parent is gone: the pipe has ended, or cannot be read any more. A byte asks to stop. */
function ended(): boolean {
  try {
    if (readSync(fd, Buffer.alloc(1)) === 0) return true
    Atomics.store(stop, 0, 1)
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'EINTR'
  }
}

while (!ended());
process.kill(-process.pid, 'SIGKILL')
