import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { TestApi } from './support/api.js'

describe('expectations by type in a request', () => {
  let api: TestApi
  let upload: string
  beforeAll(async () => {
    api = await TestApi.start()
    const answer = await api.call('POST', '/v1/uploads', {
      body: Buffer.from('day,cnt\n2026-01-01,1\n2026-01-02,2\n'),
      headers: { 'content-type': 'text/csv' },
    })
    upload = (answer.body as { id: string }).id
  })
  afterAll(() => api.close())

  const commit = (expectations: unknown) =>
    api.call('POST', '/v1/datasets/typed/versions', { body: { upload, expectations } })

  it('are refused with all problems at once', async () => {
    const answer = await commit([
      { type: 'expect_column_values_to_be_betwen', column: 'cnt' },
      { type: 'expect_column_values_to_be_between', column: 'cnt', min_vale: 1, mostly: 3 },
    ])
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_request' } })
    const { problems } = answer.body as { problems: { at: string; message: string }[] }
    expect(problems.map(({ at }) => at)).toEqual([
      'expectations[0].type',
      'expectations[1].min_vale',
      'expectations[1].mostly',
      'expectations[1]',
    ])
    expect(problems[0]!.message).toContain('Did you mean "expect_column_values_to_be_between"?')
    expect(await commit([{ type: 'expect_column_values_to_not_be_null', column: 'cn' }])).toMatchObject({
      status: 422,
      body: { code: 'unknown_column', problems: [{ at: 'expectations[0].column' }] },
    })
    expect(await commit('none')).toMatchObject({ status: 400 })
  })

  it('are accepted beside those by kind', async () => {
    const answer = await commit([
      { type: 'expect_column_values_to_not_be_null', column: 'cnt', row_condition: 'col("day").notNull()' },
      { kind: 'range', column: 'cnt', min: 0 },
    ])
    expect(answer).toMatchObject({ status: 202, body: { dataset: 'typed', status: 'accepted' } })
  })
})
