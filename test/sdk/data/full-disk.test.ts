import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { WorkingCopy } from '../../../sdk/data/working-copy.js'
import { SmallDisk } from '../../support/small-disk.js'
import { ClientBench, filesOf, WHO, write } from './client-bench.js'

const run = promisify(execFile)
const CLI = fileURLToPath(new URL('../../../cli/main.js', import.meta.url))
const MEBIBYTE = 1024 * 1024

const disk = SmallDisk.make(24)
const onDisk = disk === undefined ? describe.skip : describe

onDisk('a client whose disk has no room', () => {
  const path = disk?.path ?? ''
  let bench: ClientBench
  /** The files of each version, as `filesOf` has them. */
  const versions: Record<string, string>[] = []
  beforeAll(async () => {
    bench = await ClientBench.start()
    const copy = await bench.copyAt('copy', 'full')
    // Each version has each file anew: 8 MiB, of which there may be two.
    for (const version of ['one', 'two']) {
      for (let i = 0; i < 8; i++) await write(copy, `f${i}`, randomBytes(MEBIBYTE))
      await write(copy, 'small.txt', version)
      await copy.add('all')
      await copy.commit({ ...WHO, message: version })
      await bench.client.push(copy)
      versions.push(await filesOf(copy))
    }
    await bench.closeCopies()
  })
  afterAll(async () => {
    await bench?.stop()
    disk!.remove()
  })

  /** Files in a directory of the small disk, as a command of the CLI has left them. */
  const data = async (directory: string, ...args: string[]): Promise<string> => {
    const env = { ...process.env, MLFORGE_API_URL: bench.api.url, MLFORGE_API_KEY: 'mlf_operator' }
    return (await run(process.execPath, [CLI, 'data', ...args], { cwd: directory, env })).stdout
  }
  const openAt = (root: string) => WorkingCopy.open(root)
  const saidSo = {
    stderr: expect.stringMatching(/^mlforge: "\/.*": ENOSPC.*Make room on the disk.*\(unavailable\)\n$/),
  }

  it.each([['pull'], ['checkout', '2']])(
    'has whole files of one version or the other after a %s that ended early, and all of them once there is room',
    async (...command) => {
      const root = join(path, command[0]!)
      mkdirSync(root)
      await data(root, 'init', 'full')
      await data(root, 'checkout', '1')
      let copy = openAt(root)
      expect(await filesOf(copy)).toEqual(versions[0])
      await copy.close()

      // Enough for the first files, which are put together beside their places.
      disk!.fill(800)
      await expect(data(root, ...command)).rejects.toMatchObject(saidSo)
      copy = openAt(root)
      for (const [file, content] of Object.entries(await filesOf(copy))) {
        expect([versions[0]![file], versions[1]![file]]).toContain(content)
      }
      expect(readdirSync(join(root, '.mlforge-data'))).not.toContain('tmp')
      expect(readdirSync(root).filter(name => !/^(f\d|small.txt|.mlforge-data)$/.test(name))).toEqual([])
      await copy.close()

      disk!.free()
      await data(root, ...command)
      copy = openAt(root)
      expect(await filesOf(copy)).toEqual(versions[1])
      expect(await copy.status()).toMatchObject({
        isInterrupted: false,
        unstaged: { changed: [], removed: [] },
      })
      await copy.close()
      rmSync(root, { recursive: true })
    },
  )

  it('says so at once of a file of a version, of which nothing stays', async () => {
    const file = join(path, 'f0')
    disk!.fill()
    await expect(data(path, 'get', 'full@2', 'f0', '-o', file)).rejects.toMatchObject(saidSo)
    expect(readdirSync(path).filter(name => name.includes('f0'))).toEqual([])
    disk!.free()
    await data(path, 'get', 'full@2', 'f0', '-o', file)
    expect(`0 ${(await readFile(file)).toString('base64')}`).toBe(versions[1]!['f0'])
  })
})
