import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { setTimeout as wait } from 'node:timers/promises'
import type { ProblemDetails } from '../contracts/rest/common.js'
import type { Operation } from '../contracts/rest/operations.js'
import { MlforgeError } from '../domain/errors.js'

/** An answer that is not a success, with the problem it carries. */
export class Refused extends Error {
  constructor(readonly problem: ProblemDetails) {
    super(`${problem.status} ${problem.code}: ${problem.detail}`)
  }
}

export interface SendOptions {
  /** The same key again gets the same answer, however often it is sent. */
  readonly idempotencyKey?: string
  readonly contentType?: string
}

const DEADLINE_MS = 30_000
const PATIENCE_MS = 60_000
/** Long transfers that may break in the middle before that is an error. */
const BROKEN = 3
const SLOWEST_BYTES_PER_MS = 50
const PART_BYTES = 256 * 1024

/** A body, opened anew for each try: a stream is read once. */
interface Body {
  readonly bytes: number
  open(): string | Uint8Array | Readable
}

const asBody = (content: string | Uint8Array): Body => ({ bytes: content.length, open: () => content })
const bytesOf = async (response: Response) => new Uint8Array(await response.arrayBuffer())

/**
 * MLForge's REST API. Each request has a deadline, and an API that is just being started again is waited for,
 * so that a request may be sent twice: give those that start something an `idempotencyKey`.
 */
export class Rest {
  /**
   * @param base such as `http://127.0.0.1:8080`
   * @param key an API key
   */
  constructor(
    readonly base: string,
    private readonly key: string,
  ) {}

  get<T>(path: string): Promise<T> {
    return this.json<T>('GET', path)
  }

  post<T>(path: string, body?: unknown, options: SendOptions = {}): Promise<T> {
    return this.json<T>('POST', path, JSON.stringify(body ?? {}), options)
  }

  put<T>(path: string, body: unknown): Promise<T> {
    return this.json<T>('PUT', path, JSON.stringify(body))
  }

  patch<T>(path: string, body: unknown): Promise<T> {
    return this.json<T>('PATCH', path, JSON.stringify(body))
  }

  async delete(path: string): Promise<void> {
    await this.send('DELETE', path, undefined, {}, response => response.text())
  }

  upload<T>(path: string, text: string): Promise<T> {
    return this.json<T>('POST', path, text, { contentType: 'text/csv' })
  }

  download(path: string): Promise<Uint8Array> {
    return this.send('GET', path, undefined, {}, bytesOf)
  }

  /** What a request is answered with that is no JSON. */
  postForBytes(path: string, body: unknown): Promise<Uint8Array> {
    return this.send('POST', path, asBody(JSON.stringify(body)), {}, bytesOf)
  }

  /** Sends bytes, of which no copy is made; the deadline is that of a slow line. */
  putBytes<T>(path: string, content: Uint8Array): Promise<T> {
    const body = { bytes: content.length, open: () => Readable.from(partsOf(content)) }
    const options = { contentType: 'application/octet-stream' }
    return this.send('PUT', path, body, options, async response => (await response.json()) as T)
  }

  /** Sends a file as it is read, whatever its size. */
  async uploadFile<T>(path: string, file: string, options: Required<SendOptions>): Promise<T> {
    const { size: bytes } = await stat(file)
    const body = { bytes, open: () => createReadStream(file) }
    return this.send('POST', path, body, options, async response => (await response.json()) as T)
  }

  /**
   * Reads an answer as it comes.
   * @param bytes how many there are to come, for the deadline, which is that of a slow line
   * @param take called anew where the connection broke; what it throws as MlforgeError ends it
   */
  downloadTo<T>(path: string, bytes: number, take: (content: Readable) => Promise<T>): Promise<T> {
    return this.send(
      'GET',
      path,
      undefined,
      {},
      ({ body }) => take(body ? Readable.fromWeb(body) : Readable.from([])),
      bytes,
    )
  }

  /** Follows a run until it has ended; `seen` is called with each answer on the way. */
  async follow<T extends Operation>(
    path: string,
    seen: (run: T) => void | Promise<void> = () => undefined,
    everyMs = 250,
  ): Promise<T> {
    for (;;) {
      const run = await this.get<T>(path)
      await seen(run)
      if (run.status !== 'accepted' && run.status !== 'running') return run
      await wait(everyMs)
    }
  }

  private json<T>(
    method: string,
    path: string,
    body?: string | Uint8Array,
    options: SendOptions = {},
  ): Promise<T> {
    const sent = body === undefined ? undefined : asBody(body)
    return this.send(method, path, sent, options, async response => (await response.json()) as T)
  }

  /** Sends until there is a whole answer: the connection may break in the middle of one. */
  private async send<T>(
    method: string,
    path: string,
    body: Body | undefined,
    options: SendOptions,
    read: (response: Response) => Promise<T>,
    expected = 0,
  ): Promise<T> {
    const { contentType = 'application/json', idempotencyKey } = options
    const headers: Record<string, string> = { authorization: `Bearer ${this.key}` }
    if (body !== undefined) headers['content-type'] = contentType
    if (idempotencyKey !== undefined) headers['idempotency-key'] = idempotencyKey
    const slowMs = Math.ceil(((body?.bytes ?? 0) + expected) / SLOWEST_BYTES_PER_MS)
    let end = Date.now() + PATIENCE_MS
    for (let broken = 0; ; await wait(500)) {
      const began = Date.now()
      const content = body?.open()
      try {
        const response = await fetch(`${this.base}${path}`, {
          method,
          headers,
          signal: AbortSignal.timeout(DEADLINE_MS + slowMs),
          ...(content === undefined ? {} : bodyOf(content)),
        })
        if (response.ok) return await read(response)
        const problem = (await response.json()) as ProblemDetails
        if (response.status !== 503 || Date.now() > end) throw new Refused(problem)
      } catch (error) {
        if (error instanceof Refused || error instanceof MlforgeError) throw error
        // What was under way for long has used up the patience while nothing was wrong.
        if (Date.now() - began > PATIENCE_MS && broken++ < BROKEN) end = Date.now() + PATIENCE_MS
        if (Date.now() > end) throw error
      } finally {
        if (content instanceof Readable) content.destroy()
      }
    }
  }
}

function* partsOf(content: Uint8Array): Generator<Uint8Array> {
  for (let from = 0; from < content.length; from += PART_BYTES) {
    yield content.subarray(from, from + PART_BYTES)
  }
}

function bodyOf(content: string | Uint8Array | Readable): Pick<RequestInit, 'body' | 'duplex'> {
  return content instanceof Readable ? { body: Readable.toWeb(content), duplex: 'half' } : { body: content }
}
