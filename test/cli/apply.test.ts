import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { TestApi } from '../api/support/api.js'

const CLI = fileURLToPath(new URL('../../cli/main.js', import.meta.url))

const PROJECT = `
retries: { attempts: 3 }
pools:
  gpu: { slots: 2, description: two cards }
pipelines:
  nightly:
    parameters: { n: { type: integer, default: 1 } }
    steps:
      check: { uses: compare, with: { candidate: '\${{ parameters.n }}', reference: 5 } }
assets:
  figures:
    kind: report
    make: { pipeline: nightly }
schedules:
  nightly:
    pipeline: { name: nightly, parameters: { n: 2 } }
    timing: { cron: '0 3 * * *', timeZone: Europe/Berlin }
    paused: true
sensors:
  arrivals:
    source: { webhook: {} }
    pipeline: { name: nightly, parameters: { n: '\${{ tick.n }}' } }
`

describe('mlforge apply', () => {
  let api: TestApi
  let directory: string
  beforeAll(async () => {
    api = await TestApi.start()
  })
  afterAll(() => api.close())
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'mlforge-apply-'))
    return () => rm(directory, { recursive: true })
  })

  const apply = async (text: string, args: readonly string[] = [], key = 'mlf_admin') => {
    const file = join(directory, 'mlforge.yaml')
    await writeFile(file, text)
    const env = { ...process.env, MLFORGE_API_URL: api.url, MLFORGE_API_KEY: key }
    return new Promise<{ readonly code: number; readonly lines: string[] }>(resolve => {
      execFile(
        process.execPath,
        [CLI, 'apply', '--file', file, ...args],
        { env, timeout: 600_000 },
        (error, stdout, stderr) => {
          const code = error === null ? 0 : Number(error.code)
          resolve({ code, lines: `${stdout}${stderr}`.trim().split('\n') })
        },
      )
    })
  }

  it('makes things what the file declares, says what has changed, and changes nothing the second time', async () => {
    expect(await apply(PROJECT, ['--dry-run'])).toEqual({
      code: 0,
      lines: [
        'pool gpu: created',
        'pipeline nightly: created (version 1: steps check; parameters n)',
        'asset figures: created',
        'schedule nightly: created',
        'sensor arrivals: created',
        'Nothing was changed.',
      ],
    })
    expect((await api.call('GET', '/v1/schedules/nightly')).status).toBe(404)
    expect((await apply(PROJECT)).lines).toEqual([
      'pool gpu: created',
      'pipeline nightly: created (version 1: steps check; parameters n)',
      'asset figures: created (version 1)',
      'schedule nightly: created',
      'sensor arrivals: created',
    ])
    expect(await api.call('GET', '/v1/schedules/nightly')).toMatchObject({
      body: { paused: true, pipeline: { name: 'nightly', parameters: { n: 2 } } },
    })
    expect((await apply(PROJECT)).lines).toEqual([
      'pool gpu: unchanged',
      'pipeline nightly: unchanged',
      'asset figures: unchanged',
      'schedule nightly: unchanged',
      'sensor arrivals: unchanged',
    ])
    const { lines: warned } = await apply(PROJECT.replace('{ uses: compare,', '{ uses: compare, pool: gpuu,'))
    expect(warned).toContain(
      '  warning: Step "check" needs pool "gpuu", which is not there. Did you mean "gpu"? Make it by PUT /v1/pools/gpuu.',
    )
    const changed = PROJECT.replace('reference: 5', 'reference: 6').replace('0 3', '0 4')
    expect((await apply(changed)).lines).toEqual([
      'pool gpu: unchanged',
      'pipeline nightly: changed (version 3: steps check)',
      'asset figures: unchanged',
      'schedule nightly: changed',
      'sensor arrivals: unchanged',
    ])
  })

  it.each([
    [
      'a pipeline',
      ['uses: compare', 'uses: compar'],
      ['  mlforge.yaml:9:16: There is no step type "compar". Did you mean "compare"?'],
    ],
    [
      'a schedule',
      ['n: 2', 'm: 2'],
      ['  mlforge.yaml:16:46: Pipeline "nightly" has no parameter "m". Did you mean "n"?'],
    ],
    [
      'an asset',
      ['{ pipeline: nightly }', '{ pipeline: nightli }'],
      ['  mlforge.yaml:13:13: There is no pipeline "nightli". Did you mean "nightly"?'],
    ],
    [
      'its time',
      ["'0 3 * * *'", "'0 25 * * *'"],
      ['  mlforge.yaml:17:15: hour "25": "25" is not from 0 to 23.'],
    ],
    [
      'a key',
      ['schedules:', 'shedules:'],
      ['  mlforge.yaml:14:1: Unknown key "shedules". Did you mean "schedules"?'],
    ],
    [
      'its form',
      ['pipelines:', 'pipelines: []\nscripts:'],
      ['  mlforge.yaml:5:1: "pipelines" must hold names and what they are.'],
    ],
  ])('says where %s is wrong', async (_, [from, to], problems) => {
    const { code, lines } = await apply(PROJECT.replace(from!, to!))
    expect(code).toBe(2)
    expect(lines[0]).toMatch(/^mlforge: .*mlforge\.yaml cannot be applied as it is\. \(invalid_request\)$/)
    expect(lines.slice(1)).toEqual(problems.map(problem => expect.stringContaining(problem)))
  })

  it('says what is missing', async () => {
    expect(await apply(PROJECT, [], 'mlf_viewer')).toMatchObject({
      code: 2,
      lines: [expect.stringContaining('operator')],
    })
    expect(await apply(PROJECT, ['--file', 'none.yaml'])).toEqual({
      code: 2,
      lines: ['mlforge: There is no file "none.yaml". (invalid_request)'],
    })
  })
})
