import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import pg from 'pg'
import { afterEach, describe, expect, it } from '@jest/globals'
import { down } from '../../infra/launcher/down.js'
import { statePaths } from '../../infra/launcher/paths.js'
import { postgresUrl } from '../../infra/launcher/postgres.js'
import { allPids, identify } from '../../infra/launcher/proc.js'
import { StateFile, readState } from '../../infra/launcher/state.js'
import { stackStatus } from '../../infra/launcher/status.js'
import { testPlan, type TestStack } from './support/plan.js'
import {
  child,
  eventually,
  members,
  pids,
  removeStacks,
  running,
  start,
  supervisorPid,
  temporaryState,
} from './support/stack.js'

const silent = () => undefined

afterEach(removeStacks)

describe('a supervisor that is killed', () => {
  it('leaves children that down alone stops, with their whole groups', async () => {
    const stack: TestStack = { stateDirectory: temporaryState(), postgres: true, servers: { api: 'serve' } }
    await start(stack)
    process.kill(supervisorPid(stack.stateDirectory), 'SIGKILL')
    await eventually(() => running([supervisorPid(stack.stateDirectory)]).length === 0)
    const recorded = pids(stack.stateDirectory)
    const processes = members(stack.stateDirectory)
    expect(processes.length).toBeGreaterThan(recorded.length)
    expect(running(recorded)).toEqual(recorded)

    expect(await down(stack.stateDirectory, silent)).toBe(3)
    expect(running(processes)).toEqual([])
  })

  it('is followed by one that adopts the healthy and starts the dead', async () => {
    const stack: TestStack = { stateDirectory: temporaryState(), servers: { api: 'serve', worker: 'serve' } }
    await start(stack)
    const before = { api: child(stack.stateDirectory, 'api'), worker: child(stack.stateDirectory, 'worker') }
    const killed = [supervisorPid(stack.stateDirectory), before.worker.pid]
    for (const pid of killed) process.kill(pid, 'SIGKILL')
    await eventually(() => running(killed).length === 0)

    await start(stack)
    expect(child(stack.stateDirectory, 'api').pid).toBe(before.api.pid)
    expect(child(stack.stateDirectory, 'worker').pid).not.toBe(before.worker.pid)
    expect(child(stack.stateDirectory, 'worker').port).toBe(before.worker.port)
  })

  it('is followed by one that waits for those that do not answer at once', async () => {
    const stack: TestStack = { stateDirectory: temporaryState(), servers: { api: 'serve' } }
    await start(stack)
    const { pid } = child(stack.stateDirectory, 'api')
    const first = supervisorPid(stack.stateDirectory)
    process.kill(first, 'SIGKILL')
    await eventually(() => running([first]).length === 0)
    process.kill(pid, 'SIGSTOP')
    const up = start(stack)
    await eventually(() => {
      const { supervisor, parts } = readState(stack.stateDirectory)
      return supervisor?.pid !== first && parts['api']?.message?.startsWith('waiting') === true
    })
    process.kill(pid, 'SIGCONT')
    await up
    expect(child(stack.stateDirectory, 'api').pid).toBe(pid)
  })

  it('during up: up goes on with another, and nothing of the first is left', async () => {
    const stack: TestStack = { stateDirectory: temporaryState(), postgres: true, servers: { api: 'serve' } }
    const up = start(stack)
    await eventually(() => readState(stack.stateDirectory).children['postgres:initdb'] !== undefined)
    const initdb = child(stack.stateDirectory, 'postgres:initdb').pid
    process.kill(supervisorPid(stack.stateDirectory), 'SIGKILL')
    await up
    expect(running([initdb])).toEqual([])
    expect((await stackStatus(testPlan(stack))).healthy).toBe(true)
  })
})

describe('up', () => {
  it('twice at once ends in one stack', async () => {
    const stack: TestStack = { stateDirectory: temporaryState(), servers: { api: 'serve' } }
    await Promise.all([start(stack), start(stack), start(stack)])
    const state = readState(stack.stateDirectory)
    expect(Object.keys(state.children).sort()).toEqual(['api', 'redis'])
    expect(running([supervisorPid(stack.stateDirectory)])).toHaveLength(1)
    const supervisors = await findSupervisors(stack.stateDirectory)
    expect(supervisors).toEqual([supervisorPid(stack.stateDirectory)])
  })

  it('takes a part over when its command changed, and stops what the plan no longer has', async () => {
    const stateDirectory = temporaryState()
    await start({ stateDirectory, servers: { api: 'serve', worker: 'serve' } })
    const before = { api: child(stateDirectory, 'api').pid, worker: child(stateDirectory, 'worker').pid }
    const redis = child(stateDirectory, 'redis').pid
    await start({ stateDirectory, servers: { api: 'stubborn' } })
    expect(running([before.api, before.worker])).toEqual([])
    expect(child(stateDirectory, 'redis').pid).toBe(redis)
    expect(readState(stateDirectory).children['worker']).toBeUndefined()
  })

  it('kills what does not stop when asked, after its deadline', async () => {
    const stack: TestStack = { stateDirectory: temporaryState(), servers: { api: 'stubborn' } }
    await start(stack)
    const processes = members(stack.stateDirectory)
    const lines: string[] = []
    await down(stack.stateDirectory, line => lines.push(line))
    expect(lines).toEqual(['api: killed', 'redis: stopped'])
    expect(running(processes)).toEqual([])
  })
})

describe('a recycled pid', () => {
  it('is neither killed nor counted as ours', async () => {
    const stranger = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { detached: true })
    try {
      const stack: TestStack = { stateDirectory: temporaryState(), servers: { api: 'serve' } }
      const found = identify(stranger.pid ?? 0)
      if (found === undefined) throw new Error('the stranger does not run')
      const record = {
        ...found,
        startTime: found.startTime - 1,
        order: 1,
        fingerprint: '',
        stopSignal: 'SIGTERM' as const,
        stopDeadlineMs: 100,
        startedAt: '',
      }
      const supervisor = {
        ...found,
        startTime: found.startTime - 1,
        fingerprint: testPlan(stack).fingerprint,
      }
      new StateFile(stack.stateDirectory).update({ children: { api: record }, supervisor, phase: 'ready' })

      expect((await stackStatus(testPlan(stack))).parts.find(part => part.name === 'api')?.healthy).toBe(
        false,
      )
      await start(stack)
      expect(child(stack.stateDirectory, 'api').pid).not.toBe(stranger.pid)
      new StateFile(stack.stateDirectory).setChild('old', record)
      await down(stack.stateDirectory, silent)
      expect(identify(stranger.pid ?? 0)).toEqual(found)
    } finally {
      stranger.kill('SIGKILL')
    }
  })

  it('of an earlier boot is left alone', async () => {
    const stranger = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { detached: true })
    try {
      const stateDirectory = temporaryState()
      const found = identify(stranger.pid ?? 0)
      if (found === undefined) throw new Error('the stranger does not run')
      new StateFile(stateDirectory).setChild('api', {
        ...found,
        bootId: 'another',
        order: 0,
        fingerprint: '',
        stopSignal: 'SIGTERM',
        stopDeadlineMs: 100,
        startedAt: '',
      })
      expect(await down(stateDirectory, silent)).toBe(0)
      expect(identify(stranger.pid ?? 0)).toEqual(found)
    } finally {
      stranger.kill('SIGKILL')
    }
  })
})

describe('a process that ends by itself', () => {
  it('backs off, and after five crashes is failed with the last lines of its log', async () => {
    const stack: TestStack = { stateDirectory: temporaryState(), servers: { api: 'crash' } }
    const lines: string[] = []
    await expect(start(stack, lines)).rejects.toThrow('the disk is on fire')
    expect(lines.join('\n')).toMatch(/backing off.*0\.2 s[^]*0\.4 s[^]*0\.8 s[^]*1\.6 s[^]*failed/)
    const report = (await stackStatus(testPlan(stack))).parts.find(part => part.name === 'api')
    expect(report).toMatchObject({ state: 'failed', healthy: false, restarts: 4 })
    expect(report?.message).toContain('the disk is on fire')
  })

  it('is started again on the same port, and endpoints.json names its new pid', async () => {
    const stack: TestStack = { stateDirectory: temporaryState(), servers: { api: 'serve' } }
    await start(stack)
    for (const name of ['api', 'redis']) {
      const before = child(stack.stateDirectory, name)
      process.kill(before.pid, 'SIGKILL')
      const report = async () => (await stackStatus(testPlan(stack))).parts.find(part => part.name === name)
      await eventually(async () => {
        const now = await report()
        return now?.healthy === true && now.pid !== before.pid && now.restarts === 1
      })
      const after = child(stack.stateDirectory, name)
      expect(after.port).toBe(before.port)
      await eventually(() => endpoints(stack.stateDirectory).processes[name]?.pid === after.pid)
    }
  })

  it('waits for its port where another process has taken it meanwhile', async () => {
    const stack: TestStack = { stateDirectory: temporaryState(), servers: { api: 'serve' } }
    await start(stack)
    const { pid, port } = child(stack.stateDirectory, 'api')
    const api = () => readState(stack.stateDirectory).parts['api']!
    const other = createServer()
    const taking = () =>
      new Promise<boolean>(resolve => {
        other.once('error', () => resolve(false))
        other.listen(port, '127.0.0.1', () => resolve(true))
      })
    // Held, so that it cannot be first.
    const supervisor = supervisorPid(stack.stateDirectory)
    process.kill(supervisor, 'SIGSTOP')
    process.kill(pid, 'SIGKILL')
    await eventually(taking)
    process.kill(supervisor, 'SIGCONT')
    // More often than a process may crash.
    const log = () => readFileSync(statePaths(stack.stateDirectory).log('supervisor'), 'utf8')
    await eventually(() => log().split('api did not start: Port').length > 7)
    await eventually(() => api().message?.includes(`Port ${port} of 127.0.0.1 is taken`) === true)
    await new Promise(resolve => other.close(resolve))
    await eventually(() => api().state === 'ready')
    expect(child(stack.stateDirectory, 'api')).toMatchObject({ port })
  })

  it('Postgres too, and its data are there', async () => {
    const stack: TestStack = { stateDirectory: temporaryState(), postgres: true, servers: {} }
    await start(stack)
    const before = child(stack.stateDirectory, 'postgres')
    await sql(stack.stateDirectory, 'CREATE TABLE kept AS SELECT 42 AS answer')
    process.kill(before.pid, 'SIGKILL')
    await eventually(async () => {
      const report = (await stackStatus(testPlan(stack))).parts.find(part => part.name === 'postgres')
      return report?.healthy === true && report.pid !== before.pid
    })
    expect(child(stack.stateDirectory, 'postgres').port).toBe(before.port)
    expect(await sql(stack.stateDirectory, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }])
  })
})

async function sql(stateDirectory: string, text: string): Promise<unknown[]> {
  const password = readFileSync(statePaths(stateDirectory).postgresPassword, 'utf8').trim()
  const port = readState(stateDirectory).ports['postgres'] ?? 0
  const client = new pg.Client({ connectionString: postgresUrl(port, password) })
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(text)).rows
  } finally {
    await client.end()
  }
}

function endpoints(stateDirectory: string): { processes: Record<string, { pid: number }> } {
  return JSON.parse(readFileSync(statePaths(stateDirectory).endpoints, 'utf8')) as never
}

/** Pids of every supervisor that was started for this directory. */
async function findSupervisors(stateDirectory: string): Promise<number[]> {
  const isOne = (pid: number) => {
    try {
      const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8')
      return line.includes('support/supervisor.js') && line.includes(stateDirectory)
    } catch {
      return false
    }
  }
  let found: number[] = []
  // Those that found the lock taken are about to end.
  await eventually(() => (found = running(allPids().filter(isOne))).length === 1)
  return found
}
