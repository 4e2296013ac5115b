import { connect, createServer, type AddressInfo } from 'node:net'
import { describe, expect, it } from '@jest/globals'
import pg from 'pg'
import { whenReachable } from '../../../stores/postgres/when-reachable.js'

const DEADLINE_MS = 20_000

describe('whenReachable', () => {
  it('does its work once Postgres answers', async () => {
    const url = new URL(process.env['TEST_POSTGRES_URL']!)
    const { hostname, port } = url
    let isUp = false
    const door = createServer(socket => {
      if (!isUp) return socket.destroy()
      const behind = connect(Number(port), hostname)
      socket.pipe(behind).pipe(socket)
      for (const each of [socket, behind]) each.on('error', () => undefined)
    })
    await new Promise<void>(resolve => door.listen(0, '127.0.0.1', resolve))
    url.port = String((door.address() as AddressInfo).port)
    let tries = 0
    const answer = await whenReachable(async () => {
      isUp = ++tries > 1
      const client = new pg.Client({ connectionString: url.href })
      await client.connect()
      const { rows } = await client.query('SELECT 1 AS one')
      await client.end()
      return rows[0] as unknown
    }, DEADLINE_MS)
    expect(answer).toEqual({ one: 1 })
    expect(tries).toBe(2)
    await new Promise(resolve => door.close(resolve))
  })

  it('throws at once what is no matter of reaching it', async () => {
    let tries = 0
    const work = () => Promise.reject(new Error(`mistake ${++tries}`))
    await expect(whenReachable(work, DEADLINE_MS)).rejects.toThrow('mistake 1')
  })
})
