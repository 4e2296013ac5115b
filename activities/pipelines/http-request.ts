import { type Json } from '../../domain/canonical-json.js'
import { MlforgeError, type Problem } from '../../domain/errors.js'
import type { StepContext } from './step-context.js'

export interface HttpRequest {
  readonly url: string
  readonly method: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Json
}

/** A request as it is sent. */
export interface CheckedRequest {
  readonly url: URL
  readonly method: string
  readonly headers: Headers
  readonly body?: string
}

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
/** What RFC 9110, section 5.5 allows in a value, as far as fetch sends it. */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/

/** Headers that the connection or MLForge sets: another value would break the request, or its promise. */
const RESERVED = [
  'connection',
  'content-length',
  'expect',
  'host',
  'idempotency-key',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]

/**
 * A step's request with the headers that it always has.
 * @throws MlforgeError http_refused with all problems; values of headers are never told
 */
export function checkedRequest(
  { url, method, headers = {}, body }: HttpRequest,
  { effectKey }: Pick<StepContext, 'effectKey'>,
): CheckedRequest {
  const problems = [...urlProblems(url), ...Object.entries(headers).flatMap(headerProblems)]
  if (method === 'GET' && body !== undefined) {
    problems.push({ at: 'body', message: 'A GET sends none. Leave it out, or choose another method.' })
  }
  if (problems.length > 0) {
    const [first] = problems
    throw new MlforgeError('http_refused', `The request was not sent: ${first!.at}: ${first!.message}`, {
      problems,
    })
  }
  const all = new Headers({ 'user-agent': 'mlforge' })
  if (body !== undefined) all.set('content-type', 'application/json')
  for (const [name, value] of Object.entries(headers)) all.set(name, value)
  all.set('idempotency-key', effectKey)
  return {
    url: new URL(url),
    method,
    headers: all,
    ...(body !== undefined && { body: JSON.stringify(body) }),
  }
}

function urlProblems(url: string): Problem[] {
  if (!URL.canParse(url)) {
    return [{ at: 'url', message: 'It is no URL. Write it in full, for example https://example.org/hook.' }]
  }
  const { protocol, username, password } = new URL(url)
  if (protocol !== 'http:' && protocol !== 'https:') {
    return [{ at: 'url', message: `"${protocol}" is neither http nor https.` }]
  }
  if (username !== '' || password !== '') {
    return [{ at: 'url', message: 'It holds a user or a password. Send them as header authorization.' }]
  }
  return []
}

function headerProblems([name, value]: [string, string]): Problem[] {
  const at = `headers.${name}`
  if (!TOKEN.test(name)) return [{ at, message: 'It is no name of a header.' }]
  if (RESERVED.includes(name.toLowerCase())) return [{ at, message: 'It is set by MLForge. Leave it out.' }]
  if (!VALUE.test(value)) {
    return [{ at, message: 'Its value holds a line break or another character that headers cannot have.' }]
  }
  return []
}

/** Where a request goes, without what may be secret: paths and queries of webhooks are keys. */
export function shownTarget(method: string, { origin }: URL): string {
  return `${method} ${origin}`
}
