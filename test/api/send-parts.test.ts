import { once } from 'node:events'
import { createServer, get, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from '@jest/globals'
import type { FastifyReply } from 'fastify'
import { sendParts } from '../../api/http/send-parts.js'

const PART = 4 * 1024 * 1024
const PARTS = 16

describe('content that is sent in parts', () => {
  let server: Server
  afterEach(() => {
    server.close()
  })

  /** Has a server send parts in the same memory. @returns where it listens, how many it has asked for, and its end */
  async function sending(fail?: Error, failsAt = 2) {
    const seen = { asked: 0, isBegun: false, isClosed: false }
    async function* parts(): AsyncGenerator<Uint8Array> {
      const room = new Uint8Array(PART)
      try {
        for (; seen.asked < PARTS;) {
          if (seen.asked === failsAt && fail) throw fail
          yield room.fill(++seen.asked)
        }
      } finally {
        seen.isClosed = true
      }
    }
    const ended = new Promise<unknown>(resolve => {
      server = createServer((_, raw: ServerResponse) => {
        const reply = { raw, hijack: () => (seen.isBegun = true), getHeaders: () => ({ 'x-request': '1' }) }
        sendParts(reply as unknown as FastifyReply, { bytes: PARTS * PART, parts: parts() }).then(
          () => resolve('ended'),
          (error: unknown) => {
            raw.destroy()
            resolve(error)
          },
        )
      })
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen, ended }
  }

  it('comes whole, each part before its memory is used again', async () => {
    const { url, seen, ended } = await sending()
    const response = await fetch(url)
    expect(response.headers.get('content-length')).toBe(String(PARTS * PART))
    expect(response.headers.get('x-request')).toBe('1')
    const content = new Uint8Array(await response.arrayBuffer())
    for (let i = 0; i < PARTS; i++) {
      expect(content.subarray(i * PART, (i + 1) * PART).every(byte => byte === i + 1)).toBe(true)
    }
    expect([await ended, seen]).toEqual(['ended', { asked: PARTS, isBegun: true, isClosed: true }])
  })

  it('is read no further where the client goes, which is no failure', async () => {
    const { url, seen, ended } = await sending()
    const request = get(url, response => {
      response.once('data', () => request.destroy())
    })
    request.on('error', () => undefined)
    expect(await ended).toBe('ended')
    expect(seen.isClosed).toBe(true)
    expect(seen.asked).toBeLessThan(PARTS)
  })

  it('is cut off where it cannot be read, and the reason is told', async () => {
    const reason = new Error('a damaged pack')
    const { url, ended } = await sending(reason)
    const response = await fetch(url)
    await expect(response.arrayBuffer()).rejects.toThrow('terminated')
    expect(await ended).toBe(reason)
  })

  it('is not begun where nothing of it can be read: the reason is an answer', async () => {
    const reason = new Error('a bucket that is away')
    const { url, seen, ended } = await sending(reason, 0)
    await expect(fetch(url)).rejects.toThrow('fetch failed')
    expect([await ended, seen.isBegun]).toEqual([reason, false])
  })
})
