import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { TestApi } from '../api/support/api.js'
import { hashesOf, makeRepository, tracked } from '../sdk/data/dvc-repository.js'
import { temporary } from '../sdk/data/tree.js'
import { dvc } from '../support/dvc.js'
import { Harness } from '../support/harness.js'

const run = promisify(execFile)
const CLI = fileURLToPath(new URL('../../cli/main.js', import.meta.url))

describe('mlforge data with DVC', () => {
  const files = temporary()
  const repository = files.path('repository')
  const copy = files.path('copy')
  let harness: Harness
  let api: TestApi
  beforeAll(async () => {
    await makeRepository(repository)
    harness = await Harness.start()
    api = await TestApi.beside(harness)
  })
  afterAll(async () => {
    await api?.stop()
    await harness?.stop()
    files.remove()
  })

  const data = async (directory: string, ...args: string[]): Promise<string> => {
    const env = { ...process.env, MLFORGE_API_URL: api.url, MLFORGE_API_KEY: 'mlf_operator' }
    return (await run(process.execPath, [CLI, 'data', ...args], { cwd: directory, env })).stdout
  }

  it('imports a repository, and commits it', async () => {
    mkdirSync(copy)
    await data(copy, 'init', 'bikes')
    const said = await data(copy, 'import-dvc', repository, '-m', 'From DVC', '--author', 'ada')
    expect(said).toMatch(/^9 added, 0 changed, 0 removed, 0 unchanged; 3.0 MiB in DVC\n/)
    expect(said).toMatch(/\nleft out: work\/m.json: .*\n[0-9a-f]{12}: 9 files, 3.0 MiB\n$/)
    expect(await data(copy, 'import-dvc', repository)).toMatch(/9 unchanged.*\nleft .*\nNothing has changed/)
    expect(hashesOf(copy)).toEqual(tracked(repository))
    expect(await data(copy, 'push')).toMatch(/version 1 on branch main/)
    const { stdout } = await run('git', ['rev-parse', 'HEAD'], { cwd: repository })
    expect((await api.call('GET', '/v1/datasets/bikes/versions/1')).body).toMatchObject({
      message: 'From DVC',
      author: 'ada',
      code: { commit: stdout.trim(), dirty: false },
    })
  })

  it('exports a version of the server', async () => {
    const target = files.path('exported')
    const elsewhere = files.path('elsewhere')
    mkdirSync(elsewhere)
    const said = await data(elsewhere, 'export-dvc', target, 'bikes@1')
    expect(said).toBe(
      `${target}: 9 files, 3.0 MiB. In it, dvc pull brings them.\n1 file may be executed, which DVC does not record in a directory.\n`,
    )
    expect(readFileSync(join(target, 'bikes.dvc'), 'utf8')).toMatch(/\n {4}version: 1\n/)
    await dvc(target, 'pull', '-q')
    expect(await dvc(target, 'status')).toContain('up to date')
    const withoutModes = Object.entries(hashesOf(copy)).map(([path, sha256]) => [
      path,
      sha256.replace('*', ''),
    ])
    expect(hashesOf(join(target, 'bikes'))).toEqual(Object.fromEntries(withoutModes))
  })

  it('exports what is committed here, without a server', async () => {
    const target = files.path('exported')
    const env = { ...process.env, MLFORGE_API_URL: 'http://127.0.0.1:1', MLFORGE_API_KEY: 'none' }
    await run(process.execPath, [CLI, 'data', 'export-dvc', target], { cwd: copy, env })
    expect(readdirSync(target).toSorted()).toEqual(['.dvc', '.git', '.gitignore', 'bikes.dvc'])
  })

  it('says what is not there, and leaves nothing behind', async () => {
    const target = files.path('exported')
    await expect(data(copy, 'export-dvc', target, 'bikes@9')).rejects.toMatchObject({
      stderr: expect.stringMatching(/^mlforge: .*not_found/),
    })
    expect(existsSync(target)).toBe(false)
    rmSync(join(repository, '.dvc/cache'), { recursive: true })
    rmSync(join(`${repository}-remote`), { recursive: true })
    const empty = files.path('empty')
    mkdirSync(empty)
    await data(empty, 'init', 'bikes')
    await expect(data(empty, 'import-dvc', repository)).rejects.toMatchObject({
      stderr: expect.stringMatching(/dvc fetch .*\(object_missing\)\n {2}.*data: /s),
    })
  })
})
