import { afterEach, describe, expect, it } from '@jest/globals'
import { RunWakes } from '../../../stores/redis/wake.js'
import { eventually } from '../../support/eventually.js'

describe('RunWakes', () => {
  const open: RunWakes[] = []
  const wakes = (url: string, said: string[] = []) => {
    const made = new RunWakes(url, { warn: (_, message) => void said.push(message) })
    open.push(made)
    return made
  }
  afterEach(() => {
    for (const each of open.splice(0)) each.close()
  })

  it('wakes who waits for the run, in another process too, until it no longer listens', async () => {
    const url = process.env['TEST_REDIS_URL']!
    const [publisher, subscriber] = [wakes(url), wakes(url)]
    let woken = 0
    let others = 0
    const unsubscribe = subscriber.subscribe('run-1', () => woken++)
    subscriber.subscribe('run-2', () => others++)
    await eventually(() => {
      publisher.publish('run-1')
      expect(woken).toBeGreaterThan(0)
    })
    expect(others).toBe(0)
    unsubscribe()
    const before = woken
    await eventually(() => {
      publisher.publish('run-1')
      publisher.publish('run-2')
      expect(others).toBeGreaterThan(0)
    })
    expect(woken).toBe(before)
  })

  it('counts what fails and says it once', async () => {
    const said: string[] = []
    const away = wakes('redis://127.0.0.1:1', said)
    away.subscribe('run-1', () => undefined)
    for (let i = 0; i < 20; i++) away.publish('run-1')
    await eventually(() => expect(away.failures).toBeGreaterThanOrEqual(20))
    expect(said).toHaveLength(1)
    await expect(away.ping()).rejects.toThrow(/writeable|ECONNREFUSED|closed/)
  })
})
