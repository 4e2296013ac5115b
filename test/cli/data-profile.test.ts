import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { TestApi } from '../api/support/api.js'
import { seedDataset, table } from '../api/support/seed.js'

const run = promisify(execFile)
const CLI = fileURLToPath(new URL('../../cli/main.js', import.meta.url))

describe('mlforge data profile', () => {
  let api: TestApi
  let directory: string
  beforeAll(async () => {
    api = await TestApi.start()
    directory = await mkdtemp(join(tmpdir(), 'mlforge-cli-profile-'))
    await seedDataset(api, 'bikes', table(5))
    await seedDataset(api, 'bikes', table(30).replaceAll(',1,', ',7,'))
  })
  afterAll(async () => {
    await api.close()
    await rm(directory, { recursive: true, force: true })
  })

  const profile = async (...args: string[]): Promise<string> => {
    const env = { ...process.env, MLFORGE_API_URL: api.url, MLFORGE_API_KEY: 'mlf_viewer' }
    const all = [CLI, 'data', 'profile', '--dataset', 'bikes', ...args]
    return (await run(process.execPath, all, { cwd: directory, env })).stdout
  }

  it('shows columns and alerts of the newest version, or of another', async () => {
    const newest = await profile()
    expect(newest).toMatch(/^bikes, version 2: 120 rows, 7 columns, 0 duplicates\n/)
    expect(newest).toMatch(/\n {2}day +date +0\.0 % +30 +2011-01-01 +2011-01-15 +2011-01-30\n/)
    expect(await profile('1')).toMatch(/\n {2}constant: same \(1\)\n/)
    expect(JSON.parse(await profile('1', '--json'))).toMatchObject({ version: 1, rows: 20 })
  })

  it('shows what has changed', async () => {
    const changed = await profile('--compare', '1')
    expect(changed).toMatch(/^bikes, version 1 to version 2: 20 to 120 rows\n/)
    expect(changed).toMatch(/\n {2}same +large shift +\d+\.\d{3} +0\.0 % +1 +1 > 7\n/)
  })

  it('writes pages', async () => {
    const file = join(directory, 'page.html')
    expect(await profile('--html', file)).toBe(`Written to ${file}.\n`)
    expect(await readFile(file, 'utf8')).toContain('<h1>Profile of bikes, version 2</h1>')
    await profile('2', '--compare', '1', '--html', file)
    expect(await readFile(file, 'utf8')).toContain('<h1>Version 1 and version 2</h1>')
  })

  it('says what is not there', async () => {
    await expect(profile('9')).rejects.toMatchObject({ stderr: expect.stringContaining('version 9') })
  })
})
