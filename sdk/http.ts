import { type ClientRequest, type IncomingMessage, request as overHttp } from 'node:http'
import type { Socket } from 'node:net'
import { type Readable, pipeline } from 'node:stream'

export interface Asked {
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array | Readable
  readonly signal: AbortSignal
}

/** An answer whose body has not been read yet; it must be. */
export interface Answer {
  readonly status: number
  readonly body: IncomingMessage
}

const CONNECT_MS = 10_000
const SLOWEST_BYTES_PER_MS = 50
/** Timers take no more than 2^31 - 1 ms, with what is added to this. */
const MOST_MS = 2_000_000_000

/** What bytes take on a slow line. */
export function slowMs(bytes: number): number {
  return Math.min(Math.ceil(bytes / SLOWEST_BYTES_PER_MS), MOST_MS)
}

/**
 * Sends a request by Node's own client. `fetch` is not used: loading it takes longer than most requests of a command
 * line, and it copies what it sends and gets.
 * @param body bytes are sent from where they lie, so they stay as they are until there is an answer
 * @throws the error of the connection; the reason of the signal
 */
export async function ask(url: string, { method, headers, body, signal }: Asked): Promise<Answer> {
  const request = url.startsWith('https:') ? (await import('node:https')).request : overHttp
  return new Promise((resolve, reject) => {
    const sent: ClientRequest = request(url, { method, headers, signal })
    sent.once('socket', socket => giveUpConnecting(sent, socket))
    sent.once('response', answer => resolve({ status: answer.statusCode!, body: answer }))
    // Also after the answer: a server that refuses what comes may close while it still does.
    sent.on('error', error => reject(signal.aborted ? (signal.reason as Error) : error))
    if (typeof body === 'object' && 'pipe' in body) {
      pipeline(body, sent, error => {
        if (error) reject(error)
      })
    } else sent.end(body)
  })
}

/** A machine that does not answer at all is silent for minutes otherwise. */
function giveUpConnecting(sent: ClientRequest, socket: Socket): void {
  if (!socket.connecting) return
  const timer = setTimeout(
    () => sent.destroy(new Error(`no connection within ${CONNECT_MS / 1000} s`)),
    CONNECT_MS,
  )
  for (const event of ['connect', 'close']) socket.once(event, () => clearTimeout(timer))
}

/** Why there was no answer, for people. */
export function whyUnreached(error: unknown): string {
  const { message, code, name } = error as Error & { readonly code?: string }
  // Several addresses that all refuse come as one error without a message of its own.
  return message || code || name
}

/** The whole body, in one piece. @param room memory for it, where it is large enough */
export async function bytesOf({ body }: Answer, room?: Uint8Array): Promise<Uint8Array> {
  const length = Number(body.headers['content-length'] ?? NaN)
  if (Number.isNaN(length)) {
    const parts: Uint8Array[] = []
    for await (const part of body as AsyncIterable<Uint8Array>) parts.push(part)
    return Buffer.concat(parts)
  }
  const content = room && room.length >= length ? room.subarray(0, length) : new Uint8Array(length)
  let at = 0
  for await (const part of body as AsyncIterable<Uint8Array>) {
    content.set(part, at)
    at += part.length
  }
  return content
}

export async function textOf(answer: Answer): Promise<string> {
  return new TextDecoder().decode(await bytesOf(answer))
}
