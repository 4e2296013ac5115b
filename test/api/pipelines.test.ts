import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { STEP_TYPES } from '../../domain/pipelines/step-types.js'
import { TestApi } from './support/api.js'
import { problemsOf } from './support/pipeline-calls.js'

const LOAD = { uses: 'dataset', with: { dataset: 'bike' } }
const SCRIPT = { uses: 'script', with: { command: ['true'] } }

describe('definitions of pipelines', () => {
  let api: TestApi
  beforeAll(async () => {
    api = await TestApi.start()
  })
  afterAll(() => api.close())

  const apply = (body: object, key = 'mlf_operator') => api.call('POST', '/v1/pipelines', { body, key })
  const applyOne = (name: string, definition: object, more: object = {}) =>
    apply({ pipelines: { [name]: definition }, ...more })
  const get = (path: string) => api.call('GET', path, { key: 'mlf_viewer' })
  const names = async () => {
    const { body } = await get('/v1/pipelines?limit=200')
    return (body as { items: { name: string }[] }).items.map(({ name }) => name)
  }

  it('become versions, with what has changed; an equal one changes nothing', async () => {
    const steps = {
      load: LOAD,
      tell: { uses: 'notify', needs: 'load', with: { url: 'http://x', text: 'a' } },
    }
    expect(await applyOne('grows', { steps })).toMatchObject({
      status: 200,
      body: {
        dryRun: false,
        pipelines: [
          {
            name: 'grows',
            version: 1,
            created: true,
            sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
            diff: { added: ['load', 'tell'], removed: [], changed: [], parameters: [], settings: [] },
          },
        ],
      },
    })
    const again = await applyOne('grows', { parallel: 20, steps: { ...steps, load: { ...LOAD, needs: [] } } })
    expect(again.body).toMatchObject({
      pipelines: [{ version: 1, created: false, diff: { added: [], removed: [], changed: [] } }],
    })
    const changed = {
      parallel: 2,
      parameters: { to: { type: 'string', default: 'x' } },
      steps: { load: { ...LOAD, timeout: '5m', with: { dataset: 'bike@1' } }, more: LOAD },
    }
    const diff = {
      added: ['more'],
      removed: ['tell'],
      changed: [{ step: 'load', fields: ['timeoutSeconds', 'with'] }],
      parameters: ['to'],
      settings: ['parallel'],
    }
    expect((await applyOne('grows', changed, { dryRun: true })).body).toMatchObject({
      dryRun: true,
      pipelines: [{ version: 2, created: true, diff }],
    })
    expect(await get('/v1/pipelines/grows')).toMatchObject({ body: { version: 1 } })
    expect((await applyOne('grows', changed)).body).toMatchObject({
      dryRun: false,
      pipelines: [{ version: 2, created: true, diff }],
    })
    expect((await applyOne('grows', changed)).body).toMatchObject({
      pipelines: [{ version: 2, created: false }],
    })
  })

  it('are read as they are kept: complete, each version for itself', async () => {
    await applyOne('kept', { steps: { load: LOAD } })
    await applyOne('kept', { description: 'of bikes', steps: { load: LOAD } })
    expect(await get('/v1/pipelines/kept')).toMatchObject({
      status: 200,
      body: {
        name: 'kept',
        version: 2,
        principal: 'key:operator',
        definition: {
          schema: 1,
          name: 'kept',
          description: 'of bikes',
          parallel: 20,
          onFailure: 'finish_others',
          parameters: {},
          steps: [{ name: 'load', uses: 'dataset', needs: [], with: { dataset: 'bike' } }],
        },
      },
    })
    const first = await get('/v1/pipelines/kept/versions/1')
    expect(first.body).not.toHaveProperty('definition.description')
    expect((await get('/v1/pipelines/kept/versions/latest')).body).toMatchObject({ version: 2 })
    const page = await get('/v1/pipelines/kept/versions?limit=1')
    expect(page.body).toMatchObject({ items: [{ version: 2 }] })
    const { nextCursor } = page.body as { nextCursor: string }
    const rest = await get(`/v1/pipelines/kept/versions?limit=1&cursor=${nextCursor}`)
    expect(rest.body).toEqual({ items: [first.body] })
    expect(await get('/v1/pipelines/kept/versions/3')).toMatchObject({
      status: 404,
      body: { detail: 'Pipeline "kept" has no version 3; its newest is 2.' },
    })
    expect(await get('/v1/pipelines/kepd')).toMatchObject({
      status: 404,
      body: { code: 'not_found', detail: 'There is no pipeline "kepd". Did you mean "kept"?' },
    })
  })

  it('are refused with all that is wrong, each by file, line and column', async () => {
    const source = [
      'api: { port: 8080 }',
      'pipelines:',
      '  good:',
      '    steps: { load: { uses: dataset, with: { dataset: bike } } }',
      '  bad:',
      '    steps:',
      '      load: { uses: datset, with: { dataset: bike } }',
      '      sum:',
      '        uses: query',
      '        with: { sql: 1, tables: { t: "${{ steps.lod.table }}" }, limit: 3 }',
    ].join('\n')
    const answer = await apply({ source, file: 'conf/mlforge.yaml' })
    expect(answer).toMatchObject({ status: 422, body: { code: 'pipeline_invalid' } })
    const problems = problemsOf(answer)
    expect(problems.map(({ at }) => at)).toEqual([
      'conf/mlforge.yaml:7:15',
      'conf/mlforge.yaml:10:17',
      'conf/mlforge.yaml:10:35',
      'conf/mlforge.yaml:10:66',
    ])
    expect(problems.map(({ message }) => message)).toEqual([
      expect.stringContaining('Did you mean "dataset"?'),
      'Must be text, and is 1.',
      'There is no step "lod". Did you mean "load"?',
      expect.stringContaining('"query" has no input "limit".'),
    ])
    expect((answer.body as { detail: string }).detail).toBe(
      `${problems[0]!.at}: ${problems[0]!.message} (and 3 more, see problems)`,
    )
    expect(await names()).not.toContain('good')
    expect(problemsOf(await apply({ source: 'steps: [' }))).toEqual([
      { at: 'mlforge.yaml:1:9', message: expect.any(String) },
    ])
  })

  it('of JSON are refused under the paths of the body, all or none', async () => {
    const body = {
      pipelines: { fine: { steps: { load: LOAD } }, broken: { steps: { x: { uses: 'qery' } }, paralel: 1 } },
    }
    const answer = await apply(body)
    expect(answer).toMatchObject({ status: 422, body: { code: 'pipeline_invalid' } })
    expect(problemsOf(answer).map(({ at }) => at)).toEqual([
      'pipelines.broken.paralel',
      'pipelines.broken.steps.x.uses',
    ])
    expect(await names()).not.toContain('fine')
  })

  it.each([
    ['neither form', {}, 400, 'source', /either source or pipelines/],
    ['both forms', { source: 'x', pipelines: {} }, 400, 'source', /either source or pipelines/],
    ['an unknown field', { sources: 'x' }, 400, 'sources', /Did you mean "source"\?/],
    ['no text', { source: 7 }, 400, 'source', /must be a string/],
    ['no pipelines', { pipelines: {} }, 422, 'pipelines', /at least one/],
    ['a list', { pipelines: [] }, 400, 'pipelines', /object/],
    [
      'a name that none can have',
      { pipelines: { 'Not So': { steps: {} } } },
      422,
      'pipelines.Not So',
      /name/,
    ],
    [
      'characters that Postgres does not take',
      { pipelines: { nul: { description: 'a\0b', steps: { load: LOAD } } } },
      400,
      'pipelines.nul.description',
      /cannot be kept/,
    ],
    [
      'a step that would get lost on its way',
      { pipelines: { lost: { steps: { constructor: LOAD } } } },
      400,
      'body',
      /A member "constructor" is not taken/,
    ],
    [
      'a key that is none of its own',
      JSON.parse(
        '{"pipelines": {"proto": {"steps": {"x": {"uses": "dataset", "with": {"dataset": "b", "toString": 1}}}}}}',
      ),
      422,
      'pipelines.proto.steps.x.with.toString',
      /has no input "toString"/,
    ],
  ])('are refused: %s', async (_, body, status, at, message) => {
    const answer = await apply(body as object)
    expect(answer.status).toBe(status)
    expect(problemsOf(answer)[0]).toEqual({ at, message: expect.stringMatching(message) })
  })

  it('may be as large as a source may be, and no larger', async () => {
    const fill = (
      length: number,
      text = 'name: large\nsteps: { load: { uses: dataset, with: { dataset: b } } }\n',
    ) => text + '# of no use\n'.repeat(Math.ceil((length - text.length) / 12)).slice(0, length - text.length)
    expect(await apply({ source: fill(2 ** 19) })).toMatchObject({ status: 200 })
    expect(await apply({ source: fill(2 ** 19 + 1) })).toMatchObject({
      status: 400,
      body: { problems: [{ at: 'source' }] },
    })
    expect(await apply({ source: fill(3 * 2 ** 20) })).toMatchObject({
      status: 413,
      body: { code: 'body_too_large' },
    })
  })

  it('may be as deep as a definition may be, and no deeper', async () => {
    const nested = (depth: number) => {
      const deep = '['.repeat(depth) + ']'.repeat(depth)
      const step = `{ "uses": "http", "with": { "url": "http://x", "body": ${deep} } }`
      return api.call('POST', '/v1/pipelines', {
        body: `{ "pipelines": { "nested": { "steps": { "x": ${step} } } } }`,
        headers: { 'content-type': 'application/json' },
      })
    }
    expect((await nested(50)).status).toBe(200)
    const deeper = await nested(150)
    expect(deeper).toMatchObject({ status: 422, body: { code: 'pipeline_invalid' } })
    expect(problemsOf(deeper)).toEqual([
      { at: 'pipelines.nested.steps.x.with', message: 'It is nested deeper than 100 levels.' },
    ])
    expect(await nested(200_000)).toMatchObject({
      status: 400,
      body: { problems: [{ at: 'body', message: 'It is nested deeper than 200 levels.' }] },
    })
  })

  it('are applied by operators, those that run commands by admins, and read by everybody', async () => {
    const body = { pipelines: { commands: { steps: { run: SCRIPT } } } }
    expect(await apply(body, 'mlf_viewer')).toMatchObject({ status: 403, body: { code: 'forbidden' } })
    const refused = await apply({ pipelines: { harmless: { steps: { load: LOAD } }, ...body.pipelines } })
    expect(refused).toMatchObject({
      status: 403,
      body: {
        code: 'forbidden',
        detail: expect.stringContaining('Step "run" of pipeline "commands" runs a command on the workers'),
      },
    })
    expect(await names()).not.toContain('harmless')
    expect(await apply({ ...body, dryRun: true })).toMatchObject({ status: 403 })
    expect(await apply(body, 'mlf_admin')).toMatchObject({ status: 200 })
    expect(await get('/v1/pipelines/commands')).toMatchObject({ body: { principal: 'key:admin' } })
    const removal = await api.call('DELETE', '/v1/pipelines/commands', { key: 'mlf_viewer' })
    expect(removal.status).toBe(403)
  })

  it('can be deleted, and come back with the version after their last', async () => {
    await applyOne('gone', { steps: { load: LOAD } })
    expect(await api.call('DELETE', '/v1/pipelines/gone')).toMatchObject({ status: 204 })
    expect(await names()).not.toContain('gone')
    for (const [method, path] of [
      ['GET', '/v1/pipelines/gone'],
      ['GET', '/v1/pipelines/gone/versions'],
      ['DELETE', '/v1/pipelines/gone'],
      ['POST', '/v1/pipelines/gone/runs'],
    ] as const) {
      expect(await api.call(method, path, method === 'POST' ? { body: {} } : {})).toMatchObject({
        status: 404,
        body: { detail: expect.stringContaining('Pipeline "gone" was deleted. Apply its definition again') },
      })
    }
    expect((await applyOne('gone', { steps: { load: LOAD } })).body).toMatchObject({
      pipelines: [{ version: 1, created: false }],
    })
    expect(await names()).toContain('gone')
    await api.call('DELETE', '/v1/pipelines/gone')
    expect((await applyOne('gone', { steps: { other: LOAD } })).body).toMatchObject({
      pipelines: [{ version: 2, created: true, diff: { added: ['other'], removed: ['load'] } }],
    })
  })

  it('are applied by several at once as one after the other', async () => {
    const answers = await Promise.all(
      Array.from({ length: 6 }, (_, i) =>
        apply({
          pipelines: {
            [i % 2 ? 'left' : 'right']: { description: `${i}`, steps: { load: LOAD } },
            [i % 2 ? 'right' : 'left']: { description: `${i}`, steps: { load: LOAD } },
          },
        }),
      ),
    )
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 200])
    expect((await get('/v1/pipelines/left')).body).toMatchObject({ version: 6 })
    expect((await get('/v1/pipelines/right')).body).toMatchObject({ version: 6 })
  })

  it('are made of steps that the library shows', async () => {
    const { body } = await get('/v1/pipeline-step-types')
    const types = (body as { items: { name: string }[] }).items
    expect(types.map(({ name }) => name)).toEqual(Object.keys(STEP_TYPES))
    expect(types.find(({ name }) => name === 'compare')).toMatchObject({
      inputs: [
        { name: 'candidate', type: 'number', needed: true, default: null },
        { name: 'reference', type: 'number', needed: true },
        { name: 'maxRatio', type: 'number', needed: false, default: 1 },
      ],
      outputs: [{ name: 'ratio', type: 'number' }],
      cache: 'default',
    })
  })
})
