import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { setTimeout as wait } from 'node:timers/promises'
import type { ProblemDetails } from '../contracts/rest/common.js'
import type { Operation } from '../contracts/rest/operations.js'
import { MlforgeError } from '../domain/errors.js'
import { type Answer, ask, bytesOf, slowMs, textOf, whyUnreached } from './http.js'

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
  /** Ends the request, and its being sent again. */
  readonly signal?: AbortSignal | undefined
}

const DEADLINE_MS = 30_000
const PATIENCE_MS = 60_000
/** Long transfers that may break in the middle before that is an error. */
const BROKEN = 3

/** A body, opened anew for each try: a stream is read once. */
interface Body {
  readonly bytes: number
  open(): string | Uint8Array | Readable
}

const asBody = (content: string | Uint8Array): Body => ({ bytes: content.length, open: () => content })
const jsonOf = async <T>(answer: Answer) => JSON.parse(await textOf(answer)) as T

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
    await this.send('DELETE', path, undefined, {}, textOf)
  }

  upload<T>(path: string, text: string): Promise<T> {
    return this.json<T>('POST', path, text, { contentType: 'text/csv' })
  }

  download(path: string): Promise<Uint8Array> {
    return this.send('GET', path, undefined, {}, bytesOf)
  }

  /** What a request is answered with that is no JSON. @param room memory for it, where it is large enough */
  postForBytes(path: string, body: unknown, room?: Uint8Array): Promise<Uint8Array> {
    return this.send('POST', path, asBody(JSON.stringify(body)), {}, answer => bytesOf(answer, room))
  }

  /** Sends bytes, of which no copy is made; the deadline is that of a slow line. */
  putBytes<T>(path: string, content: Uint8Array, options: Pick<SendOptions, 'signal'> = {}): Promise<T> {
    const sent = { ...options, contentType: 'application/octet-stream' }
    return this.send<T>('PUT', path, asBody(content), sent, jsonOf)
  }

  /** Sends a file as it is read, whatever its size. */
  async uploadFile<T>(
    path: string,
    file: string,
    options: Required<Omit<SendOptions, 'signal'>>,
  ): Promise<T> {
    const { size: bytes } = await stat(file)
    const body = { bytes, open: () => createReadStream(file) }
    return this.send<T>('POST', path, body, options, jsonOf)
  }

  /**
   * Reads an answer as it comes.
   * @param bytes how many there are to come, for the deadline, which is that of a slow line
   * @param take called anew where the connection broke; what it throws as MlforgeError ends it
   */
  downloadTo<T>(path: string, bytes: number, take: (content: Readable) => Promise<T>): Promise<T> {
    return this.send('GET', path, undefined, {}, ({ body }) => take(body), bytes)
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
    return this.send<T>(method, path, sent, options, jsonOf)
  }

  /** Sends until there is a whole answer: the connection may break in the middle of one. */
  private async send<T>(
    method: string,
    path: string,
    body: Body | undefined,
    options: SendOptions,
    read: (answer: Answer) => Promise<T>,
    expected = 0,
  ): Promise<T> {
    const { contentType = 'application/json', idempotencyKey, signal } = options
    const headers: Record<string, string> = { authorization: `Bearer ${this.key}` }
    if (body !== undefined) headers['content-type'] = contentType
    if (idempotencyKey !== undefined) headers['idempotency-key'] = idempotencyKey
    const deadlineMs = DEADLINE_MS + slowMs((body?.bytes ?? 0) + expected)
    let end = Date.now() + PATIENCE_MS
    for (let broken = 0; ; await wait(500, undefined, signal && { signal })) {
      const began = Date.now()
      const content = body?.open()
      const deadline = AbortSignal.timeout(deadlineMs)
      let answer: Answer | undefined
      try {
        answer = await ask(`${this.base}${path}`, {
          method,
          headers,
          signal: signal ? AbortSignal.any([signal, deadline]) : deadline,
          ...(content === undefined ? {} : { body: content }),
        })
        if (answer.status < 300) return await read(answer)
        const problem = await this.problemOf(answer)
        if (answer.status !== 503 || Date.now() > end) throw new Refused(problem)
      } catch (error) {
        answer?.body.destroy()
        signal?.throwIfAborted()
        if (error instanceof Refused || error instanceof MlforgeError) throw error
        // The file cannot be opened: the API has no part in that.
        if (content instanceof Readable && typeof (error as { path?: unknown }).path === 'string') throw error
        // What was under way for long has used up the patience while nothing was wrong.
        if (Date.now() - began > PATIENCE_MS && broken++ < BROKEN) end = Date.now() + PATIENCE_MS
        if (Date.now() > end) throw this.unreached(error)
      } finally {
        if (content instanceof Readable) content.destroy()
      }
    }
  }

  private unreached(error: unknown): MlforgeError {
    const failure = new MlforgeError(
      'unavailable',
      `"${this.base}" does not answer (${whyUnreached(error)}). See whether the API runs and can be reached from here, and try again.`,
    )
    failure.cause = error
    return failure
  }

  /** @throws MlforgeError unavailable where it is none of an API; what a proxy may say meanwhile is an error of the connection */
  private async problemOf(answer: Answer): Promise<ProblemDetails> {
    const text = await textOf(answer)
    try {
      return JSON.parse(text) as ProblemDetails
    } catch (error) {
      if (answer.status >= 500) throw error
      throw new MlforgeError(
        'unavailable',
        `"${this.base}" answered ${answer.status}, and not as the API does. Check its address.`,
      )
    }
  }
}
