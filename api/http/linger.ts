import type { IncomingMessage } from 'node:http'

/** How long a client whose body was refused may go on sending before the connection is cut. */
const LINGER_MS = 5_000

/** A client that is still sending reads the answer only if it is not cut off at once. */
export function linger(body: IncomingMessage): void {
  if (body.complete || body.destroyed) return
  const timer = setTimeout(() => body.socket.destroy(), LINGER_MS).unref()
  body.once('close', () => clearTimeout(timer))
  body.resume()
}
