import { describe, expect, it } from '@jest/globals'
import { loadConfig, loadSettings, toEnvironment } from '../../config/load.js'
import type { MlforgeError, Problem } from '../../domain/errors.js'

const ADDRESSES = {
  MLFORGE_POSTGRES_URL: 'postgres://u:p@db:5432/mlforge',
  MLFORGE_REDIS_URL: 'redis://:p@cache:6379',
  MLFORGE_TEMPORAL_ADDRESS: 'temporal.example:7233',
}
const S3 = (values: Record<string, string>) =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [`MLFORGE_OBJECTS_${name}`, value]))

function problemsOf(values: Record<string, string>): readonly Problem[] {
  try {
    loadSettings({ env: S3(values), cwd: '/' })
    return []
  } catch (error) {
    return (error as MlforgeError).details.problems ?? []
  }
}

describe('objects in a bucket', () => {
  it('need no more than its name: the rest is that of AWS', () => {
    const env = { ...ADDRESSES, ...S3({ KIND: 's3', S3_BUCKET: 'ml-objects' }) }
    expect(loadConfig({ env, cwd: '/' }).objects).toMatchObject({
      kind: 's3',
      s3: {
        endpoint: '',
        region: 'us-east-1',
        bucket: 'ml-objects',
        prefix: '',
        accessKeyId: '',
        secretAccessKey: '',
        forcePathStyle: false,
        checksums: 'when_supported',
      },
    })
  })

  it('come unchanged through the environment of other processes', () => {
    const values = {
      KIND: 's3',
      S3_ENDPOINT: 'http://minio:9000',
      S3_BUCKET: 'ml-objects',
      S3_PREFIX: 'team/a',
      S3_ACCESS_KEY_ID: '123',
      S3_SECRET_ACCESS_KEY: '0123',
      S3_FORCE_PATH_STYLE: '1',
      S3_CHECKSUMS: 'when_required',
    }
    const config = loadConfig({ env: { ...ADDRESSES, ...S3(values) }, cwd: '/' })
    expect(config.objects.s3).toMatchObject({
      prefix: 'team/a/',
      secretAccessKey: '0123',
      forcePathStyle: true,
    })
    expect(loadConfig({ env: toEnvironment(config), cwd: '/tmp' })).toEqual(config)
  })

  it.each([
    ['no bucket', { KIND: 's3' }, ['S3_BUCKET']],
    ['a bucket that nothing would use', { S3_BUCKET: 'ml-objects' }, ['S3_BUCKET']],
    ['a key without its secret', { S3_ACCESS_KEY_ID: 'k' }, ['S3_SECRET_ACCESS_KEY']],
    [
      'a secret without its key, and no bucket',
      { KIND: 's3', S3_SECRET_ACCESS_KEY: 'hush' },
      ['S3_BUCKET', 'S3_ACCESS_KEY_ID'],
    ],
    ['another kind', { KIND: 'gcs' }, ['KIND']],
    ['an address without protocol', { S3_ENDPOINT: 'minio:9000' }, ['S3_ENDPOINT']],
    ['a bucket that servers refuse', { KIND: 's3', S3_BUCKET: 'ML_Objects' }, ['S3_BUCKET']],
    ['a prefix that leads away', { S3_PREFIX: 'a/../b' }, ['S3_PREFIX']],
    ['a prefix that begins at the root', { S3_PREFIX: '/a' }, ['S3_PREFIX']],
    ['another mode of checksums', { S3_CHECKSUMS: 'never' }, ['S3_CHECKSUMS']],
  ])('are refused with %s', (_what, values, at) => {
    const problems = problemsOf(values)
    expect(problems.map(problem => problem.at)).toEqual(at.map(name => `MLFORGE_OBJECTS_${name}`))
    expect(JSON.stringify(problems)).not.toContain('hush')
  })
})
