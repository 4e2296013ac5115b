import { readSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'

const { fd } = workerData as { fd: number }
parentPort?.postMessage('reading')

/** True when the parent is gone: the pipe has ended, or cannot be read any more. */
function ended(): boolean {
  try {
    return readSync(fd, Buffer.alloc(1)) === 0
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'EINTR'
  }
}

while (!ended());
process.kill(-process.pid, 'SIGKILL')
