import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import type { SessionSpec } from '../../inference/session-messages.js'
import { type PoolOptions, SessionPool } from '../../inference/session-pool.js'
import { smallModel } from '../serving/support/models.js'
import { eventually } from '../support/eventually.js'

const OPTIONS: PoolOptions = { threads: 1, queueRows: 100, deadlineSeconds: 120 }
const row = (temp: number) => Float32Array.from([temp, 1, 0])

describe('the session pool', () => {
  let directory: string
  let one: SessionSpec
  let two: SessionSpec
  let pool: SessionPool
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'mlforge-pool-'))
    const spec = async (version: number): Promise<SessionSpec> => {
      const file = join(directory, `${version}.onnx`)
      await writeFile(file, smallModel(version))
      return { key: `v${version}`, file, columns: 3 }
    }
    one = await spec(1)
    two = await spec(2)
  })
  afterEach(() => pool.close())
  afterAll(() => rm(directory, { recursive: true, force: true }))

  const open = async (options: Partial<PoolOptions> = {}, specs = [one]): Promise<SessionPool> => {
    pool = new SessionPool({ ...OPTIONS, ...options })
    expect(await pool.use(specs)).toEqual(new Map())
    return pool
  }

  it('gives each caller the numbers of its own rows, however they were put together', async () => {
    await open({}, [one, two])
    const answers = await Promise.all(
      Array.from({ length: 60 }, async (_, i) => {
        const temps = Array.from({ length: 1 + (i % 3) }, (__, k) => ((i + k) % 2 === 0 ? 0.2 : 0.8))
        const values = Float32Array.from(temps.flatMap(temp => [temp, 1, 0]))
        const version = 1 + (i % 2)
        const outputs = await pool.run(`v${version}`, values, temps.length)
        return [[...outputs], temps.map(temp => 100 * version + (temp < 0.5 ? 0 : 1))]
      }),
    )
    for (const [got, expected] of answers) expect(got).toEqual(expected)
  })

  it('names the sessions that cannot be loaded or run, and keeps the others', async () => {
    const file = join(directory, 'broken.onnx')
    await writeFile(file, 'no model')
    pool = new SessionPool(OPTIONS)
    const failed = await pool.use([one, { key: 'broken', file, columns: 3 }, { ...two, columns: 5 }])
    expect([...failed.keys()]).toEqual(['broken', 'v2'])
    expect(failed.get('broken')).toMatch(/cannot be loaded as an ONNX model/)
    expect([...(await pool.run('v1', row(0.2), 1))]).toEqual([100])
  })

  it('answers while other sessions take the place of its own', async () => {
    await open()
    let swapping = true
    const swaps = (async () => {
      for (let i = 0; i < 4; i++) await pool.use(i % 2 === 0 ? [one, two] : [one])
      swapping = false
    })()
    let answered = 0
    while (swapping) {
      expect([...(await pool.run('v1', row(0.8), 1))]).toEqual([101])
      answered++
    }
    await swaps
    expect(answered).toBeGreaterThan(20)
  })

  it('has room for so many rows as may wait, and for one request that is larger', async () => {
    pool = new SessionPool({ ...OPTIONS, queueRows: 3 })
    expect(pool.hasRoom(1000)).toBe(true)
    const waiting = [pool.run('v1', row(0.2), 1), pool.run('v1', row(0.2), 1)]
    expect(pool.waiting('answers')).toBe(2)
    expect(pool.hasRoom(1)).toBe(true)
    expect(pool.hasRoom(2)).toBe(false)
    expect(pool.hasRoom(2, 'background')).toBe(true)
    await pool.use([one])
    await Promise.all(waiting)
    expect(pool.waiting('answers')).toBe(0)
  })

  it('ends the wait at the deadline', async () => {
    pool = new SessionPool({ ...OPTIONS, deadlineSeconds: 0.05 })
    await expect(pool.run('v1', row(0.2), 1)).rejects.toMatchObject({ code: 'timed_out' })
    expect(pool.waiting('answers')).toBe(0)
  })

  it('scores background rows only when no others wait', async () => {
    pool = new SessionPool(OPTIONS)
    const order: string[] = []
    const runs = [
      pool.run('v1', row(0.2), 1, 'background').then(() => order.push('background')),
      pool.run('v1', row(0.2), 1).then(() => order.push('answer')),
    ]
    await pool.use([one])
    await Promise.all(runs)
    expect(order).toEqual(['answer', 'background'])
  })

  it('refuses rows that the model cannot take, and goes on', async () => {
    await open()
    await expect(pool.run('v1', new Float32Array(4), 1)).rejects.toMatchObject({ code: 'internal' })
    await expect(pool.run('v9', row(0.2), 1)).rejects.toMatchObject({ code: 'internal' })
    expect([...(await pool.run('v1', row(0.2), 1))]).toEqual([100])
  })

  it('starts a thread again that has died', async () => {
    await open()
    const [slot] = (pool as unknown as { slots: { worker: { terminate(): Promise<number> } }[] }).slots
    await slot!.worker.terminate()
    await eventually(async () => expect([...(await pool.run('v1', row(0.8), 1))]).toEqual([101]))
  })
})
