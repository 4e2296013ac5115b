import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { MAX_ANSWER_BYTES } from '../../../../activities/pipelines/http-send.js'
import { httpStep } from '../../../../activities/pipelines/steps/http.js'
import { notifyStep } from '../../../../activities/pipelines/steps/notify.js'
import { eventually } from '../../../support/eventually.js'
import { errorOf, StepKit } from '../step-kit.js'

interface Seen {
  readonly method: string
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

let kit: StepKit
let server: Server
let origin: string
let seen: Seen[] = []
let answer: (request: Seen, response: ServerResponse) => void

beforeAll(async () => {
  kit = await StepKit.create()
  server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', chunk => chunks.push(chunk as Buffer))
    request.on('end', () => {
      const { method, url, headers } = request
      const one = { method: method!, path: url!, headers, body: Buffer.concat(chunks).toString() }
      seen.push(one)
      answer(one, response)
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(async () => {
  server.closeAllConnections()
  server.close()
  await kit.remove()
})
beforeEach(() => {
  seen = []
  answer = (_, response) => void response.end()
})

const http = (inputs: Record<string, unknown>, rest = {}) =>
  kit.run(httpStep(), { url: `${origin}/secret-path`, method: 'POST', ...inputs }, rest)

/** Answers in turn: a status with headers, and the last of them from then on. */
function statuses(...turns: [number, Record<string, string>?][]): void {
  let turn = 0
  answer = (_, response) => {
    const [status, headers = {}] = turns[Math.min(turn++, turns.length - 1)]!
    response.writeHead(status, headers).end('said')
  }
}

describe('an http step', () => {
  it('sends JSON with the same key at each try, and gives the answer', async () => {
    answer = (_, response) => {
      response.setHeader('content-type', 'application/problem+json; charset=utf-8').end('{"a":[1,"ä"]}')
    }
    const inputs = { headers: { Authorization: 'Bearer hidden', 'X-Two': 'é' }, body: { b: 'ä' } }
    const { lines, ...result } = await http(inputs)
    await http(inputs)
    expect(result).toEqual({ outputs: { status: 200, body: { a: [1, 'ä'] } } })
    expect(seen[0]).toMatchObject({
      method: 'POST',
      path: '/secret-path',
      body: '{"b":"ä"}',
      headers: {
        authorization: 'Bearer hidden',
        'content-type': 'application/json',
        'idempotency-key': '0198c0de-0000-7000-8000-000000000001/it/g0',
      },
    })
    expect(seen[1]!.headers['idempotency-key']).toBe(seen[0]!.headers['idempotency-key'])
    expect(lines[0]).toContain(`POST ${origin} with headers authorization, content-type, idempotency-key`)
    expect(lines.join()).not.toMatch(/hidden|secret/)
  })

  it.each([
    ['text/plain', 'hello', 'hello'],
    ['application/json', '{broken', '{broken'],
    ['application/json', '', null],
  ])('gives what is no JSON as it is: %s %s', async (type, body, expected) => {
    answer = (_, response) => void response.setHeader('content-type', type).end(body)
    expect(await http({ method: 'GET' })).toMatchObject({ outputs: { body: expected } })
    expect(seen[0]).toMatchObject({ method: 'GET', body: '' })
    expect(seen[0]!.headers['content-type']).toBeUndefined()
  })

  it.each([500, 503, 408, 429])('may be tried again after status %d', async status => {
    statuses([status, { 'retry-after': '17' }])
    expect(await errorOf(http({}))).toMatchObject({
      code: 'http_failed',
      retryable: true,
      message: `POST ${origin} was answered by status ${status}. It is tried again.`,
      details: { status, retryAfterSeconds: 17, body: 'said' },
    })
  })

  it('understands a date to try again at, and leaves out nonsense', async () => {
    statuses([503, { 'retry-after': 'Fri, 31 Dec 1999 23:59:59 GMT' }], [503, { 'retry-after': 'soon' }])
    expect(await errorOf(http({}))).toMatchObject({ details: { retryAfterSeconds: 0 } })
    expect(await errorOf(http({}))).toMatchObject({ details: { status: 503, body: 'said' } })
  })

  it.each([400, 401, 404, 422, 304])('is refused by status %d', async status => {
    statuses([status])
    expect(await errorOf(http({}))).toMatchObject({
      code: 'http_refused',
      retryable: false,
      details: { status },
    })
  })

  it('may be tried again where nobody answers, or the answer breaks off', async () => {
    answer = (_, response) =>
      void response.writeHead(200, { 'content-length': 100 }).write('x', () => response.destroy())
    expect(await errorOf(http({}))).toMatchObject({ code: 'http_failed', retryable: true })
    const gone = createServer().listen(0, '127.0.0.1')
    await once(gone, 'listening')
    const { port } = gone.address() as AddressInfo
    gone.close()
    await once(gone, 'close')
    expect(await errorOf(http({ url: `http://127.0.0.1:${port}/x?key=hidden` }))).toMatchObject({
      code: 'http_failed',
      message: `POST http://127.0.0.1:${port} got no answer (ECONNREFUSED). It is tried again.`,
    })
  })

  it('reads at most 1 MiB', async () => {
    answer = ({ path }, response) =>
      void response.end('x'.repeat(MAX_ANSWER_BYTES + (path === '/more' ? 1 : 0)))
    expect(await http({})).toMatchObject({ outputs: { status: 200 } })
    expect(await errorOf(http({ url: `${origin}/more` }))).toMatchObject({
      code: 'http_refused',
      message: expect.stringContaining('more than 1048576 bytes (status 200)'),
    })
  })

  it('follows a redirect with method, body and key, or by GET where the answer is elsewhere', async () => {
    statuses([307, { location: '/two' }], [308, { location: '/three' }], [303, { location: 'four' }], [200])
    expect(await http({ body: 1 })).toMatchObject({ outputs: { status: 200 } })
    expect(seen.map(({ method, path, body }) => [method, path, body])).toEqual([
      ['POST', '/secret-path', '1'],
      ['POST', '/two', '1'],
      ['POST', '/three', '1'],
      ['GET', '/four', ''],
    ])
    expect(new Set(seen.map(({ headers }) => headers['idempotency-key'])).size).toBe(1)
  })

  it.each([
    ['to http://localhost:', 307, () => origin.replace('127.0.0.1', 'localhost'), 1],
    ['more than 5 times', 307, () => '/again', 6],
    ['by 302, which would lose the body', 302, () => '/moved', 1],
    ['to no URL', 307, () => 'http://', 1],
  ])('does not follow a redirect %s', async (why, status, location, requests) => {
    statuses([status, { location: location() }])
    expect(await errorOf(http({ headers: { authorization: 'x' } }))).toMatchObject({
      code: 'http_refused',
      message: expect.stringContaining(`was redirected ${why}`),
    })
    expect(seen).toHaveLength(requests)
  })

  it('refuses a request that cannot be sent, with all problems and no value of a header', async () => {
    const error = await errorOf(
      http({
        url: 'ftp://example.org',
        method: 'GET',
        body: 1,
        headers: { 'a b': '1', Host: 'x', 'Idempotency-Key': 'mine', 'x-token': 'hidden\r\nx-evil: 1' },
      }),
    )
    expect(error).toMatchObject({
      code: 'http_refused',
      details: {
        problems: [
          { at: 'url', message: '"ftp:" is neither http nor https.' },
          { at: 'headers.a b' },
          { at: 'headers.Host' },
          { at: 'headers.Idempotency-Key' },
          { at: 'headers.x-token' },
          { at: 'body' },
        ],
      },
    })
    expect(JSON.stringify(error)).not.toContain('hidden')
    expect(await errorOf(http({ url: 'nowhere' }))).toMatchObject({ details: { problems: [{ at: 'url' }] } })
    expect(await errorOf(http({ url: 'https://me:pw@example.org' }))).toMatchObject({ code: 'http_refused' })
    expect(seen).toEqual([])
  })

  it('stops when it is told to, also within an answer', async () => {
    for (const head of [false, true]) {
      const stop = new AbortController()
      seen = []
      answer = (_, response) => {
        if (head) response.writeHead(200).write('x')
      }
      const running = errorOf(http({}, { signal: stop.signal }))
      await eventually(() => expect(seen).toHaveLength(1))
      stop.abort(new Error('stop'))
      expect(await running).toMatchObject({ message: 'stop' })
    }
  })
})

describe('a notify step', () => {
  it('tells the text, the run and the step', async () => {
    statuses([204])
    const result = await kit.run(notifyStep(), { url: `${origin}/hook`, text: 'done' })
    expect(result).toMatchObject({ outputs: { status: 204 } })
    expect(JSON.parse(seen[0]!.body)).toEqual({
      text: 'done',
      pipeline: 'demand',
      run: '0198c0de-0000-7000-8000-000000000001',
      step: 'it',
    })
    expect(seen[0]!.headers['idempotency-key']).toMatch(/\/it\/g0$/)
    expect(result.lines.join()).not.toContain('hook')
  })

  it('may be tried again where the other side is down', async () => {
    statuses([502])
    expect(await errorOf(kit.run(notifyStep(), { url: origin, text: 'x' }))).toMatchObject({
      code: 'http_failed',
    })
  })
})
