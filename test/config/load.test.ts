import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { FIELDS, PATHS } from '../../config/fields.js'
import { loadConfig, loadSettings, toEnvironment, type ConfigSource } from '../../config/load.js'
import { MlforgeError, type Problem } from '../../domain/errors.js'

const ADDRESSES = {
  MLFORGE_POSTGRES_URL: 'postgres://u:p@db:5432/mlforge',
  MLFORGE_REDIS_URL: 'redis://:p@cache:6379',
  MLFORGE_TEMPORAL_ADDRESS: 'temporal.example:7233',
}

let cwd: string
beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), 'mlforge-config-'))
})
afterAll(() => rmSync(cwd, { recursive: true, force: true }))

function withFile(yaml: string, env: Record<string, string> = ADDRESSES): ConfigSource {
  const file = join(mkdtempSync(join(cwd, 'project-')), 'mlforge.yaml')
  writeFileSync(file, yaml)
  return { env, cwd, file }
}

function problemsOf(source: ConfigSource): readonly Problem[] {
  try {
    loadConfig(source)
  } catch (error) {
    if (error instanceof MlforgeError && error.code === 'configuration_invalid')
      return error.details.problems ?? []
    throw error
  }
  return []
}

describe('precedence', () => {
  it('takes defaults, then mlforge.yaml, then the environment', () => {
    expect(loadConfig({ env: ADDRESSES, cwd }).worker.trainSlots).toBe(2)
    const source = withFile('worker: { trainSlots: 3, ioSlots: 7 }')
    expect(loadConfig(source).worker).toMatchObject({ trainSlots: 3, ioSlots: 7 })
    const env = { ...source.env, MLFORGE_WORKER_TRAIN_SLOTS: '5' }
    expect(loadConfig({ ...source, env }).worker).toMatchObject({ trainSlots: 5, ioSlots: 7 })
  })

  it('has shorter times in the embedded stack, unless they are configured', () => {
    const bare = loadConfig({ env: ADDRESSES, cwd })
    expect(bare.worker.heartbeatTimeoutSeconds).toBe(30)
    expect(bare.retries).toMatchObject({ intervalSeconds: 30, delaySeconds: 60, activityAttempts: 8 })
    const embedded = loadConfig({ ...withFile('retries: { delaySeconds: 7 }'), embedded: true })
    expect(embedded.worker.heartbeatTimeoutSeconds).toBe(10)
    expect(embedded.retries).toMatchObject({
      intervalSeconds: 10,
      delaySeconds: 7,
      activityAttempts: 5,
    })
  })

  it('resolves paths from where they are written, and state beside mlforge.yaml', () => {
    const source = withFile('objects: { directory: data/objects }')
    const directory = join(source.file ?? '', '..')
    const env = { ...ADDRESSES, MLFORGE_CACHE_DIRECTORY: 'cache' }
    const config = loadConfig({ ...source, env })
    expect(config.objects.directory).toBe(join(directory, 'data/objects'))
    expect(config.cacheDirectory).toBe(join(cwd, 'cache'))
    expect(config.stateDirectory).toBe(join(directory, '.mlforge'))
    expect(loadConfig({ env: ADDRESSES, cwd }).objects.directory).toBe(join(cwd, '.mlforge/objects'))
  })

  it('takes an empty variable as one that is not set, and an empty list as empty', () => {
    const env = { ...ADDRESSES, MLFORGE_WORKER_PORT: '', MLFORGE_RETRIES_CODES: '' }
    const config = loadConfig({ ...withFile('worker: { port: 9000 }'), env })
    expect(config.worker.port).toBe(9000)
    expect(config.retries.codes).toEqual([])
  })
})

describe('the result', () => {
  it('cannot be changed, at any depth', () => {
    const config = loadConfig({ env: ADDRESSES, cwd })
    expect(() => ((config.worker as { port: number }).port = 1)).toThrow(TypeError)
    expect(() => (config.retries.codes as string[]).push('lost')).toThrow(TypeError)
  })

  it('is read again, equal, from the environment it is turned into', () => {
    const config = loadConfig(
      withFile('retries: { codes: [lost, timed_out] }\napi: { allowedHosts: [a.b, c.d] }'),
    )
    expect(loadConfig({ env: toEnvironment(config), cwd: '/' })).toEqual(config)
  })

  it('has one variable for each setting', () => {
    const names = PATHS.map(path => FIELDS[path].env)
    expect(new Set(names).size).toBe(PATHS.length)
  })
})

describe('missing addresses', () => {
  it('are problems of processes that need them', () => {
    expect(problemsOf({ env: {}, cwd }).map(({ at }) => at)).toEqual(Object.keys(ADDRESSES))
  })

  it('are none for the launcher, which starts what is not external', () => {
    const settings = loadSettings({ env: { MLFORGE_REDIS_URL: ADDRESSES.MLFORGE_REDIS_URL }, cwd })
    expect([settings.postgres.url, settings.redis.url]).toEqual([undefined, ADDRESSES.MLFORGE_REDIS_URL])
  })
})

describe('problems of mlforge.yaml', () => {
  it.each([
    [
      'an unknown key, with the nearest name',
      'worker:\n  trainSlot: 3',
      'mlforge.yaml:2:3',
      'Did you mean "trainSlots"?',
    ],
    ['an unknown section', 'workers: {}', 'mlforge.yaml:1:1', 'Did you mean "worker"?'],
    ['a wrong type', 'worker:\n  ioSlots: many', 'mlforge.yaml:2:12', 'expected number'],
    ['a number out of range', 'api: { port: 99999 }', 'mlforge.yaml:1:14', '65535'],
    ['no value', 'api:\n  port:', 'mlforge.yaml:2:', 'no value'],
    ['a scalar for a section', 'api: 8080', 'mlforge.yaml:1:6', 'must hold keys and values'],
    ['an unknown error code', 'retries: { codes: [lost, los] }', 'mlforge.yaml:1:19', 'Did you mean "lost"?'],
    ['a key twice', 'project: a\nproject: b', 'mlforge.yaml:2:1', 'unique'],
    ['broken syntax', 'api: { port: 1', 'mlforge.yaml:1:', ''],
    ['an address of another kind', 'postgres: { url: "http://x" }', 'mlforge.yaml:1:18', 'postgres://'],
  ])('%s', (_, yaml, at, message) => {
    const problems = problemsOf(
      withFile(yaml, yaml.startsWith('postgres') ? { ...ADDRESSES, MLFORGE_POSTGRES_URL: '' } : ADDRESSES),
    )
    expect(problems).toHaveLength(1)
    expect(problems[0]?.at.startsWith(at)).toBe(true)
    expect(problems[0]?.message).toContain(message)
  })

  it('a file that was named and does not exist', () => {
    expect(problemsOf({ env: { ...ADDRESSES, MLFORGE_CONFIG: 'gone.yaml' }, cwd })[0]).toMatchObject({
      at: 'MLFORGE_CONFIG',
      message: `There is no file ${join(cwd, 'gone.yaml')}.`,
    })
  })

  it('an empty file has none', () => expect(problemsOf(withFile('# nothing yet\n'))).toEqual([]))
})

describe('problems of the environment', () => {
  it.each([
    ['MLFORGE_POSTGRESS_URL', 'postgres://x/y', 'Did you mean "MLFORGE_POSTGRES_URL"?'],
    ['MLFORGE_OFFLINE', 'maybe', 'expected boolean'],
    ['MLFORGE_WORKER_TRAIN_SLOTS', '0', '1'],
    ['MLFORGE_WORKER_TRAIN_SLOTS', '2.5', 'int'],
    ['MLFORGE_LOG_LEVEL', 'loud', 'info'],
    ['MLFORGE_TEMPORAL_ADDRESS', 'http://temporal', 'host:port'],
    ['MLFORGE_RETRIES_CODES', 'lost,los', 'Did you mean "lost"?'],
    ['MLFORGE_LINEAGE_URL', 'ftp://marquez', 'http://'],
    ['MLFORGE_LINEAGE_URL', 'http://ada:hush@marquez', 'no user and no password'],
    ['MLFORGE_LINEAGE_URL', 'http://ada@marquez', 'no user and no password'],
  ])('%s=%s', (name, value, message) => {
    const problems = problemsOf({ env: { ...ADDRESSES, [name]: value }, cwd })
    expect(problems.map(({ at }) => at)).toEqual([name])
    expect(problems[0]?.message).toContain(message)
  })

  it('are listed together with those of the file', () => {
    const source = withFile('worker: { trainSlot: 1, ioSlots: x }', { MLFORGE_OFFLINE: 'maybe' })
    expect(
      problemsOf(source)
        .map(({ at }) => at)
        .sort(),
    ).toEqual([...Object.keys(ADDRESSES), 'MLFORGE_OFFLINE', 'mlforge.yaml:1:11', 'mlforge.yaml:1:34'].sort())
  })

  it('never show a password', () => {
    const text = JSON.stringify(
      problemsOf({ env: { ...ADDRESSES, MLFORGE_POSTGRES_URL: 'mysql://u:secret@db' }, cwd }),
    )
    expect(text).toContain('postgres.url')
    expect(text).not.toContain('secret')
  })
})
