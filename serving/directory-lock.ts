import { createHash } from 'node:crypto'
import { createServer, type Server } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { MlforgeError } from '../domain/errors.js'

const RETRY_MS = 100

/**
 * Lets one process at a time work in a replica's directory. The lock is a socket name that only the kernel
 * knows (unix(7), abstract sockets): it is free the moment its holder dies, however that happens.
 * @throws MlforgeError wrong_state when another process still holds it after the deadline
 */
export async function lockDirectory(directory: string, deadlineMs: number): Promise<Server> {
  const name = `\0mlforge-serving-${createHash('sha256').update(directory).digest('hex')}`
  const end = Date.now() + deadlineMs
  for (;;) {
    const server = createServer(socket => socket.destroy())
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject)
        server.listen(name, resolve)
      })
      return server.unref()
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
      if (Date.now() >= end) {
        throw new MlforgeError(
          'wrong_state',
          `Another process serves from ${directory}. Give this replica another name, or stop that one.`,
        )
      }
      await wait(RETRY_MS)
    }
  }
}
