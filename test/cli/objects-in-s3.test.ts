import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { CheckReport } from '../../domain/check/report.js'
import { Versity, versitygw } from '../stores/objects/support/versity.js'
import { CliStack } from './support/stack.js'

const withServer = versitygw === undefined ? describe.skip : describe

withServer('a stack whose objects are in a bucket', () => {
  let server: Versity
  let stack: CliStack
  let file: string

  beforeAll(async () => {
    server = await Versity.start()
    stack = await CliStack.create(server.environment())
    file = `${stack.stateDirectory}.tar.gz`
    await stack.up()
  })

  afterAll(async () => {
    await rm(file, { force: true })
    await stack.remove()
    await server.close()
  })

  const checked = async (): Promise<CheckReport> => {
    const { stdout } = await stack.mlforge('check', '--json', '--deep')
    return JSON.parse(stdout) as CheckReport
  }
  const parquetFile = async (): Promise<{ uri: string; path: string }> => {
    const rows: { parquet: { uri: string } }[] = await stack.dataSource.query(
      'SELECT parquet FROM dataset_versions',
    )
    const { uri } = rows[0]!.parquet
    return { uri, path: server.fileOf(server.options().prefix + uri) }
  }

  it('commits and trains, with every object in the bucket and none beside it', async () => {
    const commit = await stack.startDataset('bikes')
    await stack.runIn(commit.id, 'succeeded')
    const training = await stack.startTraining('demand', 'bikes', 40, 20)
    await stack.runIn(training.id, 'succeeded')
    const report = await checked()
    expect([report.problems, report.unreachable]).toEqual([[], []])
    expect(report.objects.referenced).toBeGreaterThan(5)
    expect(await readdir(stack.stateDirectory)).not.toContain('objects')
  })

  it('is examined by doctor, and by check when the server is away', async () => {
    const healthy = await stack.mlforge('doctor')
    expect(healthy.stdout).toMatch(/^ok +objects: bucket mlforge-tests at http/m)
    await server.kill()
    const { code, stdout } = await stack.mlforge('doctor', '--quiet')
    expect([code, stdout]).toEqual([1, expect.stringContaining('MLFORGE_OBJECTS_S3_ENDPOINT')])
    expect((await checked()).unreachable.map(({ part }) => part)).toContain('objects')
    await server.run()
    expect((await checked()).unreachable).toEqual([])
    const { secretAccessKey } = server.options()
    expect(healthy.stdout + stdout + (await stack.ok('status', '--json'))).not.toContain(secretAccessKey)
  })

  it('is backed up without the bytes, and restored where they are', async () => {
    const written = JSON.parse(await stack.ok('backup', file, '--json')) as {
      objects: number
      bucket: string
    }
    expect(written).toMatchObject({ objects: expect.any(Number), bucket: 'mlforge-tests' })
    const before = await checked()
    const { uri, path } = await parquetFile()
    await stack.disconnect()
    await stack.ok('clean')

    const content = await readFile(path)
    await rm(path)
    const refused = await stack.mlforge('restore', file)
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining(`${uri}: is missing`)])
    await writeFile(path, content)
    await stack.ok('restore', file)
    await stack.up()
    const after = await checked()
    expect(after.problems).toEqual([])
    expect(after.comparable).toEqual(before.comparable)
  })

  it('does not restore where another store is configured', async () => {
    const other = await CliStack.create()
    try {
      const { code, stderr } = await other.mlforge('restore', file)
      expect([code, stderr]).toEqual([1, expect.stringContaining('objects.kind is local')])
    } finally {
      await other.remove()
    }
  })
})
