import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { DatasetCommit, DatasetVersion, Rows } from '../../contracts/rest/datasets.js'
import type { Fit, TransformationVersion, TransformedRows } from '../../contracts/rest/fits.js'
import type { Lineage } from '../../contracts/rest/lineage.js'
import type { Operation } from '../../contracts/rest/operations.js'
import type { TransformationStep } from '../../contracts/rest/transformations.js'
import { bucketOf } from '../../domain/transformations/md5.js'
import { TestApi } from '../api/support/api.js'
import { pipelineCalls } from '../api/support/pipeline-calls.js'
import { bikeCsv } from '../support/bike-data.js'
import { eventually } from '../support/eventually.js'
import { Harness, PROJECT } from '../support/harness.js'
import { record } from '../support/histories.js'

const STEPS: TransformationStep[] = [
  { kind: 'scale', columns: ['temp'], method: 'standard' },
  { kind: 'one_hot', columns: ['weathersit'], unknown: 'ignore' },
  { kind: 'target', columns: ['hr'], target: 'cnt' },
]

describe('a transformation', () => {
  let harness: Harness
  let api: TestApi
  beforeAll(async () => {
    harness = await Harness.start({ env: { MLFORGE_ROLLOUTS_LOOK_EVERY_SECONDS: '0.2' } })
    api = await TestApi.beside(harness)
    const options = { columns: { dteday: { format: '%m/%d/%Y' } } }
    await harness.ended(await harness.commit('bike', bikeCsv(4), options))
  })
  afterAll(async () => {
    await api?.stop()
    await harness?.stop()
  })

  const calls = pipelineCalls(() => api)
  const get = async <T>(path: string) => (await api.call('GET', path)).body as T
  const fit = (name: string, body: object, headers: Record<string, string> = {}) =>
    api.call('POST', `/v1/transformations/${name}/fits`, { body, headers })
  const ended = <T extends Operation>(run: T): Promise<T> =>
    eventually(async () => {
      const now = await get<T>(run.links.self)
      expect(['accepted', 'running']).not.toContain(now.status)
      return now
    })
  const fitted = async (name: string, body: object) => ended((await fit(name, body)).body as Fit)
  const versionOf = (name: string, version: number | 'latest' = 'latest') =>
    get<TransformationVersion>(`/v1/transformations/${name}/versions/${version}`)
  const apply = async (into: string, transformed: object) => {
    const { body } = await api.call('POST', `/v1/datasets/${into}/versions`, { body: { transformed } })
    return ended(body as DatasetCommit)
  }

  it('learns from the rows that it is to learn from, and is a version with its steps and its state', async () => {
    const where = `hr < 20`
    const run = await fitted('prep', { dataset: 'bike', where, steps: STEPS })
    expect(run).toMatchObject({
      kind: 'fit',
      status: 'succeeded',
      transformation: 'prep',
      dataset: { name: 'bike', version: 1 },
      where,
      version: 1,
      created: true,
      links: { result: '/v1/transformations/prep/versions/1' },
    })
    await record(harness.client, `${PROJECT}/fit/prep/${run.id}`, 'fitTransformation.succeeded')
    const { rows } = await get<DatasetVersion>('/v1/datasets/bike/versions/1')
    const version = await versionOf('prep')
    expect(version).toMatchObject({ version: 1, steps: STEPS, where, runId: run.id })
    expect(version.rows).toBeLessThan(rows!)
    expect(version.output.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['temp', 'weathersit_1', 'hr', 'cnt']),
    )
    const [state] = version.artifacts
    expect(state).toMatchObject({ name: 'state.json', sha256: version.sha256 })
    expect(await get(state!.href)).toMatchObject({ format: 1, steps: STEPS, rows: version.rows })
  })

  it('is the same version where it has learned the same from the same', async () => {
    expect(
      await fitted('prep', { dataset: 'bike', version: '1', where: 'hr < 20', steps: STEPS }),
    ).toMatchObject({ status: 'succeeded', version: 1, created: false })
    expect(await fitted('prep', { dataset: 'bike', steps: STEPS })).toMatchObject({
      version: 2,
      created: true,
    })
    const { body } = await api.call('GET', '/v1/transformations/prep/versions?limit=1')
    expect(body).toMatchObject({ items: [{ version: 2 }], nextCursor: expect.any(String) })
    expect(await get('/v1/transformations')).toMatchObject({ items: [{ name: 'prep', latestVersion: 2 }] })
  })

  it('makes versions of datasets, which lead to it and to what they were made from', async () => {
    const commit = await apply('bike-prep', {
      dataset: 'bike',
      transformation: 'prep',
      transformationVersion: 1,
    })
    expect(commit).toMatchObject({ status: 'succeeded', version: 1, created: true })
    const made = await get<DatasetVersion>('/v1/datasets/bike-prep/versions/1')
    const source = await get<DatasetVersion>('/v1/datasets/bike/versions/1')
    expect(made.rows).toBe(source.rows)
    expect(made.schema.find(({ name }) => name === 'temp')).toMatchObject({ type: 'number' })
    const { columns, rows } = await get<Rows>('/v1/datasets/bike-prep/versions/1/rows?limit=1000')
    const weather = columns.flatMap((name, i) => (name.startsWith('weathersit_') ? [i] : []))
    for (const row of rows) {
      expect(weather.reduce((sum, i) => sum + Number(row[i]), 0)).toBeLessThanOrEqual(1)
    }
    const { nodes } = await get<Lineage>('/v1/lineage/dataset:bike-prep@1?direction=upstream')
    expect(nodes.map(({ id }) => id)).toEqual(
      expect.arrayContaining(['transformation:prep@1', 'dataset:bike@1', `run:${commit.id}`]),
    )
    // Equal content is the version that is there.
    expect(
      await apply('bike-prep', { dataset: 'bike', transformation: 'prep', transformationVersion: 1 }),
    ).toMatchObject({ version: 1, created: false })
  })

  it('is fitted and applied by pipelines, without that a row knows its own target', async () => {
    const { id } = await calls.start('prepare', {
      steps: {
        data: { uses: 'dataset', with: { dataset: 'bike@1' } },
        learn: {
          uses: 'fit',
          with: {
            transformation: 'folded',
            table: '${{ steps.data.table }}',
            steps: STEPS,
            folds: 3,
            dataset: '${{ steps.data.name }}',
            version: '${{ steps.data.version }}',
          },
        },
        use: {
          uses: 'apply',
          with: {
            transformation: 'folded',
            version: '${{ steps.learn.version }}',
            table: '${{ steps.data.table }}',
          },
        },
        both: {
          uses: 'query',
          with: {
            sql: 'SELECT (SELECT count(*) FROM a) AS folded, (SELECT count(DISTINCT hr) FROM a) AS many, (SELECT count(DISTINCT hr) FROM b) AS few',
            tables: { a: '${{ steps.learn.table }}', b: '${{ steps.use.table }}' },
          },
        },
      },
    })
    const run = await calls.ended(id, 'succeeded')
    const step = (name: string) => run.steps.find(each => each.name === name)!
    expect(step('learn').note).toBe('folded version 1')
    const { first } = step('both').outputs as { first: Record<string, number> }
    const { rows } = await get<DatasetVersion>('/v1/datasets/bike/versions/1')
    expect(first['folded']).toBe(rows)
    // Of 24 hours there are 24 means, and as many again for each fold that has not seen some rows.
    expect(first['few']).toBeLessThanOrEqual(24)
    expect(first['many']!).toBeGreaterThan(first['few']!)
    const { nodes } = await get<Lineage>('/v1/lineage/transformation:folded@1?direction=upstream')
    expect(nodes.map(each => each.id)).toEqual(expect.arrayContaining([`run:${id}`, 'dataset:bike@1']))
  })

  it('is fitted by folds over REST as in pipelines, and makes a version in which no row knows its own target', async () => {
    const steps: TransformationStep[] = [
      { kind: 'target', columns: ['hr'], target: 'cnt', smoothing: 0 },
      { kind: 'select', columns: ['instant', 'hr', 'cnt'] },
    ]
    const where = 'hr < 20'
    const run = await fitted('dealt', { dataset: 'bike', where, steps, folds: 4, seed: 7 })
    expect(run).toMatchObject({ status: 'succeeded', version: 1, folds: { count: 4, seed: 7 } })
    await fitted('whole', { dataset: 'bike', where, steps })
    const [dealt, whole] = [await versionOf('dealt'), await versionOf('whole')]
    // What it has learned of all rows is the same without folds.
    expect([dealt.sha256, dealt.folds, whole.folds]).toEqual([whole.sha256, run.folds, null])
    expect(dealt.artifacts.map(({ name }) => name)).toEqual([
      'state.json',
      ...[0, 1, 2, 3].map(fold => `fold-${fold}.json`),
    ])
    const made = { dataset: 'bike', transformation: 'dealt' }
    expect(await apply('bike-dealt', { ...made, outOfFold: true })).toMatchObject({ status: 'succeeded' })
    expect(await apply('bike-whole', made)).toMatchObject({ status: 'succeeded' })
    const rowsOf = async (name: string) => {
      const { rows: count } = await get<DatasetVersion>(`/v1/datasets/${name}/versions/1`)
      const all: number[][] = []
      while (all.length < count!) {
        const path = `/v1/datasets/${name}/versions/1/rows?limit=1000&offset=${all.length}`
        const { columns, rows } = await get<Rows>(path)
        all.push(...rows.map(row => ['hr', 'cnt'].map(column => Number(row[columns.indexOf(column)]))))
      }
      return all
    }
    const before = await rowsOf('bike')
    const inFit = before.map(([hr]) => hr! < 20)
    const fold = (row: number) => bucketOf(String(row), 4, 7)
    const mean = (of: readonly number[]) => of.reduce((sum, each) => sum + each, 0) / of.length
    const encoded = (i: number, isOther: (row: number) => boolean) => {
      const others = before.flatMap(([hr, cnt], row) =>
        inFit[row] && isOther(row) ? [[hr!, cnt!] as const] : [],
      )
      const same = others.filter(([hr]) => hr === before[i]![0])
      return mean((same.length > 0 ? same : others).map(([, cnt]) => cnt))
    }
    const [outOfFold, ofAll] = [await rowsOf('bike-dealt'), await rowsOf('bike-whole')]
    expect(outOfFold).toHaveLength(before.length)
    for (const i of before.keys()) {
      expect(ofAll[i]![0]).toBeCloseTo(
        encoded(i, () => true),
        9,
      )
      const expected = encoded(i, row => !inFit[i] || fold(row) !== fold(i))
      expect(outOfFold[i]![0]).toBeCloseTo(expected, 9)
    }
    // Another seed deals otherwise, and is another version; the same one is not.
    const again = { dataset: 'bike', where, steps, folds: 4 }
    expect(await fitted('dealt', { ...again, seed: 7 })).toMatchObject({ version: 1, created: false })
    expect(await fitted('dealt', again)).toMatchObject({ version: 2, created: true, folds: { seed: 0 } })
  })

  it('refuses folds that are none, and of another table, before anything begins', async () => {
    const post = (body: object) => api.call('POST', '/v1/datasets/made/versions', { body })
    const outOfFold = { outOfFold: true, transformationVersion: 1 }
    expect(
      await post({ transformed: { ...outOfFold, dataset: 'bike', transformation: 'prep' } }),
    ).toMatchObject({
      status: 422,
      body: {
        code: 'transformation_mismatch',
        problems: [{ at: 'transformed.outOfFold', message: expect.stringContaining('without folds') }],
      },
    })
    await harness.ended(
      await harness.commit('later', bikeCsv(5), { columns: { dteday: { format: '%m/%d/%Y' } } }),
    )
    expect(
      await post({ transformed: { ...outOfFold, dataset: 'later', transformation: 'dealt' } }),
    ).toMatchObject({
      status: 422,
      body: {
        code: 'transformation_mismatch',
        problems: [
          { at: 'transformed.outOfFold', message: expect.stringContaining('later@1: that of bike@1') },
        ],
      },
    })
    for (const [wrong, at] of [
      [{ folds: 1 }, 'folds'],
      [{ folds: 101 }, 'folds'],
      [{ folds: 2.5 }, 'folds'],
      [{ folds: 2, seed: -1 }, 'seed'],
      [{ seed: 1 }, 'seed'],
    ] as const) {
      expect(await fit('wrong', { dataset: 'bike', steps: STEPS, ...wrong })).toMatchObject({
        status: 400,
        body: { code: 'invalid_request', problems: [{ at }] },
      })
    }
  })

  it('transforms rows as it does those of a table', async () => {
    const source = await get<Rows>('/v1/datasets/bike/versions/1/rows?limit=50')
    const made = await get<Rows>('/v1/datasets/bike-prep/versions/1/rows?limit=50')
    const objects = ({ columns, rows }: Rows) =>
      rows.map(row => Object.fromEntries(columns.map((column, i) => [column, row[i]])))
    const transform = (rows: unknown) =>
      api.call('POST', '/v1/transformations/prep/versions/1/rows', { body: { rows } })
    const { status, body } = await transform(objects(source))
    expect(status).toBe(200)
    expect((body as TransformedRows).rows).toEqual(objects(made))
    const [first] = objects(source)
    expect(await transform([first, { ...first, temp: 'warm' }, 7])).toMatchObject({
      status: 422,
      body: {
        code: 'transformation_mismatch',
        problems: [{ at: 'rows[1].temp' }, { at: 'rows[2].row' }],
      },
    })
    const sql = await fit('by-sql', { dataset: 'bike', steps: [{ kind: 'filter', where: 'temp > 0' }] })
    await ended(sql.body as Fit)
    const several = { body: { rows: [first, first, first] } }
    expect(await api.call('POST', '/v1/transformations/by-sql/versions/1/rows', several)).toMatchObject({
      status: 422,
      body: { code: 'transformation_mismatch', problems: [{ at: 'steps[0]' }] },
    })
  })

  it('is asked for once by one key', async () => {
    const headers = { 'idempotency-key': 'once' }
    const first = await fit('keyed', { dataset: 'bike', steps: STEPS }, headers)
    expect(first.status).toBe(202)
    const again = await fit('keyed', { dataset: 'bike', steps: STEPS }, headers)
    expect((again.body as Fit).id).toBe((first.body as Fit).id)
    expect(await fit('keyed', { dataset: 'bike', steps: STEPS.slice(1) }, headers)).toMatchObject({
      status: 409,
      body: { code: 'idempotency_key_reused' },
    })
    await ended(first.body as Fit)
  })

  it.each<[string, object, number, string]>([
    ['no steps', { dataset: 'bike', steps: [] }, 400, 'invalid_request'],
    [
      'an unknown kind',
      { dataset: 'bike', steps: [{ kind: 'scael', columns: ['temp'], method: 'standard' }] },
      400,
      'transformation_invalid',
    ],
    [
      'an unknown column',
      { dataset: 'bike', steps: [{ kind: 'scale', columns: ['tepm'], method: 'standard' }] },
      400,
      'transformation_invalid',
    ],
    ['no dataset', { dataset: 'biek', steps: STEPS }, 404, 'not_found'],
  ])('with %s is refused before it begins', async (_, body, status, code) => {
    expect(await fit('wrong', body)).toMatchObject({ status, body: { code } })
    expect(await api.call('GET', '/v1/transformations/wrong')).toMatchObject({ status: 404 })
  })

  it('with a predicate that is none says so, and leaves nothing', async () => {
    const run = await fitted('wrong', { dataset: 'bike', where: 'hr <', steps: STEPS })
    expect(run).toMatchObject({ status: 'refused', error: { code: 'transformation_invalid', status: 400 } })
    expect(await api.call('GET', '/v1/transformations/wrong')).toMatchObject({ status: 404 })
  })

  it('is refused where it does not fit a table, before anything begins', async () => {
    await harness.ended(await harness.commit('other', 'temp,cnt\n1,2\n3,4\n', {}))
    const post = (body: object) => api.call('POST', '/v1/datasets/made/versions', { body })
    expect(await post({ transformed: { dataset: 'other', transformation: 'prep' } })).toMatchObject({
      status: 422,
      body: {
        code: 'transformation_mismatch',
        problems: expect.arrayContaining([expect.objectContaining({ at: 'hr' })]),
      },
    })
    expect(await post({ transformed: { dataset: 'bike', transformation: 'prpe' } })).toMatchObject({
      status: 404,
      body: { detail: expect.stringContaining('prep') },
    })
    expect(await post({})).toMatchObject({ status: 400, body: { code: 'invalid_request' } })
    const transformed = { dataset: 'bike', transformation: 'prep' }
    expect(await post({ transformed, nullValues: ['-'] })).toMatchObject({
      status: 400,
      body: { problems: [{ at: 'nullValues' }] },
    })
  })
})
