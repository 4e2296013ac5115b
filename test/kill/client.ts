import { request } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import type { ProblemDetails } from '../../contracts/rest/common.js'
import type { Operation } from '../../contracts/rest/operations.js'
import type { Upload } from '../../contracts/rest/uploads.js'
import { Refused } from '../../sdk/rest.js'

const PATIENCE_MS = 120_000
const REQUEST_MS = 15_000
/** Other tests may keep the machine busy. */
const RUN_MS = 300_000

interface Answer {
  readonly status: number
  readonly body: unknown
}

/** A client as the documentation asks for one: it sends again, with the same key, what got no answer or a 503. */
export class PatientClient {
  /** How often something was sent again. */
  resent = 0

  constructor(
    private readonly base: string,
    private readonly key: string,
  ) {}

  get<T>(path: string): Promise<T> {
    return this.json<T>('GET', path)
  }

  /** Without a key for what has a name of its own: an alias, a prediction, a label. */
  post<T>(path: string, body: unknown, idempotencyKey?: string): Promise<T> {
    return this.json<T>('POST', path, body, idempotencyKey)
  }

  put<T>(path: string, body: unknown): Promise<T> {
    return this.json<T>('PUT', path, body)
  }

  /** Follows a run until it has ended and nobody will start it again. */
  async follow<T extends Operation>(path: string): Promise<T> {
    const end = Date.now() + RUN_MS
    for (;;) {
      const run = await this.get<T>(path)
      const open = run.status === 'accepted' || run.status === 'running' || run.retry.nextAttemptAt !== null
      if (!open) return run
      if (Date.now() > end) {
        throw new Error(
          `Run ${run.id} is still ${run.status} after ${RUN_MS / 1000} s: ${JSON.stringify(run)}`,
        )
      }
      await wait(250)
    }
  }

  /** Streams a file in two halves; `between` is called when the first has been sent. Broken, it is sent again. */
  async upload(csv: string, between: () => Promise<void>): Promise<Upload> {
    let pause: (() => Promise<void>) | undefined = between
    return this.patiently(async () => {
      const now = pause
      pause = undefined
      return this.stream('/v1/uploads', csv, now)
    })
  }

  private json<T>(method: string, path: string, body?: unknown, idempotencyKey?: string): Promise<T> {
    return this.patiently(async () => {
      const response = await fetch(`${this.base}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${this.key}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
        },
        signal: AbortSignal.timeout(REQUEST_MS),
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      return { status: response.status, body: await response.json() }
    })
  }

  private async patiently<T>(send: () => Promise<Answer>): Promise<T> {
    const end = Date.now() + PATIENCE_MS
    for (;;) {
      const answer = await send().catch((error: unknown) =>
        Date.now() < end ? undefined : Promise.reject(error),
      )
      if (answer !== undefined && answer.status < 300) return answer.body as T
      if (answer !== undefined && !(answer.status === 503 && Date.now() < end)) {
        throw new Refused(answer.body as ProblemDetails)
      }
      this.resent++
      await wait(200)
    }
  }

  private stream(path: string, text: string, between: (() => Promise<void>) | undefined): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const sending = request(
        `${this.base}${path}`,
        {
          method: 'POST',
          headers: { authorization: `Bearer ${this.key}`, 'content-type': 'text/csv' },
          agent: false,
          timeout: REQUEST_MS,
        },
        response => {
          const chunks: Buffer[] = []
          response.on('data', (chunk: Buffer) => chunks.push(chunk))
          response.once('error', reject)
          response.once('end', () => {
            try {
              resolve({
                status: response.statusCode ?? 0,
                body: JSON.parse(Buffer.concat(chunks).toString()),
              })
            } catch (error) {
              reject(error as Error)
            }
          })
        },
      )
      sending.once('error', reject)
      sending.once('timeout', () => sending.destroy(new Error('no answer in time')))
      const half = text.length >> 1
      sending.write(text.slice(0, half))
      void (between?.() ?? Promise.resolve()).then(
        () => sending.end(text.slice(half)),
        (error: unknown) => {
          sending.destroy()
          reject(error as Error)
        },
      )
    })
  }
}
