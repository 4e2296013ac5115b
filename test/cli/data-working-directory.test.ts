import { execFile, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { TestApi } from '../api/support/api.js'
import { Harness } from '../support/harness.js'

const run = promisify(execFile)
const CLI = fileURLToPath(new URL('../../cli/main.js', import.meta.url))

describe('mlforge data in working directories', () => {
  const directory = mkdtempSync(join(tmpdir(), 'mlforge-cli-data-'))
  let harness: Harness
  let api: TestApi
  beforeAll(async () => {
    harness = await Harness.start({ queues: ['workflows', 'io', 'watch'] })
    api = await TestApi.beside(harness)
  })
  afterAll(async () => {
    await api?.stop()
    await harness?.stop()
    rmSync(directory, { recursive: true, force: true })
  })

  const environment = () => ({ ...process.env, MLFORGE_API_URL: api.url, MLFORGE_API_KEY: 'mlf_operator' })
  const data = async (cwd: string, ...args: string[]): Promise<string> =>
    (await run(process.execPath, [CLI, 'data', ...args], { cwd, env: environment() })).stdout
  /** A repository without hooks, as templates may have it, with a working directory in it. */
  const project = async (name: string): Promise<string> => {
    const root = join(directory, name)
    mkdirSync(root)
    execFileSync('git', ['init', '-q', '--template=', root])
    await data(root, 'init', 'hours', 'data')
    return join(root, 'data')
  }
  const pinned = (copy: string): unknown =>
    (
      JSON.parse(readFileSync(join(copy, '..', 'mlforge.lock'), 'utf8')) as {
        datasets: { hours: { version: number } }
      }
    ).datasets.hours.version

  it('pins what a rebase has brought where there was nothing to put on top of it', async () => {
    const [ours, theirs] = [await project('ours'), await project('theirs')]
    writeFileSync(join(ours, 'a.csv'), 'a')
    await data(ours, 'commit', '-a', '-m', 'a', '--author', 'Ada')
    await data(ours, 'push')
    await data(theirs, 'pull')
    writeFileSync(join(theirs, 'large.bin'), Buffer.alloc(2_000_000, 'large'))
    await data(theirs, 'commit', '-a', '-m', 'large', '--author', 'Bob')
    await data(theirs, 'push')
    expect(await data(ours, 'pull', '--rebase')).toMatch(/mlforge.lock pins hours to version 2\.\n$/)
    expect(pinned(ours)).toBe(2)

    writeFileSync(join(ours, 'c.csv'), 'c')
    await data(ours, 'commit', '-a', '-m', 'c', '--author', 'Ada')
    writeFileSync(join(theirs, 'd.csv'), 'd')
    await data(theirs, 'commit', '-a', '-m', 'd', '--author', 'Bob')
    await data(theirs, 'push')
    expect(await data(ours, 'pull', '--rebase')).toMatch(/is on top of it: [0-9a-f]{12}\n$/)
    expect(pinned(ours)).toBe(2)
  })

  it('says where no file can be written, and leaves nothing', async () => {
    const copy = join(directory, 'ours', 'data')
    const to = (output: string) => data(copy, 'get', 'hours@1', 'a.csv', '-o', output)
    const place = join(directory, 'place')
    mkdirSync(place)
    const long = join(place, 'n'.repeat(250))
    await to(long)
    expect(readFileSync(long, 'utf8')).toBe('a')
    for (const [output, why] of [
      [join(place, 'none', 'x'), 'its directory is not there'],
      [place, 'it is a directory'],
      [join(long, 'x'), 'it is to be in what is no directory'],
      [join(place, 'n'.repeat(256)), 'its name is too long'],
    ] as const) {
      const stderr = `mlforge: "${output}" cannot be written: ${why}. Name another file. (invalid_request)\n`
      await expect(to(output)).rejects.toMatchObject({ code: 2, stderr })
    }
    expect(readdirSync(place)).toHaveLength(1)
  })

  it('says what the file system refuses of its own files', async () => {
    const copy = await project('refused')
    await data(copy, 'pull')
    writeFileSync(join(copy, 'refused.csv'), 'a')
    await data(copy, 'commit', '-a', '-m', 'a', '--author', 'Ada')
    const blocked = join(copy, '..', 'mlforge.lock.tmp')
    mkdirSync(blocked)
    await expect(data(copy, 'push')).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /^mlforge: .*EISDIR.* "hours" is not pinned to version \d+: mlforge data checkout \d+ does it then\. \(unavailable\)\n$/,
      ),
    })
    rmSync(blocked, { recursive: true })
    await data(copy, 'checkout', 'latest')
    expect(pinned(copy)).toBeGreaterThan(0)

    await expect(data(copy, 'init', 'hours', 'refused.csv')).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^mlforge: .*ENOTDIR.*Name another place\. \(invalid_request\)\n$/),
    })
    const state = join(copy, '.mlforge-data', 'head.json')
    rmSync(state)
    mkdirSync(state)
    await expect(data(copy, 'status')).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^mlforge: .*EISDIR.*\n$/),
    })
  })

  it('puts nothing that is no file out of its place', async () => {
    const pipe = join(directory, 'pipe')
    execFileSync('mkfifo', [pipe])
    // As /dev/stdout is one to a device.
    const link = join(directory, 'link')
    symlinkSync(pipe, link)
    for (const output of [pipe, link]) {
      const stderr = `mlforge: "${output}" cannot be written: it is no regular file. Name another file. (invalid_request)\n`
      const got = data(directory, 'get', 'hours@1', 'a.csv', '-o', output)
      await expect(got).rejects.toMatchObject({ code: 2, stderr })
    }
    expect(lstatSync(pipe).isFIFO()).toBe(true)
    expect(lstatSync(link).isSymbolicLink()).toBe(true)
  })

  it('is done when whoever reads a file has enough of it', async () => {
    const child = spawn(process.execPath, [CLI, 'data', 'get', 'hours@2', 'large.bin'], {
      env: environment(),
    })
    let stderr = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
    child.stdout.once('data', () => child.stdout.destroy())
    expect(await once(child, 'close')).toEqual([0, null])
    expect(stderr).toBe('')
  })

  it('takes no name that no branch can have', async () => {
    const copy = join(directory, 'ours', 'data')
    for (const name of ['a b', 'latest', '12']) {
      const refused = { code: 2, stderr: expect.stringContaining(`"${name}" cannot name a branch: It `) }
      await expect(data(copy, 'branch', name)).rejects.toMatchObject(refused)
      await expect(data(copy, 'push', '--branch', name)).rejects.toMatchObject(refused)
      await expect(data(directory, 'init', 'none', '--branch', name)).rejects.toMatchObject(refused)
    }
    expect(existsSync(join(directory, '.mlforge-data'))).toBe(false)
    expect(await data(copy, 'status')).toMatch(/^hours, branch main, /)
    // It is one already, and stays as it is.
    expect(await data(copy, 'init', 'hours', '--branch', 'other')).toContain('branch "main".')
  })

  it('makes the directory of hooks where there is none', async () => {
    const copy = join(directory, 'ours', 'data')
    await data(copy, 'install-hook')
    const hook = join(copy, '..', '.git', 'hooks', 'post-checkout')
    expect(readFileSync(hook, 'utf8')).toContain('mlforge data checkout --all\n')
  })
})
