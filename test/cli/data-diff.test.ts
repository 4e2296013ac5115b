import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { TestApi } from '../api/support/api.js'
import { eventually } from '../support/eventually.js'
import { Harness } from '../support/harness.js'

const run = promisify(execFile)
const CLI = fileURLToPath(new URL('../../cli/main.js', import.meta.url))

describe('mlforge data diff', () => {
  let harness: Harness
  let api: TestApi
  beforeAll(async () => {
    harness = await Harness.start({ queues: ['workflows', 'io'] })
    api = await TestApi.beside(harness)
    await harness.ended(await harness.commit('orders', 'id,price\n1,3\n2,3\n3,4\n4,3\n'))
    await harness.ended(await harness.commit('orders', 'id,price\n1,30\n2,30\n3,40\n'))
  })
  afterAll(async () => {
    await api?.stop()
    await harness?.stop()
  })

  const diff = async (...args: string[]): Promise<string> => {
    const env = { ...process.env, MLFORGE_API_URL: api.url, MLFORGE_API_KEY: 'mlf_viewer' }
    return (await run(process.execPath, [CLI, 'data', 'diff', '--dataset', 'orders', ...args], { env }))
      .stdout
  }

  it('says of two versions how their files and their tables differ', async () => {
    // Until their files are in packs it is refused.
    const said = await eventually(() => diff('1'))
    expect(said).toMatch(
      /^changed {2}raw\.csv {2}-1\ntable {4}4 to 3 rows; \d columns? shifted\n(.*\n)* {2}shifted {2}price {2}large, psi \d+\.\d{3}, mean 3\.25 to 33\.3333\n/,
    )
    expect(await diff('2', '2')).toBe('table    3 to 3 rows; no column has shifted\n')
  })

  it('says in a line which version is not there', async () => {
    await expect(diff('1', '9')).rejects.toMatchObject({
      code: 1,
      stderr: 'mlforge: Dataset "orders" has no version 9; its newest version is 2. (not_found)\n',
    })
  })
})
