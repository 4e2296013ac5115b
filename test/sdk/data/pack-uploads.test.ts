import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it, jest } from '@jest/globals'
import { PackUploads } from '../../../sdk/data/pack-uploads.js'
import { Refused, Rest } from '../../../sdk/rest.js'
import { freePort } from '../../support/ports.js'

type Answer = (request: IncomingMessage, response: ServerResponse, body: Buffer) => void

const PATH = '/v1/datasets/d/pushes/p/packs'
const content = Buffer.alloc(3_000_000, 'pack')
const pack = { sha256: 'a'.repeat(64), content }

const status =
  (code: number): Answer =>
  (_, response) =>
    response.writeHead(code).end(code < 300 ? '' : `<Error>${code}</Error>`)
const cut: Answer = request => request.socket.destroy()

describe('packs on their way from a client', () => {
  const servers: Server[] = []
  afterEach(async () => {
    for (const server of servers.splice(0)) {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    }
  })

  async function serve(answer: Answer): Promise<string> {
    const server = createServer((request, response) => {
      const parts: Buffer[] = []
      request.on('data', (part: Buffer) => parts.push(part))
      request.once('end', () => answer(request, response, Buffer.concat(parts)))
    })
    servers.push(server)
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  /** An object store that answers so, one request after the other, and goes on as the last; what it and the API were asked. */
  async function bench(...answers: Answer[]) {
    const stored: { url: string; body: Buffer }[] = []
    const asked: string[] = []
    const store = await serve((request, response, body) => {
      stored.push({ url: request.url!, body })
      answers[Math.min(stored.length, answers.length) - 1]!(request, response, body)
    })
    const storeOf = { url: answers.length > 0 ? store : `http://127.0.0.1:${await freePort()}` }
    const api = await serve((request, response, body) => {
      asked.push(`${request.method} ${request.url!.slice(PATH.length)}`)
      if (request.method === 'PUT') expect(body.equals(content)).toBe(true)
      const upload = { url: `${storeOf.url}/pack?n=${asked.length}`, headers: {} }
      response.end(JSON.stringify(request.url === PATH ? { upload } : {}))
    })
    const rest = new Rest(api, 'key')
    return { uploads: new PackUploads(rest), rest, stored, asked, storeOf }
  }

  const byApi = `PUT /${pack.sha256}`
  const taken = `POST /${pack.sha256}`

  it('are sent again where the connection breaks, the store is ill, or the address has expired', async () => {
    const { uploads, stored, asked } = await bench(cut, status(503), status(403), status(200))
    await uploads.send(PATH, pack)
    expect(stored.map(({ body }) => body.equals(content))).toEqual([true, true, true, true])
    expect(new Set(stored.map(({ url }) => url)).size).toBe(4)
    expect(asked).toEqual(['POST ', 'POST ', 'POST ', 'POST ', taken])
  })

  it('go by way of the API for a while where the store cannot be reached, and then straight again', async () => {
    const { uploads, stored, asked, storeOf } = await bench()
    await uploads.send(PATH, pack)
    expect(asked).toEqual(['POST ', 'POST ', 'POST ', 'POST ', byApi])
    await uploads.send(PATH, pack)
    expect(asked.splice(0)).toEqual(['POST ', 'POST ', 'POST ', 'POST ', byApi, byApi])
    storeOf.url = await serve((request, response) => {
      stored.push({ url: request.url!, body: content })
      response.end()
    })
    const now = jest.spyOn(Date, 'now').mockReturnValue(Date.now() + 5 * 60_000)
    try {
      await uploads.send(PATH, pack)
    } finally {
      now.mockRestore()
    }
    expect(asked).toEqual(['POST ', taken])
    expect(stored).toHaveLength(1)
  })

  it('say what is wrong with both ways', async () => {
    const { uploads, rest } = await bench(status(500))
    const refusal = (code: string, status: number) =>
      new Refused({ type: 'about:blank', title: code, status, code, detail: `It is ${code}.` })
    // The real one is asked for a minute before it is believed.
    const put = jest.spyOn(rest, 'putBytes').mockRejectedValue(refusal('unavailable', 503))
    await expect(uploads.send(PATH, pack)).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(
        /not reached from here \(http:\/\/127\S+ answered 500: <Error>500.*\), nor by the API \(It is unavailable\.\)/,
      ),
    })
    put.mockRejectedValue(refusal('transfer_expired', 409))
    await expect(uploads.send(PATH, pack)).rejects.toMatchObject({ problem: { code: 'transfer_expired' } })
  })

  it('are given up at once by who asks for it', async () => {
    const stop = new AbortController()
    const { uploads, stored, asked } = await bench(() => stop.abort(new Error('enough')))
    await expect(uploads.send(PATH, pack, stop.signal)).rejects.toThrow('enough')
    expect(stored).toHaveLength(1)
    expect(asked).toEqual(['POST '])
  })
})
