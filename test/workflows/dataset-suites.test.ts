import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { DatasetCommit, DatasetVersion } from '../../contracts/rest/datasets.js'
import type { Operation } from '../../contracts/rest/operations.js'
import type { PipelineRun } from '../../contracts/rest/pipeline-runs.js'
import type { SuitePut, Validation, ValidationResults } from '../../contracts/rest/suites.js'
import { decodeCommit } from '../../domain/data/commit.js'
import { expectation, suite } from '../../sdk/index.js'
import { bytesOf } from '../../stores/objects/whole.js'
import { TestApi } from '../api/support/api.js'
import { eventually } from '../support/eventually.js'
import { Harness, PROJECT, type RunningWorker } from '../support/harness.js'
import { record } from '../support/histories.js'

const atMost = (max: number, severity: 'error' | 'warn' = 'error') =>
  suite('prices', [
    expectation('expect_column_values_to_be_between', { column: 'price', max_value: max, severity }),
  ])
const prices = (...values: number[]) => `price\n${values.join('\n')}\n`

describe('the suite of a dataset', () => {
  let harness: Harness
  let api: TestApi
  let io: RunningWorker
  beforeAll(async () => {
    harness = await Harness.start({ queues: ['workflows'] })
    io = await harness.work('io')
    api = await TestApi.beside(harness)
  })
  afterAll(async () => {
    await api?.stop()
    await harness?.stop()
  })

  /** What is taken on in the meantime is done later. */
  const meanwhile = async <T>(work: () => Promise<T>): Promise<T> => {
    await io.stop()
    const result = await work()
    io = await harness.work('io')
    return result
  }
  const call = async <T>(method: string, path: string, body?: object) =>
    (await api.call(method, path, body ? { body } : {})).body as T
  const put = (dataset: string, given: object) =>
    call<SuitePut>('PUT', `/v1/datasets/${dataset}/expectations`, { suite: given })
  const commit = async (dataset: string, csv: string, more: object = {}) => {
    const { body } = await api.call('POST', '/v1/uploads', {
      body: Buffer.from(csv),
      headers: { 'content-type': 'text/csv' },
    })
    const { id: upload } = body as { id: string }
    return call<DatasetCommit>('POST', `/v1/datasets/${dataset}/versions`, { upload, ...more })
  }
  const ended = <T extends Operation>(run: T): Promise<T> =>
    eventually(async () => {
      const now = await call<T>('GET', run.links.self)
      expect(['accepted', 'running']).not.toContain(now.status)
      return now
    })
  const versionOf = (dataset: string, version: number) =>
    call<DatasetVersion>('GET', `/v1/datasets/${dataset}/versions/${version}`)

  it('is that of when a commit was taken on, whatever comes after', async () => {
    const strict = await put('orders', atMost(5))
    const [refused, fits] = await meanwhile(async () => {
      const both = [await commit('orders', prices(1, 9)), await commit('orders', prices(1, 2))] as const
      await put('orders', atMost(1))
      return both
    })
    expect(await ended(refused)).toMatchObject({
      status: 'refused',
      suite: { version: 1 },
      error: { code: 'expectations_failed', message: expect.stringContaining('max_value: 5') },
    })
    expect(await ended(fits)).toMatchObject({ status: 'succeeded', version: 1, suite: { version: 1 } })
    const { suite: used, expectations } = await versionOf('orders', 1)
    expect(used).toEqual({ version: strict.version, sha256: strict.sha256 })
    expect(expectations).toMatchObject([{ passed: true, expectation: { max_value: 5 } }])

    // Taken on now, the newer suite is what counts; brought expectations count instead of it.
    expect(await ended(await commit('orders', prices(2, 2)))).toMatchObject({
      status: 'refused',
      suite: { version: 2 },
    })
    const own = { expectations: [{ kind: 'row_count', min: 1 }] }
    expect(await ended(await commit('orders', prices(9), own))).toMatchObject({ status: 'succeeded' })
    expect(await versionOf('orders', 2)).toMatchObject({ suite: null, expectations: [{ passed: true }] })
  })

  it('only warns by what is of severity warn, and is named in the object store', async () => {
    const { sha256 } = await put('warned', atMost(5, 'warn'))
    expect(await ended(await commit('warned', prices(1, 9)))).toMatchObject({
      status: 'succeeded',
      warnings: [expect.stringContaining('1 rows fail, first row 2')],
    })
    const version = await versionOf('warned', 1)
    expect(version).toMatchObject({ suite: { version: 1, sha256 }, expectations: [{ passed: false }] })
    const commitHash = version.commit!
    const uri = `${PROJECT}/commits/${commitHash.slice(0, 2)}/${commitHash}`
    const { table } = decodeCommit(await bytesOf(harness.ports.objects, uri))
    expect(table!.suite).toEqual({ version: 1, sha256 })
  })

  it('checks a version that there is, which stays as it is', async () => {
    await ended(await commit('kept', prices(1, 2, 9)))
    const check = (body: object = {}) => call<Validation>('POST', '/v1/datasets/kept/validations', body)
    await put('kept', atMost(5))
    const strict = await ended(await check())
    expect(strict).toMatchObject({
      status: 'refused',
      dataset: 'kept',
      version: 1,
      suite: { version: 1 },
      error: { code: 'expectations_failed' },
      found: { expectations: 1, failed: 1, warned: 0 },
    })
    const { plan, results } = await call<ValidationResults>('GET', `${strict.links.self}/results`)
    expect(plan).toMatchObject({
      scans: 1,
      statements: [
        { kind: 'scan', expectations: [0] },
        { kind: 'samples', expectations: [0] },
      ],
    })
    expect(results).toMatchObject([{ passed: false, failingRows: 1, examples: [{ row: 3 }] }])
    await record(harness.client, `${PROJECT}/validation/kept/${strict.id}`, 'datasetValidate.refused')

    await put('kept', atMost(5, 'warn'))
    const warned = await ended(await check())
    expect(warned).toMatchObject({
      status: 'succeeded',
      suite: { version: 2 },
      found: { expectations: 1, failed: 0, warned: 1 },
      warnings: [expect.stringContaining('first row 3')],
    })
    await record(harness.client, `${PROJECT}/validation/kept/${warned.id}`, 'datasetValidate.succeeded')
    expect(await ended(await check({ version: '1', suite: 1 }))).toMatchObject({ status: 'refused' })
    expect(await versionOf('kept', 1)).toMatchObject({ suite: null, expectations: [] })
  })

  it('compares a version with the one before it', async () => {
    const change = suite('s', [
      expectation('expect_table_row_count_change_to_be_between', { max_value: 0.5 }),
    ])
    await put('grown', change)
    await ended(await commit('grown', prices(1, 2)))
    await ended(await commit('grown', prices(1, 2, 3, 4), { expectations: [] }))
    const check = async (version: string) =>
      ended(await call<Validation>('POST', '/v1/datasets/grown/validations', { version }))
    expect(await check('1')).toMatchObject({ status: 'succeeded' })
    expect(await check('2')).toMatchObject({ status: 'refused' })

    const given = { dataset: '${{ steps.data.name }}', version: '${{ steps.data.version }}', suite: 'grown' }
    const steps = {
      data: { uses: 'dataset', with: { dataset: '${{ parameters.of }}' } },
      check: { uses: 'validate', with: { table: '${{ steps.data.table }}', ...given } },
    }
    const parameters = { of: { type: 'string' } }
    await call('POST', '/v1/pipelines', { pipelines: { growth: { parameters, steps } } })
    const run = async (of: string) =>
      ended(await call<PipelineRun>('POST', '/v1/pipelines/growth/runs', { parameters: { of } }))
    expect(await run('grown@1')).toMatchObject({ status: 'succeeded' })
    expect(await run('grown@2')).toMatchObject({ status: 'refused', error: { code: 'expectations_failed' } })
  })

  it('is fixed for the steps of a pipeline when its run is taken on', async () => {
    await ended(await commit('piped', prices(1, 9), { expectations: [] }))
    const { sha256 } = await put('piped', atMost(5))
    const check = { uses: 'validate', with: { table: '${{ steps.data.table }}', suite: 'piped' } }
    const steps = { data: { uses: 'dataset', with: { dataset: 'piped' } }, check }
    await call('POST', '/v1/pipelines', { pipelines: { daily: { steps } } })
    const start = () => call<PipelineRun>('POST', '/v1/pipelines/daily/runs', {})
    const [strict, lenient] = await meanwhile(async () => {
      const before = await start()
      await put('piped', atMost(9))
      return [before, await start()] as const
    })
    expect(strict.suites).toEqual([{ step: 'check', dataset: 'piped', version: 1, sha256 }])
    expect(await ended(strict)).toMatchObject({ status: 'refused', error: { code: 'expectations_failed' } })
    expect(await ended(lenient)).toMatchObject({ status: 'succeeded', suites: [{ version: 2 }] })
    // The step done again checks by what the run was taken on with.
    await call('POST', `/v1/pipeline-runs/${strict.id}/reset`, { steps: ['check'] })
    const again = await eventually(async () => {
      const now = await call<PipelineRun>('GET', strict.links.self)
      expect(now).toMatchObject({ attempt: 2, status: 'refused' })
      return now
    })
    expect(again).toMatchObject({ suites: [{ version: 1 }], error: { code: 'expectations_failed' } })
  })
})
