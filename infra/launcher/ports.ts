import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'
import { MlforgeError } from '../../domain/errors.js'

// Below the range that Linux takes for outgoing connections (32768 and up), so that a process which
// is started again finds its port free.
const LOWEST = 20_000
const HIGHEST = 31_999

/** True when a server could listen on this port of 127.0.0.1 now. */
export function isFree(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)))
  })
}

/** A port that is free and not among the taken ones. */
export async function freePort(taken: readonly number[]): Promise<number> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const port = randomInt(LOWEST, HIGHEST)
    if (!taken.includes(port) && (await isFree(port))) return port
  }
  throw new MlforgeError(
    'unavailable',
    `No free port was found between ${LOWEST} and ${HIGHEST} on 127.0.0.1.`,
  )
}
