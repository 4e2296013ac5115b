import { execFile } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { TestApi } from '../api/support/api.js'
import { copyOf, hashesOf, makeRepository, tracked } from '../sdk/data/dvc-repository.js'
import { temporary } from '../sdk/data/tree.js'
import { Versity, versitygw } from '../stores/objects/support/versity.js'
import { dvc } from '../support/dvc.js'
import { Harness } from '../support/harness.js'

const run = promisify(execFile)
const CLI = fileURLToPath(new URL('../../cli/main.js', import.meta.url))
const withServer = versitygw === undefined ? describe.skip : describe

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

  withServer('and a bucket', () => {
    it('imports what is in no directory, and says what it does not find there', async () => {
      const server = await Versity.start()
      try {
        const from = copyOf(repository, files.path('in-a-bucket'))
        const { endpoint, bucket, region, accessKeyId, secretAccessKey } = server.options()
        await dvc(from, 'remote', 'add', '-q', '-d', '-f', 'shared', `s3://${bucket}/dvc/bikes`)
        writeFileSync(
          join(from, '.dvc/config.local'),
          `['remote "shared"']
    endpointurl = ${endpoint}
    region = ${region}
    access_key_id = ${accessKeyId}
    secret_access_key = ${secretAccessKey}
`,
        )
        await dvc(from, 'push', '-q')
        rmSync(join(from, '.dvc/cache'), { recursive: true })
        const imported = async (name: string) => {
          const to = files.path(name)
          mkdirSync(to)
          await data(to, 'init', 'bikes')
          return { to, said: await data(to, 'import-dvc', from, '--author', 'ada') }
        }
        const { to, said } = await imported('from-a-bucket')
        expect(said).toMatch(/^9 added, 0 changed, 0 removed, 0 unchanged; 3.0 MiB in DVC\n/)
        expect(hashesOf(to)).toEqual(tracked(repository))
        expect(await data(to, 'import-dvc', from)).toMatch(/^0 added, 0 changed, 0 removed, 9 unchanged/)

        const remote = server.fileOf('dvc/bikes')
        const [large] = readdirSync(remote, { recursive: true, encoding: 'utf8' })
          .map(name => join(remote, name))
          .filter(name => statSync(name).size === 3_000_000)
        truncateSync(large!, 2_999_999)
        await expect(imported('damaged')).rejects.toMatchObject({
          stderr: expect.stringMatching(
            /\(object_corrupt\)\n {2}data\/large.bin: Its object .* came with the MD5/,
          ),
        })
        rmSync(large!)
        await expect(imported('missing')).rejects.toMatchObject({
          stderr: expect.stringMatching(
            /\(object_missing\)\n {2}data\/large.bin: .* or the remote s3:\/\/\S+\/dvc\/bikes\.\n$/,
          ),
        })
        await server.kill()
        await expect(imported('away')).rejects.toMatchObject({
          stderr: expect.stringMatching(
            /^mlforge: The remote s3:\/\/\S+ at http\S+ cannot be read: .*ECONNREFUSED.*\(unavailable\)\n$/m,
          ),
        })
      } finally {
        await server.close()
      }
    })
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
