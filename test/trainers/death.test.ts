import { afterEach, beforeAll, afterAll, describe, expect, it } from '@jest/globals'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { eventually } from '../support/eventually.js'
import { isGone, temporaryDirectory, trainJob, writeBikeRows } from './support.js'

const started: number[] = []
let root: string
let remove: () => Promise<void>

beforeAll(async () => {
  ;({ path: root, remove } = await temporaryDirectory())
})
afterAll(() => remove())

afterEach(() => {
  for (const pid of started.splice(0)) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // Gone, as it should be.
    }
  }
})

/** Starts a probe and waits until it has told the pids that must die with it. */
async function start(probe: string, ...args: string[]): Promise<{ parent: ChildProcess; pids: number[] }> {
  const file = fileURLToPath(new URL(`./probes/${probe}.js`, import.meta.url))
  const parent = spawn(process.execPath, [file, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = (await once(createInterface({ input: parent.stdout }), 'line')) as [string]
  const { pids } = JSON.parse(line) as { pids: number[] }
  started.push(parent.pid!, ...pids)
  return { parent, pids }
}

describe('a trainer whose parent is killed', () => {
  it.each([
    ['by the death signal alone', 'signal-only', 1],
    ['by the end of the control pipe alone, with its grandchild', 'pipe-only', 2],
  ])('dies %s', async (_, probe, processes) => {
    const { parent, pids } = await start('parent', probe)
    expect(pids).toHaveLength(processes)
    expect(pids.some(isGone)).toBe(false)
    parent.kill('SIGKILL')
    await eventually(() => expect(pids.filter(pid => !isGone(pid))).toEqual([]))
  })

  it('dies in the middle of a training', async () => {
    const data = join(root, 'train.parquet')
    await writeBikeRows(data, 'yr = 0')
    const job = trainJob(root, data, { rounds: 100_000, checkpointEvery: 0 })
    const { parent, pids } = await start('training-parent', JSON.stringify(job))
    expect(pids.some(isGone)).toBe(false)
    parent.kill('SIGKILL')
    await eventually(() => expect(pids.every(isGone)).toBe(true))
  })

  it('leaves at once when the parent died before the death signal was asked for', async () => {
    const file = fileURLToPath(new URL('./probes/signal-only.js', import.meta.url))
    const orphan = spawn(process.execPath, [file, '1'], { stdio: 'ignore' })
    started.push(orphan.pid!)
    expect(await once(orphan, 'exit')).toEqual([137, null])
  })
})
