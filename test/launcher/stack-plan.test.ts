import { describe, expect, it } from '@jest/globals'
import { tmpdir } from 'node:os'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { loadSettings } from '../../config/load.js'
import { standardPlan } from '../../infra/launcher/stack.js'

const PORTS: Readonly<Record<string, number>> = { postgres: 5001, redis: 5002, 'serving-1': 5003 }

describe('the plan of a stack', () => {
  const redisOfReplica = async (only?: readonly string[], env: Readonly<Record<string, string>> = {}) => {
    const cwd = mkdtempSync(join(tmpdir(), 'mlforge-plan-'))
    try {
      const plan = standardPlan(loadSettings({ env, cwd, embedded: true }), only)
      const part = plan.parts.find(({ name }) => name === 'serving-1')
      if (part?.kind !== 'process') throw new Error('There is no replica.')
      const never = () => Promise.reject(new Error('not asked for'))
      const context = { port: (name: string) => PORTS[name]!, runToEnd: never, log: () => undefined }
      return new URL((await part.command(context)).env!['MLFORGE_REDIS_URL']!).host
    } finally {
      rmSync(cwd, { recursive: true })
    }
  }

  it.each<[string, readonly string[] | undefined, Readonly<Record<string, string>>, string]>([
    ['is started with it', undefined, {}, '127.0.0.1:5002'],
    ['is among those asked for', ['postgres', 'redis', 'serving-1'], {}, '127.0.0.1:5002'],
    ['is not among those asked for: nobody answers there', ['postgres', 'serving-1'], {}, '127.0.0.1:1'],
    ['is configured', ['serving-1'], { MLFORGE_REDIS_URL: 'redis://cache:7000' }, 'cache:7000'],
  ])('tells a replica of the Redis that %s', async (_, only, env, host) => {
    expect(await redisOfReplica(only, env)).toBe(host)
  })
})
