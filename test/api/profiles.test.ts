import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { ProblemDetails } from '../../contracts/rest/common.js'
import type { ProfileDiff, TableDiff, TableProfile } from '../../contracts/rest/profiles.js'
import { uuidv7 } from '../../stores/ids.js'
import { DatasetStore } from '../../stores/postgres/dataset-store.js'
import { TestApi } from './support/api.js'
import { seedDataset, table } from './support/seed.js'

describe('profiles', () => {
  let api: TestApi
  beforeAll(async () => {
    api = await TestApi.start()
    await seedDataset(api, 'bikes', table(5))
    await seedDataset(api, 'bikes', table(30).replaceAll(',1,', ',7,'))
    // As a version of before there were forms has it.
    await seedDataset(api, 'old', table(5))
    await api.database.dataSource.query(
      `UPDATE dataset_versions SET profile = jsonb_build_object('rows', profile->'rows', 'columns',
         (SELECT jsonb_agg(c - 'kind' - 'text' - 'temporal' - 'histogram' - 'imbalance') FROM jsonb_array_elements(profile->'columns') c))
       WHERE dataset_id = (SELECT id FROM datasets WHERE name = 'old')`,
    )
  })
  afterAll(() => api.close())

  const get = async <T>(path: string) => (await api.call('GET', path, { key: 'mlf_viewer' })).body as T
  const page = (path: string) => fetch(api.url + path, { headers: { authorization: 'Bearer mlf_viewer' } })

  it('are those of the version, with alerts', async () => {
    const found = await get<TableProfile>('/v1/datasets/bikes/versions/1/profile')
    expect(found).toMatchObject({
      dataset: 'bikes',
      version: 1,
      rows: 20,
      duplicates: 0,
      exactQuantiles: true,
    })
    expect(found.columns.map(({ name, kind }) => [name, kind])).toEqual([
      ['day', 'date'],
      ['hour', 'integer'],
      ['temp', 'number'],
      ['label', 'string'],
      ['same', 'integer'],
      ['gap', 'integer'],
      ['cnt', 'integer'],
    ])
    expect(found.alerts).toEqual(
      expect.arrayContaining([
        { kind: 'constant', column: 'same', value: 1 },
        { kind: 'missing', column: 'gap', value: 0.05 },
        { kind: 'unique', column: 'cnt', value: 1 },
      ]),
    )
    expect(await get('/v1/datasets/bikes/versions/latest/profile')).toMatchObject({ version: 2, rows: 120 })
  })

  it('are compared, either way', async () => {
    const there = await get<ProfileDiff>('/v1/datasets/bikes/profile-diff?from=1&to=latest')
    expect(there).toMatchObject({ dataset: 'bikes', from: 1, to: 2, rows: { from: 20, to: 120 } })
    const same = there.columns.find(({ name }) => name === 'same')!
    expect(same).toMatchObject({ change: 'kept', mean: { from: 1, to: 7 }, distance: { shift: 'large' } })
    const back = await get<ProfileDiff>('/v1/datasets/bikes/profile-diff?from=2&to=1')
    expect(back.alertsAppeared).toEqual(there.alertsGone)
  })

  it('say how a table has changed, beside its rows and schema', async () => {
    const diff = await get<TableDiff>('/v1/datasets/bikes/table-diff?from=1&to=latest')
    expect(diff).toMatchObject({ dataset: 'bikes', from: 1, to: 2, table: { rows: { from: 20, to: 120 } } })
    expect(diff.table!.schema).toEqual([])
    const profiles = await get<ProfileDiff>('/v1/datasets/bikes/profile-diff?from=1&to=2')
    expect(diff.table!.distributions).toEqual(profiles.columns)
  })

  it('are not needed to say how a table has changed', async () => {
    await seedDataset(api, 'reshaped', table(5))
    await seedDataset(api, 'reshaped', table(6))
    const { dataSource } = api.database
    await dataSource.query(
      `UPDATE dataset_versions SET profile = NULL, schema = jsonb_set(schema #- '{6}', '{1,type}', '"number"')
       WHERE version = 1 AND dataset_id = (SELECT id FROM datasets WHERE name = 'reshaped')`,
    )
    const by = { message: null, author: null, principal: 'key:test', runId: uuidv7(), effectKey: uuidv7() }
    await dataSource.transaction(transaction =>
      new DatasetStore(dataSource).commit(transaction, 'default', 'reshaped', {
        ...{ root: 'files', files: null, table: null },
        ...by,
      }),
    )
    const diff = await get<TableDiff>('/v1/datasets/reshaped/table-diff?from=1&to=2')
    expect(diff.table).toEqual({
      rows: { from: 20, to: 24 },
      schema: [
        { column: 'hour', change: 'retyped', type: { from: 'number', to: 'integer' } },
        { column: 'cnt', change: 'added', type: { from: null, to: 'integer' } },
      ],
      distributions: null,
    })
    expect(await get('/v1/datasets/reshaped/table-diff?from=2&to=3')).toEqual({
      dataset: 'reshaped',
      from: 2,
      to: 3,
      table: null,
    })
    expect(await get('/v1/datasets/reshaped/table-diff?from=2&to=9')).toMatchObject({ code: 'not_found' })
  })

  it('are pages with nothing to run and nothing to fetch', async () => {
    for (const path of ['versions/1/profile.html', 'profile-diff.html?from=1&to=2']) {
      const answer = await page(`/v1/datasets/bikes/${path}`)
      const text = await answer.text()
      expect(answer.status).toBe(200)
      expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8')
      expect(text).toContain('<!doctype html>')
      expect(text).not.toMatch(/<script|https?:|@import|url\(/)
    }
  })

  it('of before there were forms are read, for what they have', async () => {
    const found = await get<TableProfile>('/v1/datasets/old/versions/1/profile')
    expect(found).toMatchObject({ rows: 20, duplicates: null, correlations: null })
    expect(found.columns[0]).toMatchObject({ name: 'day', kind: 'date', histogram: null })
    const diff = await get<ProfileDiff>('/v1/datasets/old/profile-diff?from=1&to=1')
    expect(diff.columns.find(({ name }) => name === 'hour')).toMatchObject({ change: 'kept', distance: null })
    expect((await page('/v1/datasets/old/versions/1/profile.html')).status).toBe(200)
  })

  it('are asked for with two versions that there are', async () => {
    const problem = await get<ProblemDetails>('/v1/datasets/bikes/profile-diff')
    expect(problem.code).toBe('invalid_request')
    expect(problem.problems?.map(({ at }) => at)).toEqual(['from', 'to'])
    expect(await get('/v1/datasets/bikes/profile-diff?from=1&to=9')).toMatchObject({ code: 'not_found' })
    expect(await get('/v1/datasets/none/versions/1/profile')).toMatchObject({ code: 'not_found' })
  })
})
