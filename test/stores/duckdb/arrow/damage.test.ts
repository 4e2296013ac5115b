import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { MlforgeError } from '../../../../domain/errors.js'
import { arrowToParquet } from '../../../../stores/duckdb/arrow/arrow-to-parquet.js'
import { eventually } from '../../../support/eventually.js'
import { temporaryDirectory } from '../tables.js'
import { OTHERS, TYPED, WRITTEN, written } from './make.js'

const run = promisify(execFile)
const PROBE = fileURLToPath(new URL('./probes/damaged.js', import.meta.url))
const CONFINE = new URL('../../../../stores/duckdb/arrow/confine.js', import.meta.url).href
const SEEDS = 100
const MEMORY_MB = 1_024

/** What damaged files may come to: those of damaged Parquet. */
const STABLE =
  /^(read|arrow_malformed|arrow_batch_too_large|type_unsupported|duplicate_columns|format_unsupported)$/

describe('damaged Arrow', () => {
  let directory: string
  let prefix: string
  beforeAll(async () => {
    directory = await temporaryDirectory()
    prefix = join(directory, 'table')
    await written(
      prefix,
      `one, two = ${TYPED}, ${OTHERS}
for name in two.column_names: one = one.append_column(name, two[name])
write(one, 'all')
n = 3000000
write(pa.table({f'c{i}': pa.array(range(n)) for i in range(4)}), 'long')`,
    )
  })
  afterAll(() => rm(directory, { recursive: true, force: true }))

  it.each(WRITTEN)('is refused, or read as a table, and takes no memory: %s', async form => {
    const file = `${prefix}-all-${form}`
    const { stdout } = await run(process.execPath, [
      ...['--max-old-space-size=256', PROBE],
      ...[file, directory, '0', String(SEEDS), String(MEMORY_MB)],
    ])
    const { outcomes, peakMb } = JSON.parse(stdout) as { outcomes: string[]; peakMb: number }
    expect(outcomes).toHaveLength(SEEDS)
    expect(outcomes.filter(outcome => !STABLE.test(outcome))).toEqual([])
    expect(new Set(outcomes)).toEqual(new Set(outcomes).add('read').add('arrow_malformed'))
    expect(peakMb).toBeLessThan(400)
  })

  it('is refused by the process of its own, which leaves nothing behind', async () => {
    const whole = await readFile(`${prefix}-all-lz4`)
    const given = join(directory, 'given')
    for (const at of [whole.length >> 2, whole.length >> 1, whole.length - 60]) {
      await writeFile(given, whole.subarray(0, at))
      const refused = await arrowToParquet(given, directory).catch((error: unknown) => error)
      expect(refused).toBeInstanceOf(MlforgeError)
      expect(refused).toMatchObject({ code: 'arrow_malformed' })
    }
    const names = await readdir(directory)
    expect(names.filter(name => name.startsWith('mlforge-duckdb'))).toEqual([])
  })

  const childrenOf = (pid: number): number[] =>
    readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number)

  it('is no longer read when it is no longer wanted', async () => {
    const before = childrenOf(process.pid)
    const controller = new AbortController()
    const reading = arrowToParquet(`${prefix}-long-lz4`, directory, { signal: controller.signal })
    const [child] = childrenOf(process.pid).filter(pid => !before.includes(pid))
    expect(child).toBeDefined()
    controller.abort(new Error('not wanted'))
    await expect(reading).rejects.toThrow('not wanted')
    await eventually(() => expect(childrenOf(process.pid)).not.toContain(child))
  })

  it('is refused where reading it hangs', async () => {
    const pipe = join(directory, 'pipe')
    // Whoever opens it waits for a writer, who never comes.
    await run('mkfifo', [pipe])
    const before = childrenOf(process.pid)
    const reading = arrowToParquet(pipe, directory, { silenceMs: 2_000 })
    const [child] = childrenOf(process.pid).filter(pid => !before.includes(pid))
    await expect(reading).rejects.toMatchObject({
      code: 'arrow_malformed',
      message: expect.stringMatching(/has hung for 2 seconds/),
    })
    expect(childrenOf(process.pid)).not.toContain(child)
  })

  it('may be read again where the process was ended from outside', async () => {
    const before = childrenOf(process.pid)
    const reading = arrowToParquet(`${prefix}-long-lz4`, directory)
    const [child] = childrenOf(process.pid).filter(pid => !before.includes(pid))
    process.kill(child!, 'SIGKILL')
    const error: unknown = await reading.catch((each: unknown) => each)
    expect(error).not.toBeInstanceOf(MlforgeError)
    expect(String(error)).toMatch(/ended from outside/)
  })

  it('cannot take more memory than its process is given', async () => {
    const script = `import { confine } from ${JSON.stringify(CONFINE)}
      confine({ parent: process.ppid, megabytes: 512 })
      const kept = []
      try { for (let i = 0; i < 2; i++) kept.push(new Uint8Array(400 << 20)) } catch (error) { console.log(error.message) }`
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script])
    expect(stdout).toMatch(/allocation failed/)
  })
})
