import { createHash, randomInt } from 'node:crypto'
import { createServer } from 'node:net'
import { MlforgeError } from '../../domain/errors.js'

// Below the range that Linux takes for outgoing connections (32768 and up), so that a process which
// is started again finds its port free.
const LOWEST = 20_000
/** Ports of one owner, and how many owners can have some alone. */
const PART = 125
const PARTS = 96

/** True when a server could listen on this port of 127.0.0.1 now. */
export function isFree(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)))
  })
}

/**
 * A port that is free and not among the taken ones. Each owner draws from a part of the range, so that hardly any other
 * one takes the port of a process that is just being started again.
 * @param owner a directory that nobody else has
 */
export async function freePort(taken: readonly number[], owner: string): Promise<number> {
  const lowest = LOWEST + (createHash('sha256').update(owner).digest().readUInt32BE() % PARTS) * PART
  const own = () => randomInt(lowest, lowest + PART)
  const any = () => randomInt(LOWEST, LOWEST + PARTS * PART)
  for (let attempt = 0; attempt < 400; attempt++) {
    const port = attempt < 200 ? own() : any()
    if (!taken.includes(port) && (await isFree(port))) return port
  }
  throw new MlforgeError(
    'unavailable',
    `No free port was found between ${LOWEST} and ${LOWEST + PARTS * PART - 1} on 127.0.0.1.`,
  )
}
