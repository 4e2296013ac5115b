import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { RunStore } from '../../stores/postgres/run-store.js'
import { TestApi } from './support/api.js'
import { seedDataset, table, TRAINING } from './support/seed.js'

const IN_SET = { type: 'expect_column_values_to_be_in_set', column: 'a', value_set: ['a', 'b\0'] }
const UPLOAD = '018f0000-0000-7000-8000-000000000001'
const TREE = { base: null, manifest: 'a'.repeat(64), files: 1, bytes: 1 }

interface ProblemBody {
  code: string
  detail: string
  problems: { at: string; message: string }[]
}

describe('requests that are wrong', () => {
  let api: TestApi
  beforeAll(async () => {
    api = await TestApi.start({ MLFORGE_API_MAX_BODY_BYTES: '20000' })
    await seedDataset(api, 'bikes', table(10))
  })
  afterAll(() => api.close())

  const start = (change: object) => api.call('POST', '/v1/trainings', { body: { ...TRAINING, ...change } })
  const refusal = async (change: object, at: string) => {
    const { status, body } = await start(change)
    const { code, problems } = body as unknown as ProblemBody
    return { status, code, message: problems?.find(each => each.at === at)?.message }
  }

  it('says what is not JSON, and where', async () => {
    const headers = { 'content-type': 'application/json' }
    const answer = await api.call('POST', '/v1/trainings', { body: '{"model": "x",}', headers })
    expect(answer).toMatchObject({
      status: 400,
      body: { code: 'invalid_request', problems: [{ at: 'body' }] },
    })
    expect((answer.body as ProblemBody).detail).toMatch(/position 14/)
  })

  it('says that an address is none', async () => {
    const answer = await fetch(`${api.url}/v1/datasets/%zz?limit=1`)
    expect(answer.status).toBe(400)
    expect(answer.headers.get('content-type')).toBe('application/problem+json; charset=utf-8')
    const detail = expect.stringMatching(/%zz.* is not a valid url/)
    expect(await answer.json()).toMatchObject({
      code: 'invalid_request',
      detail,
      instance: '/v1/datasets/%zz',
    })
  })

  it.each([
    ['[', 'It is nested deeper than 200 levels.'],
    ['constructor', 'A member "constructor" is not taken; choose another name.'],
    ['prototype', 'A member "prototype" is not taken; choose another name.'],
  ])('refuses a body that would get lost or end in the depths: %s', async (what, message) => {
    const value = what === '[' ? '['.repeat(9_000) + ']'.repeat(9_000) : `{ "${what}": {} }`
    const answer = await api.call('POST', '/v1/trainings', {
      body: `{ "parameters": ${value} }`,
      headers: { 'content-type': 'application/json' },
    })
    expect(answer).toMatchObject({
      status: 400,
      body: { code: 'invalid_request', problems: [{ at: 'body', message }] },
    })
  })

  it.each([
    ['bikes/versions', { upload: UPLOAD, nullValues: ['-', '\0'] }, 'nullValues[1]'],
    ['bikes/versions', { upload: UPLOAD, expectations: [IN_SET] }, 'expectations[0].value_set[1]'],
    ['bikes/versions', { upload: UPLOAD, columns: { 'a\0': { type: 'string' } } }, 'columns.a\ufffd'],
    ['bikes/pushes', { ...TREE, message: 'half \ud83d' }, 'message'],
    ['bikes\0/pushes', TREE, 'path {name}'],
    ['bikes/pushes', { ...TREE, code: { commit: 'c0ffee\0', dirty: false } }, 'code.commit'],
  ])('says which text of a request has a character that is not kept: %s %j %s', async (path, body, at) => {
    const answer = await api.call('POST', `/v1/datasets/${encodeURI(path)}`, { body })
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_request', problems: [{ at }] } })
  })

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'text/csv'])(
    'refuses %s where JSON is due',
    async type => {
      const answer = await api.call('POST', '/v1/trainings', {
        body: '{}',
        headers: { 'content-type': type },
      })
      expect(answer).toMatchObject({ status: 415, body: { code: 'unsupported_media_type' } })
    },
  )

  it('refuses a body larger than allowed', async () => {
    const answer = await start({ features: Array.from({ length: 2000 }, (_, i) => `column-number-${i}`) })
    expect(answer).toMatchObject({ status: 413, body: { code: 'body_too_large' } })
  })

  it('lists all problems at once, with the name that was meant', async () => {
    const { target: _, ...rest } = TRAINING
    const answer = await api.call('POST', '/v1/trainings', {
      body: {
        ...rest,
        targt: 'cnt',
        rounds: 0,
        split: { ...TRAINING.split, holdout: { from: '2011-02-30' } },
      },
    })
    expect(answer.status).toBe(400)
    const { problems } = answer.body as ProblemBody
    expect(problems.map(each => each.at).sort()).toEqual([
      'rounds',
      'split.holdout.from',
      'split.holdout.until',
      'target',
      'targt',
    ])
    expect(problems.find(each => each.at === 'targt')!.message).toMatch(/Did you mean "target"\?/)
  })

  it('does not let a body change prototypes', async () => {
    const body = `{"__proto__": {"admin": true}, "model": "x"}`
    const answer = await api.call('POST', '/v1/trainings', {
      body,
      headers: { 'content-type': 'application/json' },
    })
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_request' } })
  })

  it('names the dataset that was meant', async () => {
    const answer = await start({ dataset: { name: 'bike' } })
    expect(answer).toMatchObject({ status: 404, body: { code: 'not_found' } })
    expect((answer.body as ProblemBody).detail).toMatch(/Did you mean "bikes"\?/)
    expect(await start({ dataset: { name: 'bikes', version: 7 } })).toMatchObject({ status: 404 })
  })

  it.each(['', 'Gold', '{yesterday}', 0, 1.5, true])(
    'refuses %j, which selects no version',
    async version => {
      expect(await refusal({ dataset: { name: 'bikes', version } }, 'dataset.version')).toMatchObject({
        status: 400,
        message: expect.stringMatching(/It selects no version: give a number from 1, `latest`, a branch/),
      })
    },
  )

  it('refuses columns and labels that cannot be learned from', async () => {
    expect(await refusal({ target: 'count' }, 'target')).toMatchObject({
      status: 422,
      code: 'unknown_column',
      message: expect.stringMatching(/no column "count"/),
    })
    expect(await refusal({ features: ['houre'] }, 'features[0]')).toMatchObject({
      status: 422,
      code: 'unknown_column',
      message: expect.stringMatching(/Did you mean "hour"\?/),
    })
    expect(await refusal({ target: 'same' }, 'target')).toMatchObject({
      status: 422,
      code: 'target_invalid',
      message: expect.stringMatching(/same value/),
    })
    expect(await refusal({ target: 'label' }, 'target')).toMatchObject({
      status: 422,
      code: 'target_invalid',
      message: expect.stringMatching(/needs a number/),
    })
    expect(await refusal({ target: 'gap' }, 'target')).toMatchObject({
      status: 422,
      code: 'label_invalid',
      message: expect.stringMatching(/missing in 1 rows/),
    })
  })

  it('refuses parameters that are misspelt, out of range or cannot resume exactly', async () => {
    expect(await refusal({ parameters: { max_dept: 3 } }, 'parameters.max_dept')).toMatchObject({
      status: 422,
      code: 'unknown_parameter',
      message: expect.stringMatching(/max_depth/),
    })
    expect(await refusal({ parameters: { eta: 7 } }, 'parameters.eta')).toMatchObject({
      status: 422,
      code: 'parameter_out_of_range',
      message: expect.stringMatching(/eta|0/),
    })
    expect(await refusal({ parameters: { tree_method: 'approx' } }, 'parameters.tree_method')).toMatchObject({
      status: 422,
      code: 'not_resumable',
      message: expect.stringMatching(/approx/),
    })
    expect(await refusal({ parameters: { eta: [1] } }, 'parameters.eta')).toMatchObject({
      status: 400,
      code: 'invalid_request',
      message: expect.stringMatching(/number/),
    })
  })

  it('refuses a split whose parts overlap', async () => {
    const split = { ...TRAINING.split, train: { until: '2011-01-09' } }
    expect(await refusal({ split }, 'split.holdout.from')).toMatchObject({
      status: 422,
      code: 'split_invalid',
      message: expect.stringMatching(/must not begin before/),
    })
  })

  it('keeps nothing of what it refused', async () => {
    expect((await new RunStore(api.database.dataSource).list('default', {})).items).toEqual([])
  })

  it.each([
    ['GET', '/v1/datasets/nothing'],
    ['GET', '/v1/datasets/bikes/versions/99'],
    ['GET', '/v1/datasets/bikes/versions/zero'],
    ['GET', '/v1/datasets/bikes/versions/latest/artifacts/other.csv'],
    ['GET', '/v1/models/nothing'],
    ['GET', '/v1/models/nothing/versions/1'],
    ['GET', '/v1/trainings/01a20974-b37c-74dc-9d83-239f755329f3'],
    ['GET', '/v1/trainings/not-an-id'],
    ['GET', '/v1/operations/01a20974-b37c-74dc-9d83-239f755329f3/events'],
    ['GET', '/v1/schedules/nothing'],
    ['GET', '/v1/nowhere'],
    ['PUT', '/v1/trainings'],
  ])('%s %s is not found', async (method, path) => {
    expect(await api.call(method, path)).toMatchObject({ status: 404, body: { code: 'not_found' } })
  })

  it('pages, newest first, without gaps or repetitions while rows come in', async () => {
    const names = () => new RunStore(api.database.dataSource)
    const accept = (i: number) =>
      names().accept({
        project: 'default',
        kind: 'training',
        name: 'rides',
        request: { i },
        principal: 'key:admin',
        trigger: 'api',
        retryPolicy: { codes: [], maxAttempts: 0, delaySeconds: 0 },
      })
    const ids: string[] = []
    for (let i = 0; i < 7; i++) ids.unshift((await accept(i)).run.id)
    const seen: string[] = []
    let query = '/v1/trainings?limit=3'
    for (let pages = 0; pages < 3; pages++) {
      const page = (await api.call('GET', query)).body as { items: { id: string }[]; nextCursor?: string }
      seen.push(...page.items.map(item => item.id))
      await accept(100 + pages)
      query = `/v1/trainings?limit=3&cursor=${page.nextCursor}`
    }
    expect(seen).toEqual(ids)
  })

  it.each(['x', Buffer.from('["a","b"]').toString('base64url'), Buffer.from('{}').toString('base64url')])(
    'refuses cursor %s',
    async cursor => {
      const answer = await api.call('GET', `/v1/trainings?cursor=${cursor}`)
      expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_request' } })
    },
  )

  it('refuses unknown and impossible query fields', async () => {
    const answer = await api.call('GET', '/v1/trainings?limit=1000&statu=running')
    expect(answer.status).toBe(400)
    const { problems } = answer.body as ProblemBody
    expect(problems.map(each => each.at).sort()).toEqual(['limit', 'statu'])
    expect(problems.find(each => each.at === 'statu')!.message).toMatch(/"status"/)
  })
})
