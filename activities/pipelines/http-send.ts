import { MlforgeError } from '../../domain/errors.js'
import { storableText } from '../../domain/storable.js'
import { type CheckedRequest, shownTarget } from './http-request.js'

export interface HttpAnswer {
  readonly status: number
  readonly contentType: string
  readonly body: Buffer
}

/** Bytes of an answer that are read. */
export const MAX_ANSWER_BYTES = 1 << 20
const MAX_REDIRECTS = 5
const SHOWN_CHARACTERS = 500

/**
 * Sends a request and reads its answer, which is at most 1 MiB.
 *
 * Redirects are followed at most 5 times, on the same host alone, since headers may hold a key: 307 and 308
 * with method and body, 303 by GET, 301 and 302 only of a GET, since others would lose their body there.
 * @throws MlforgeError http_failed where another try may help: no answer, 408, 429 (`retryAfterSeconds`
 * where the server names it) and 5xx; http_refused: any other status that is not 2xx, a redirect that is
 * not followed, an answer that is larger
 */
export async function send(request: CheckedRequest, signal: AbortSignal): Promise<HttpAnswer> {
  let { url, method } = request
  let { body } = request
  const headers = new Headers(request.headers)
  for (let redirects = 0; ; redirects++) {
    const target = shownTarget(method, url)
    const response = await answerTo(
      url,
      { method, headers, ...(body !== undefined && { body }), redirect: 'manual', signal },
      target,
    )
    const location = response.headers.get('location')
    if (location === null || ![301, 302, 303, 307, 308].includes(response.status)) {
      return judged(target, response, signal)
    }
    await response.body?.cancel()
    const next = URL.canParse(location, url.href) ? new URL(location, url) : undefined
    const why =
      redirects === MAX_REDIRECTS
        ? `more than ${MAX_REDIRECTS} times`
        : whyNotFollowed(method, response.status, url, next)
    if (why !== undefined) {
      throw new MlforgeError(
        'http_refused',
        `${target} was redirected ${why}. Give the step the address itself.`,
        { status: response.status },
      )
    }
    if (response.status === 303 && method !== 'GET') {
      method = 'GET'
      body = undefined
      headers.delete('content-type')
    }
    url = next!
  }
}

function whyNotFollowed(method: string, status: number, from: URL, to: URL | undefined): string | undefined {
  if (to === undefined) return 'to no URL'
  if (isElsewhere(from, to)) return `to ${to.origin}`
  if (method !== 'GET' && status <= 302) return `by ${status}, which would lose the body`
  return undefined
}

/** From http to https of a host nothing gets to somebody else. */
function isElsewhere(from: URL, to: URL): boolean {
  if (from.origin === to.origin) return false
  const isDefault = from.port === '' && to.port === ''
  return !(
    isDefault &&
    from.hostname === to.hostname &&
    from.protocol === 'http:' &&
    to.protocol === 'https:'
  )
}

async function answerTo(url: URL, init: RequestInit, target: string): Promise<Response> {
  try {
    return await fetch(url, init)
  } catch (error) {
    init.signal?.throwIfAborted()
    throw unanswered(target, error)
  }
}

function unanswered(target: string, error: unknown): MlforgeError {
  const cause = (error as { cause?: { code?: string; message?: string } }).cause
  const why = cause?.code ?? cause?.message ?? (error as Error).message
  return new MlforgeError('http_failed', `${target} got no answer (${why}). It is tried again.`, {
    reason: why,
  })
}

async function judged(target: string, response: Response, signal: AbortSignal): Promise<HttpAnswer> {
  const { status } = response
  const { body, isWhole } = await readBody(target, response, signal)
  if (response.ok) {
    if (!isWhole) {
      throw new MlforgeError(
        'http_refused',
        `${target} was answered by more than ${MAX_ANSWER_BYTES} bytes (status ${status}). Ask for less, or fetch it by a script.`,
        { status },
      )
    }
    return { status, contentType: response.headers.get('content-type') ?? '', body }
  }
  const said = storableText(body.toString().slice(0, SHOWN_CHARACTERS))
  const details = { status, ...(said !== '' && { body: said }) }
  if (status >= 500 || status === 408 || status === 429) {
    const retryAfterSeconds = secondsOf(response.headers.get('retry-after'))
    throw new MlforgeError('http_failed', `${target} was answered by status ${status}. It is tried again.`, {
      ...details,
      ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
    })
  }
  throw new MlforgeError(
    'http_refused',
    `${target} was answered by status ${status}. Correct the request of the step.`,
    details,
  )
}

async function readBody(
  target: string,
  response: Response,
  signal: AbortSignal,
): Promise<{ body: Buffer; isWhole: boolean }> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  try {
    for await (const chunk of response.body ?? []) {
      bytes += (chunk as Uint8Array).byteLength
      if (bytes > MAX_ANSWER_BYTES) return { body: Buffer.concat(chunks), isWhole: false }
      chunks.push(chunk as Uint8Array)
    }
  } catch (error) {
    signal.throwIfAborted()
    throw unanswered(target, error)
  }
  return { body: Buffer.concat(chunks), isWhole: true }
}

/** Retry-After (RFC 9110, section 10.2.3): seconds, or a date. */
function secondsOf(header: string | null): number | undefined {
  if (header === null) return undefined
  if (/^\d{1,9}$/.test(header)) return Number(header)
  const at = Date.parse(header)
  return Number.isNaN(at) ? undefined : Math.max(0, Math.ceil((at - Date.now()) / 1000))
}
