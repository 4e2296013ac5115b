import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { DeploymentStore } from '../../stores/postgres/deployment-store.js'
import { LabelLookStore } from '../../stores/postgres/label-look-store.js'
import { TestApi } from './support/api.js'
import { seedModel } from './support/seed.js'

interface ProblemBody {
  code: string
  detail: string
  problems: { at: string; message: string }[]
}

const AT = '2012-01-02T13:00:00Z'

describe('labels', () => {
  let api: TestApi
  beforeAll(async () => {
    api = await TestApi.start()
    await seedModel(api, 'rides', 'model bytes')
    await api.call('POST', '/v1/deployments', { body: { name: 'labelled', model: 'rides' } })
  })
  afterAll(() => api.close())

  const send = (labels: unknown, options: object = {}) =>
    api.call('POST', '/v1/deployments/labelled/labels', { body: { labels }, ...options })
  const label = (predictionId: string, value: unknown = 1, at: unknown = AT) => ({
    predictionId,
    value,
    at,
  })
  const many = (count: number, value = 1) =>
    Array.from({ length: count }, (_, i) => label(`many-${i}`, value))
  const problemsOf = async (labels: unknown) => {
    const { status, body } = await send(labels)
    const { code, problems } = body as ProblemBody
    expect([status, code]).toEqual([400, 'invalid_request'])
    return problems
  }
  const summary = async () =>
    ((await api.call('GET', '/v1/deployments/labelled')).body as { labels: unknown }).labels

  it('are kept with all their values, who sent them and when', async () => {
    expect(await send([label('bike-1', 142), label('bike-2', 0)])).toMatchObject({
      status: 200,
      body: { added: 2, corrected: 0, unchanged: 0 },
    })
    const corrected = [label('bike-1', 150.5, '2012-01-03T13:00:00.250+01:00'), label('bike-2', 0)]
    expect(await send(corrected, { key: 'mlf_admin' })).toMatchObject({
      status: 200,
      body: { added: 0, corrected: 1, unchanged: 1 },
    })
    expect(await send(corrected)).toMatchObject({ body: { added: 0, corrected: 0, unchanged: 2 } })
    const history = await api.call('GET', '/v1/deployments/labelled/labels/bike-1', { key: 'mlf_viewer' })
    expect(history).toMatchObject({
      status: 200,
      body: {
        predictionId: 'bike-1',
        state: 'held',
        values: [
          { revision: 0, value: 142, at: '2012-01-02T13:00:00.000Z', principal: 'key:operator' },
          { revision: 1, value: 150.5, at: '2012-01-03T12:00:00.250Z', principal: 'key:admin' },
        ],
      },
    })
    expect(await summary()).toEqual({ labels: 2, corrections: 1, held: 2, unknown: 0 })
  })

  it('may name a prediction by any text', async () => {
    const id = 'Zürich/100%&"sure"?#🚲'
    expect(await send([label(id, 3)])).toMatchObject({ body: { added: 1 } })
    const path = `/v1/deployments/labelled/labels/${encodeURIComponent(id)}`
    expect(await api.call('GET', path)).toMatchObject({
      body: { predictionId: id, values: [{ value: 3 }] },
    })
  })

  it('may be sent twice in a body with the same value', async () => {
    const twice = [label('twice', 5), label('twice', 5, '2013-01-02T13:00:00Z')]
    expect(await send(twice)).toMatchObject({ status: 200, body: { added: 1, unchanged: 1 } })
  })

  it('come ten thousand in a request, with the longest ids, however small other bodies must be', async () => {
    const small = await api.restart({ MLFORGE_API_MAX_BODY_BYTES: '2000' })
    try {
      const labels = many(10_000).map((each, i) => ({
        ...each,
        predictionId: `${i}-`.padEnd(200, 'x'),
        value: -Math.PI * 1e-300,
        at: '2012-01-02T13:00:00.123456789+00:00',
      }))
      const path = '/v1/deployments/labelled/labels'
      expect(await small.call('POST', path, { body: { labels } })).toMatchObject({
        status: 200,
        body: { added: 10_000 },
      })
      const plain = await small.call('POST', '/v1/deployments', {
        body: { name: 'x', model: 'm'.repeat(3000) },
      })
      expect(plain).toMatchObject({ status: 413, body: { code: 'body_too_large' } })
    } finally {
      await small.stop()
    }
  })

  it('are refused past the limit of the body, whatever is in it', async () => {
    const answer = await send([label('x'.repeat(5 * 2 ** 20))])
    expect(answer).toMatchObject({ status: 413, body: { code: 'body_too_large' } })
  })

  it('are taken once from senders at the same time', async () => {
    const before = (await summary()) as { labels: number }
    const answers = await Promise.all([1, 1, 2].map(value => send(many(1000, value))))
    expect(answers.map(each => each.status)).toEqual([200, 200, 200])
    const bodies = answers.map(each => each.body as { added: number; corrected: number })
    expect(bodies.reduce((sum, each) => sum + each.added, 0)).toBe(1000)
    const corrections = bodies.reduce((sum, each) => sum + each.corrected, 0)
    // 1 1 2 and 2 1 1: one correction each; 1 2 1: two.
    expect([1000, 2000]).toContain(corrections)
    expect(await summary()).toMatchObject({ labels: before.labels + 1000 })
  })

  it.each([
    ['NaN', 'NaN'],
    ['a text', '1'],
    ['null', null],
    ['a flag', true],
    ['a list', [1]],
  ])('are refused with %s for a value', async (_what, value) => {
    expect(await problemsOf([label('v', value)])).toEqual([
      { at: 'labels[0].value', message: 'Must be a finite number.' },
    ])
  })

  it('are refused with a number that no double holds', async () => {
    const body = `{"labels":[{"predictionId":"v","value":1e999,"at":"${AT}"}]}`
    const answer = await api.call('POST', '/v1/deployments/labelled/labels', {
      body,
      headers: { 'content-type': 'application/json' },
    })
    expect(answer).toMatchObject({ status: 400, body: { problems: [{ at: 'labels[0].value' }] } })
  })

  it.each([
    '2012-01-02',
    '2012-01-02T13:00:00',
    '2012-02-30T13:00:00Z',
    '2012-01-02T25:00:00Z',
    '2012-01-02T13:00:00+1',
    'yesterday',
    '',
    '2012-01-02T13:00Z!',
    1325509200000,
    null,
  ])('are refused with the time %j', async at => {
    expect(await problemsOf([label('t', 1, at)])).toEqual([
      { at: 'labels[0].at', message: expect.stringMatching(/with an offset/) },
    ])
  })

  it('are refused with a time to come', async () => {
    const [soon, later] = [12, 48].map(hours => new Date(Date.now() + hours * 3_600_000).toISOString())
    expect((await send([label('soon', 1, soon)])).status).toBe(200)
    expect(await problemsOf([label('later', 1, later)])).toEqual([
      { at: 'labels[0].at', message: expect.stringMatching(/more than 24 hours in the future/) },
    ])
  })

  it.each(['', 'x'.repeat(201), 'a\u0000b', 'a\nb', 'bike 1', '\ud800', 7, null, {}])(
    'are refused with the prediction id %j',
    async id => {
      expect(await problemsOf([label(id as string)])).toEqual([
        { at: 'labels[0].predictionId', message: expect.stringMatching(/1 to 200 visible characters/) },
      ])
    },
  )

  it('are refused whole, with everything that is wrong under its index', async () => {
    const before = await summary()
    const problems = await problemsOf([
      label('good', 1),
      { predictionId: 'x', valu: 1, at: AT },
      'bike-1',
      label('two', 1),
      label('two', 2),
      label('three', 'x', 'y'),
      null,
    ])
    expect(problems.map(each => each.at)).toEqual([
      'labels[1].valu',
      'labels[1].value',
      'labels[2]',
      'labels[5].value',
      'labels[5].at',
      'labels[6]',
      'labels[4].value',
    ])
    expect(problems[0]!.message).toMatch(/Did you mean "value"\?.*predictionId, value, at/)
    expect(problems[6]!.message).toMatch(/not the value that labels\[3\] has/)
    expect(await summary()).toEqual(before)
    expect((await api.call('GET', '/v1/deployments/labelled/labels/good')).status).toBe(404)
  })

  it('name the first twenty problems, and count the others', async () => {
    const problems = await problemsOf(many(5000).map(each => ({ ...each, value: 'x' })))
    expect(problems.map(each => each.at)).toEqual([
      ...Array.from({ length: 20 }, (_, i) => `labels[${i}].value`),
      'labels',
    ])
    expect(problems[20]!.message).toBe('The first 20 of 5000 are listed.')
  })

  it.each([
    ['none', []],
    ['10,001', Array.from({ length: 10_001 }, (_, i) => label(`n-${i}`))],
  ])('are refused when there are %s', async (_count, labels) => {
    expect(await problemsOf(labels)).toEqual([
      { at: 'labels', message: expect.stringMatching(/Send 1 to 10000/) },
    ])
  })

  it.each([
    [{}, 'labels', /needed/],
    [{ labels: null }, 'labels', /list/],
    [{ labels: { 0: label('x') } }, 'labels', /list/],
    [{ labels: [label('x')], label: 1 }, 'label', /Did you mean "labels"\?/],
  ])('are refused as %j', async (body, at, message) => {
    const answer = await api.call('POST', '/v1/deployments/labelled/labels', { body })
    expect(answer).toMatchObject({
      status: 400,
      body: { code: 'invalid_request', problems: [{ at, message: expect.stringMatching(message) }] },
    })
  })

  it('are refused without a body', async () => {
    expect((await api.call('POST', '/v1/deployments/labelled/labels')).status).toBe(400)
  })

  it('need an operator, and a deployment', async () => {
    expect(await send([label('x')], { key: 'mlf_viewer' })).toMatchObject({
      status: 403,
      body: { code: 'forbidden', needed: 'operator' },
    })
    const body = { labels: [label('x')] }
    const answer = await api.call('POST', '/v1/deployments/labeled/labels', { body })
    expect(answer).toMatchObject({ status: 404, body: { code: 'not_found' } })
    expect((answer.body as ProblemBody).detail).toMatch(/Did you mean "labelled"\?/)
  })

  it('are not found where none was sent', async () => {
    const answer = await api.call('GET', '/v1/deployments/labelled/labels/nobody')
    expect(answer).toMatchObject({ status: 404, body: { code: 'not_found' } })
    expect((answer.body as ProblemBody).detail).toMatch(/no label of a prediction "nobody"/)
    expect((await api.call('GET', '/v1/deployments/labelled/labels/a%00b')).status).toBe(400)
  })

  it('without a prediction are listed, and counted for Prometheus', async () => {
    await api.call('POST', '/v1/deployments', { body: { name: 'lonely', model: 'rides' } })
    const lonely = '/v1/deployments/lonely'
    const none = await api.call('GET', `${lonely}/labels/unknown`, { key: 'mlf_viewer' })
    expect(none).toMatchObject({ status: 200, body: { items: [] } })
    const labels = ['a', 'b', 'c', 'd'].map(id => label(id))
    await api.call('POST', `${lonely}/labels`, { body: { labels } })
    await api.call('POST', `${lonely}/labels`, { body: { labels: [label('b', 7)] } })
    const { id } = await new DeploymentStore(api.database.dataSource).get('default', 'lonely')
    const looks = new LabelLookStore(api.database.dataSource)
    await looks.match(id, ['a'])
    const begun = await looks.beginSweep(await looks.open(id))
    await api.call('POST', `${lonely}/labels`, { body: { labels: [label('e')] } })
    await looks.report((await looks.endSweep(begun!, 0))!, 0)

    const first = await api.call('GET', `${lonely}/labels/unknown?limit=2`)
    const { items, nextCursor } = first.body as { items: { predictionId: string }[]; nextCursor: string }
    expect(items.map(each => each.predictionId)).toEqual(['d', 'c'])
    const rest = await api.call('GET', `${lonely}/labels/unknown?limit=2&cursor=${nextCursor}`)
    const time = expect.stringMatching(/^20\d\d-.*Z$/)
    expect(rest.body).toEqual({
      items: [
        { predictionId: 'b', value: 7, at: '2012-01-02T13:00:00.000Z', receivedAt: time, reportedAt: time },
      ],
    })
    const deployment = await api.call('GET', lonely)
    expect(deployment.body).toMatchObject({ labels: { labels: 5, corrections: 1, held: 1, unknown: 3 } })
    const states = await Promise.all(
      ['a', 'b', 'e'].map(async each => {
        const { body } = await api.call('GET', `${lonely}/labels/${each}`)
        return (body as { state: string }).state
      }),
    )
    expect(states).toEqual(['matched', 'unknown', 'held'])
    const metrics = (await api.call('GET', '/metrics')).body as string
    expect(metrics).toContain(
      'mlforge_labels_unmatched{project="default",deployment="lonely",state="held"} 1',
    )
    expect(metrics).toContain(
      'mlforge_labels_unmatched{project="default",deployment="lonely",state="unknown"} 3',
    )
    expect(await api.call('GET', '/v1/deployments/lonly/labels/unknown')).toMatchObject({ status: 404 })
  })
})
