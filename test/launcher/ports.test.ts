import { createServer } from 'node:net'
import { describe, expect, it } from '@jest/globals'
import { freePort } from '../../infra/launcher/ports.js'

describe('freePort', () => {
  it('gives each owner ports of its own, below those of outgoing connections', async () => {
    const portsOf = async (owner: string) => {
      const ports: number[] = []
      for (let i = 0; i < 30; i++) ports.push(await freePort(ports, owner))
      return ports
    }
    const [one, other] = [await portsOf('/stack/a'), await portsOf('/stack/b')]
    for (const ports of [one, other]) {
      expect(new Set(ports).size).toBe(30)
      expect(Math.max(...ports) - Math.min(...ports)).toBeLessThan(125)
      expect(Math.min(...ports)).toBeGreaterThanOrEqual(20_000)
      expect(Math.max(...ports)).toBeLessThan(32_000)
    }
    expect(one.filter(port => other.includes(port))).toEqual([])
  })

  it('takes no port that somebody listens on, and goes beyond its own where they are all taken', async () => {
    const first = await freePort([], '/stack/c')
    const server = createServer().listen(first, '127.0.0.1')
    const taken: number[] = []
    for (let port = first - 125; port <= first + 125; port++) if (port !== first) taken.push(port)
    const port = await freePort(taken, '/stack/c')
    await new Promise(resolve => server.close(resolve))
    expect([...taken, first]).not.toContain(port)
  })
})
