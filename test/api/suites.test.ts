import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { Page } from '../../contracts/rest/common.js'
import type { DatasetCommit } from '../../contracts/rest/datasets.js'
import type { ExpectationSuite } from '../../contracts/rest/expectations.js'
import type { ImportedSuite, InferredSuite, SuitePut, SuiteSummary } from '../../contracts/rest/suites.js'
import { expectation, suite } from '../../sdk/index.js'
import { type Answer, TestApi } from './support/api.js'
import { seedDataset, table } from './support/seed.js'

/** As great_expectations 1.24.1 has written it: test/domain/expectations/import.test.ts asks it itself. */
const WRITTEN = {
  name: 'rides',
  id: 'fcc7af95-c84f-4874-9ae0-94f8e8b3faf6',
  expectations: [
    {
      type: 'expect_column_values_to_be_between',
      kwargs: { column: 'cnt', mostly: 0.9, min_value: 1.0 },
      meta: {},
      id: 'd3c9a462-efb0-478f-acdc-baaf4d483c7a',
      severity: 'critical',
    },
    {
      type: 'expect_column_values_to_be_unique',
      kwargs: { column: 'cnt' },
      meta: {},
      id: '0f298590-19a8-4a7b-8500-5754ff04898a',
      severity: 'warning',
    },
    {
      type: 'expect_column_values_to_match_regex',
      kwargs: { column: 'label', regex: '(?<=l)0' },
      meta: {},
      id: 'e6d3fcc4-71b2-4a61-99a2-b2c6e6800826',
      severity: 'critical',
    },
  ],
  meta: { great_expectations_version: '1.24.1' },
  notes: null,
}

const atLeast = (rows: number) =>
  suite('rides', [expectation('expect_table_row_count_to_be_between', { min_value: rows })])

describe('suites of datasets', () => {
  let api: TestApi
  beforeAll(async () => {
    api = await TestApi.start()
    await seedDataset(api, 'bikes', table(10))
  })
  afterAll(() => api.close())

  const put = (dataset: string, body: object, key = 'mlf_operator') =>
    api.call('PUT', `/v1/datasets/${dataset}/expectations`, { body, key })
  const get = (dataset: string, path = '') => api.call('GET', `/v1/datasets/${dataset}/expectations${path}`)
  const post = (verb: string, body: object) =>
    api.call('POST', `/v1/datasets/bikes/expectations/${verb}`, { body })
  const bodyOf = <T>({ body }: Answer) => body as T

  it('are kept by number, with one current, for a dataset that has no version yet too', async () => {
    const first = await put('early', { suite: atLeast(1), author: 'Ada', message: 'a start' })
    expect(first).toMatchObject({
      status: 200,
      body: { dataset: 'early', version: 1, created: true, current: true, expectations: 1 },
    })
    expect(first.body).toMatchObject({ author: 'Ada', message: 'a start', principal: 'key:operator' })
    expect(bodyOf<SuitePut>(first).suite.expectations).toEqual([
      { type: 'expect_table_row_count_to_be_between', min_value: 1, severity: 'error' },
    ])
    expect((await put('early', { suite: atLeast(2), expected: 1 })).body).toMatchObject({ version: 2 })
    expect((await put('early', { suite: atLeast(2) })).body).toMatchObject({ version: 2, created: false })
    expect(await put('early', { suite: atLeast(3), expected: 1 })).toMatchObject({
      status: 409,
      body: { code: 'suite_moved', version: 2 },
    })
    expect((await get('early')).body).toMatchObject({ version: 2, current: true })
    expect((await get('early', '/versions/latest')).body).toMatchObject({ version: 2 })
    expect((await get('early', '/versions/1')).body).toMatchObject({ version: 1, current: false })
    const page = bodyOf<Page<SuiteSummary>>(await get('early', '/versions?limit=1'))
    expect(page.items).toMatchObject([{ version: 2, expectations: 1 }])
    const next = bodyOf<Page<SuiteSummary>>(await get('early', `/versions?cursor=${page.nextCursor}`))
    expect(next.items.map(({ version }) => version)).toEqual([1])
  })

  it('are refused where they are not right, with all problems and their places', async () => {
    const wrong = await put('bikes', {
      suite: {
        title: 'x',
        expectations: [
          { type: 'expect_column_values_to_be_betwen', column: 'cnt' },
          { kind: 'row_count', min: 1 },
          { type: 'expect_column_values_to_not_be_null', column: 'count' },
        ],
      },
    })
    expect(wrong).toMatchObject({ status: 400, body: { code: 'invalid_request' } })
    const { problems } = bodyOf<{ problems: { at: string; message: string }[] }>(wrong)
    expect(problems.map(({ at }) => at)).toEqual([
      'suite.title',
      'suite.expectations[0].type',
      'suite.expectations[1].type',
      'suite.expectations[2].column',
    ])
    const unknown = { expectations: [{ type: 'expect_column_values_to_not_be_null', column: 'cntt' }] }
    expect(await put('bikes', { suite: unknown })).toMatchObject({
      status: 422,
      body: { code: 'unknown_column', problems: [{ message: expect.stringContaining('"cnt"') }] },
    })
    const many = { expectations: Array.from({ length: 1_001 }, () => atLeast(1).expectations[0]) }
    expect((await put('bikes', { suite: many })).body).toMatchObject({
      problems: [{ at: 'suite', message: expect.stringContaining('1001') }],
    })
    expect((await post('import', { greatExpectations: many })).body).toMatchObject({
      problems: [{ at: 'greatExpectations', message: expect.stringContaining('1001') }],
    })
    expect(await put('bikes', { suite: [] })).toMatchObject({ status: 400 })
    expect(await put('Bikes', { suite: atLeast(1) })).toMatchObject({ status: 400 })
    expect(await put('bikes', { suite: atLeast(1) }, 'mlf_viewer')).toMatchObject({ status: 403 })
    expect(await put('bikes', { suite: atLeast(1), expected: 0 })).toMatchObject({ status: 400 })
    expect(await get('bikes')).toMatchObject({ status: 404, body: { code: 'not_found' } })
  })

  it('are made from the profile of a version, and can be kept as they are', async () => {
    const answer = await post('infer', { version: '1' })
    expect(answer).toMatchObject({ status: 200, body: { dataset: 'bikes', version: 1 } })
    const { suite: inferred } = bodyOf<InferredSuite>(answer)
    expect(inferred.expectations).toContainEqual({
      type: 'expect_column_values_to_not_be_null',
      column: 'cnt',
      severity: 'error',
    })
    expect(await put('bikes', { suite: inferred, message: 'inferred' })).toMatchObject({ status: 200 })
    expect(bodyOf<InferredSuite>(await post('infer', {})).suite).toEqual(inferred)
    expect(await post('infer', { version: '9' })).toMatchObject({ status: 404 })
  })

  it('are read from what great_expectations has written', async () => {
    const answer = await post('import', { greatExpectations: WRITTEN })
    expect(answer.status).toBe(200)
    const { suite: read, left } = bodyOf<ImportedSuite>(answer)
    expect(read.name).toBe('rides')
    expect(read.expectations.map(({ type, severity }) => [type, severity])).toEqual([
      ['expect_column_values_to_be_between', 'error'],
      ['expect_column_values_to_be_unique', 'warn'],
    ])
    expect(left).toEqual([
      {
        at: 'expectations[2]',
        type: 'expect_column_values_to_match_regex',
        reason: expect.stringContaining('regex'),
      },
    ])
    expect(await put('bikes', { suite: read })).toMatchObject({ status: 200, body: { created: true } })
    expect(await post('import', { greatExpectations: { name: 'none' } })).toMatchObject({
      status: 400,
      body: { problems: [{ at: 'greatExpectations' }] },
    })
  })

  describe('and commits', () => {
    const commit = async (dataset: string, csv: string, body: object = {}, key?: string) => {
      const uploaded = await api.call('POST', '/v1/uploads', {
        body: Buffer.from(csv),
        headers: { 'content-type': 'text/csv' },
      })
      const upload = bodyOf<{ id: string }>(uploaded).id
      return api.call('POST', `/v1/datasets/${dataset}/versions`, {
        body: { upload, ...body },
        ...(key ? { headers: { 'idempotency-key': key } } : {}),
      })
    }

    it('are taken on with the current one, unless they bring their own', async () => {
      const { version, sha256 } = bodyOf<SuitePut>(await put('gated', { suite: atLeast(2) }))
      const taken = bodyOf<DatasetCommit>(await commit('gated', 'a\n1\n2\n'))
      expect(taken.suite).toEqual({ version, sha256 })
      const own = { expectations: [{ kind: 'row_count', min: 1 }] }
      expect(bodyOf<DatasetCommit>(await commit('gated', 'a\n1\n', own)).suite).toBeNull()
      expect(bodyOf<DatasetCommit>(await commit('gated', 'a\n1\n', { expectations: [] })).suite).toBeNull()
      expect(bodyOf<DatasetCommit>(await commit('free', 'a\n1\n')).suite).toBeNull()
      await put('gated', { suite: atLeast(3) })
      const later = await api.call('GET', `/v1/datasets/gated/commits/${taken.id}`)
      expect(later.body).toMatchObject({ suite: { version: 1 } })
    })

    it('are refused where it expects columns that are not there', async () => {
      const of: ExpectationSuite = suite('s', [
        expectation('expect_column_values_to_not_be_null', { column: 'price' }),
      ])
      await put('unfit', { suite: of })
      expect(await commit('unfit', 'prise\n1\n')).toMatchObject({
        status: 422,
        body: {
          code: 'unknown_column',
          detail: expect.stringMatching(/^The suite of dataset "unfit", version 1, does not fit.*"prise"/),
        },
      })
    })
  })

  it('check versions by runs, taken on once for a key', async () => {
    const start = (body: object, key?: string) =>
      api.call('POST', '/v1/datasets/bikes/validations', {
        body,
        ...(key ? { headers: { 'idempotency-key': key } } : {}),
      })
    const { version } = bodyOf<SuitePut>(await put('bikes', { suite: atLeast(1) }))
    const first = await start({}, 'once')
    expect(first).toMatchObject({ status: 202, body: { kind: 'validation', version: 1, found: null } })
    expect(first.body).toMatchObject({ suite: { version }, status: 'accepted' })
    await put('bikes', { suite: atLeast(2) })
    expect((await start({}, 'once')).body).toMatchObject({ suite: { version } })
    expect((await start({})).body).toMatchObject({ suite: { version: version + 1 } })
    expect((await start({ version: '1', suite: 1 })).body).toMatchObject({ suite: { version: 1 } })
    expect(await start({ suite: 99 })).toMatchObject({ status: 404 })
    expect(await start({ version: '7' })).toMatchObject({ status: 404 })
    const { id, links } = bodyOf<DatasetCommit>(first)
    expect(first.headers.get('location')).toBe(links.self)
    expect(await api.call('GET', `${links.self}/results`)).toMatchObject({
      status: 409,
      body: { code: 'wrong_state' },
    })
    expect(await api.call('GET', `/v1/datasets/other/validations/${id}`)).toMatchObject({ status: 404 })
  })
})
