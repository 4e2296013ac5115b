import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it, jest } from '@jest/globals'
import { Rest } from '../../sdk/rest.js'

type Answer = (request: IncomingMessage, response: ServerResponse) => void

let server: Server | undefined
afterEach(async () => {
  server?.closeAllConnections()
  await new Promise(resolve => (server ? server.close(resolve) : resolve(null)))
})

/** A client of a server that answers so, one request after the other, and goes on as the last. */
async function rest(...answers: Answer[]): Promise<{ client: Rest; asked: IncomingMessage[] }> {
  const asked: IncomingMessage[] = []
  server = createServer((request, response) => {
    asked.push(request)
    answers[Math.min(asked.length, answers.length) - 1]!(request, response)
  })
  await new Promise<void>(resolve => server!.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return { client: new Rest(`http://127.0.0.1:${port}`, 'key'), asked }
}

const says =
  (status: number, body: unknown): Answer =>
  (request, response) => {
    request.resume()
    request.once('end', () => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    })
  }

const problem = (status: number, code: string) => says(status, { status, code, detail: `It is ${code}.` })

describe('requests of the SDK', () => {
  it('send a key, a type and what they have, and read what comes', async () => {
    let body = ''
    const { client, asked } = await rest((request, response) => {
      request.setEncoding('utf8').on('data', (text: string) => (body += text))
      request.once('end', () => response.end('{"done":true}'))
    })
    expect(await client.post('/v1/things', { name: 'größer' }, { idempotencyKey: 'once' })).toEqual({
      done: true,
    })
    expect(JSON.parse(body)).toEqual({ name: 'größer' })
    expect(asked[0]!.headers).toMatchObject({
      authorization: 'Bearer key',
      'content-type': 'application/json',
      'content-length': String(Buffer.byteLength(body)),
      'idempotency-key': 'once',
    })
  })

  it('are sent again where a server starts, or breaks off in the middle of an answer', async () => {
    const { client, asked } = await rest(
      problem(503, 'unavailable'),
      (_, response) => response.socket!.destroy(),
      (_, response) => {
        response.writeHead(200, { 'content-length': 100 }).write('{"half":')
        setImmediate(() => response.destroy())
      },
      says(200, { whole: true }),
    )
    expect(await client.get('/v1/things')).toEqual({ whole: true })
    expect(asked).toHaveLength(4)
  })

  it('are refused with the problem of the API, also while they are being sent', async () => {
    const { client } = await rest(problem(404, 'not_found'), (_, response) => {
      // Before all of it has come, which nobody reads.
      response.writeHead(413, { connection: 'close' })
      response.end(JSON.stringify({ status: 413, code: 'body_too_large', detail: 'Send less.' }))
    })
    await expect(client.get('/v1/things')).rejects.toMatchObject({ problem: { code: 'not_found' } })
    const large = new Uint8Array(8 * 1024 * 1024)
    await expect(client.putBytes('/v1/things', large)).rejects.toMatchObject({
      problem: { status: 413, code: 'body_too_large' },
    })
  })

  it.each([301, 404])('say what answers %i and is no API', async status => {
    const { client, asked } = await rest((_, response) => {
      response.writeHead(status, { 'content-type': 'text/html' }).end('<html></html>')
    })
    await expect(client.get('/v1/things')).rejects.toMatchObject({
      code: 'unavailable',
      message: `"${client.base}" answered ${status}, and not as the API does. Check its address.`,
    })
    expect(asked).toHaveLength(1)
  })

  it('say which API does not answer, and why, when it was waited for', async () => {
    const now = Date.now()
    const clock = jest
      .spyOn(Date, 'now')
      .mockReturnValueOnce(now)
      .mockReturnValue(now + 61_000)
    try {
      await expect(new Rest('http://127.0.0.1:1', 'key').get('/v1/things')).rejects.toMatchObject({
        code: 'unavailable',
        message: expect.stringMatching(
          /^"http:\/\/127.0.0.1:1" does not answer \(connect ECONNREFUSED.*try again/,
        ),
      })
    } finally {
      clock.mockRestore()
    }
  })

  it('put what they get into memory that is given, where it is large enough', async () => {
    const content = Uint8Array.from({ length: 200_000 }, (_, at) => at % 251)
    const known: Answer = (_, response) =>
      response.writeHead(200, { 'content-length': content.length }).end(content)
    const { client } = await rest(known, known, (_, response) => response.end(content))
    const room = new Uint8Array(300_000)
    const got = await client.postForBytes('/v1/things', {}, room)
    expect(got).toEqual(content)
    expect(got.buffer).toBe(room.buffer)
    const small = new Uint8Array(10)
    expect(await client.postForBytes('/v1/things', {}, small)).toEqual(content)
    // Of a length that nobody says.
    expect(Uint8Array.from(await client.postForBytes('/v1/things', {}, room))).toEqual(content)
  })
})
