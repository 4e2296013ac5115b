import { execFile } from 'node:child_process'
import { hash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { promisify } from 'node:util'
import type { Worker } from 'node:worker_threads'
import { afterAll, describe, expect, it } from '@jest/globals'
import { Packing } from '../../packing/packing.js'
import { Threads } from '../../packing/threads.js'
import { madeBytes } from '../domain/data/made-bytes.js'
import { collect, directory, stored } from './files.js'

const files = directory()
afterAll(() => files.remove())

const content = madeBytes(1_000, 1)
writeFileSync(files.path('file'), content)

describe('threads', () => {
  it('stop at an abort, and are there for the next call', async () => {
    const packing = new Packing({ threads: 2 })
    const controller = new AbortController()
    async function* endless(): AsyncGenerator<string> {
      for (let i = 0; ; i++) {
        if (i === 1_000) controller.abort(new Error('enough'))
        yield await Promise.resolve(files.path('file'))
      }
    }
    await expect(collect(packing.scan(endless(), { signal: controller.signal }))).rejects.toThrow('enough')
    const aborted = packing.packs([], { signal: controller.signal })
    await expect(collect(aborted)).resolves.toEqual([])
    expect(await collect(packing.scan([files.path('file')]))).toMatchObject([{ bytes: 1_000 }])
    await packing.close()
  })

  it('work no further than a reader reads', async () => {
    const packing = new Packing({ threads: 1 })
    let asked = 0
    function* pieces() {
      for (; asked < 100; asked++) {
        const bytes = madeBytes(1_000_000, asked)
        yield { sha256: hash('sha256', bytes, 'hex'), bytes: bytes.length, from: { content: bytes } }
      }
    }
    for await (const _ of packing.packs(pieces())) break
    await packing.close()
    expect(asked).toBeLessThan(40)
  })

  it('say what went wrong with a job, and do the next one', async () => {
    const threads = new Threads(1)
    const unsendable = threads.run('verify', { content: () => 0 } as never)
    await expect(unsendable).rejects.toMatchObject({ name: 'DataCloneError' })
    const senseless = threads.run('pack', { pieces: [null] } as never)
    await expect(senseless).rejects.toMatchObject({ code: 'internal' })
    expect((await threads.run('scan', { files: [files.path('file')] })).scanned).toHaveLength(1)
    await threads.close()
  })

  it('that end take their job with them, and no other', async () => {
    const threads = new Threads(1)
    const lost = threads.run('scan', { files: [files.path('file')] }).catch((error: unknown) => error)
    const [thread] = (Reflect.get(threads, 'busy') as Map<Worker, unknown>).keys()
    const next = threads.run('scan', { files: [files.path('file')] })
    await thread!.terminate()
    expect(await lost).toMatchObject({ code: 'unavailable', retryable: true })
    expect((await next).scanned).toHaveLength(1)
    await threads.close()
  })

  it('are closed once and for all', async () => {
    const packing = new Packing({ threads: 1 })
    const open = collect(packing.scan([files.path('file'), files.path('file')]))
    const outcome = open.catch((error: unknown) => error)
    await packing.close()
    await packing.close()
    expect(await outcome).toMatchObject({ code: 'wrong_state' })
    await expect(packing.verify(stored(content))).rejects.toMatchObject({ code: 'wrong_state' })
  })

  it('do not keep a process alive', async () => {
    const source = `
      const { Packing } = await import(${JSON.stringify(new URL('../../packing/packing.js', import.meta.url).href)})
      for await (const { bytes } of new Packing().scan([${JSON.stringify(files.path('file'))}])) console.log(bytes)`
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--input-type=module', '--eval', source],
      { timeout: 30_000 },
    )
    expect(stdout).toBe('1000\n')
  })
})
