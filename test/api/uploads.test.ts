import { connect } from 'node:net'
import { tableFromArrays, tableToIPC } from 'apache-arrow'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { eventually } from '../support/eventually.js'
import { TestApi } from './support/api.js'

const MAX_BYTES = 3_000_000

describe('POST /v1/uploads', () => {
  let api: TestApi
  beforeAll(async () => {
    api = await TestApi.start({ MLFORGE_API_MAX_UPLOAD_BYTES: String(MAX_BYTES) })
  })
  afterAll(() => api.close())

  const send = (body: string | Uint8Array, path = '/v1/uploads', type = 'text/csv') =>
    api.call('POST', path, { body, headers: { 'content-type': type } })
  const uploads = async () =>
    Number((await api.database.dataSource.query('SELECT count(*) FROM uploads'))[0].count)

  it('keeps a well-formed file under its hash', async () => {
    const csv = 'day;count\n2011-01-01;"1\n2"\n2011-01-02;3\n'
    const answer = await send(csv, '/v1/uploads?fileName=day.csv', 'application/octet-stream')
    expect(answer).toMatchObject({
      status: 201,
      body: { fileName: 'day.csv', bytes: csv.length, delimiter: ';', columns: ['day', 'count'], rows: 2 },
    })
    const { id, sha256 } = answer.body as { id: string; sha256: string }
    expect(await api.storedFiles()).toEqual([sha256])
    expect((await api.call('GET', `/v1/uploads/${id}`)).body).toEqual(answer.body)
  })

  it.each([
    ['an empty file', '', 'csv_empty', /empty/],
    ['only a header', 'a,b\n', 'csv_header_only', /no rows/],
    ['ragged rows', 'a,b\n1,2\n3\n4,5,6\n', 'csv_malformed', /row 2 .*and 1 more/],
    ['an open quote', 'a,b\n1,"2\n', 'csv_malformed', /never closed/],
    ['duplicate columns', 'a,b,a\n1,2,3\n', 'csv_duplicate_columns', /a/],
    ['another encoding', Buffer.from('a,b\n1,caf\xe9\n', 'latin1'), 'csv_encoding', /UTF-8/],
    [
      'half of UTF-16',
      Buffer.from('\ufeffa,b\n1,2\n', 'utf16le').subarray(0, -1),
      'csv_encoding',
      /at byte 16/,
    ],
    ['Arrow that was cut off', 'ARROW1\0\0', 'arrow_malformed', /cut off/],
    ['Parquet that was cut off', 'PAR1and more of it', 'parquet_malformed', /cut off/],
    ['lines that are no JSON', '{"a":1}\n{"a"\n', 'ndjson_malformed', /line 2/],
  ])('refuses %s and keeps nothing of it', async (_, body, code, detail) => {
    const [files, rows] = [await api.storedFiles(), await uploads()]
    const answer = await send(body, '/v1/uploads', 'application/octet-stream')
    expect(answer).toMatchObject({ status: 422, body: { code } })
    expect((answer.body as { detail: string }).detail).toMatch(detail)
    expect([await api.storedFiles(), await uploads()]).toEqual([files, rows])
  })

  it.each<[string, string | Uint8Array, string, object]>([
    [
      'a dialect',
      "a|'b'\n1|2\n",
      'delimiter=pipe&quote=single',
      {
        reading: {
          format: 'csv',
          encoding: 'utf-8',
          delimiter: '|',
          quote: "'",
          header: true,
          ragged: false,
        },
        columns: ['a', 'b'],
      },
    ],
    [
      'tabs without a header',
      '1\t"x\n',
      'delimiter=tab&quote=none&header=false',
      { reading: { delimiter: '\t', quote: '', header: false }, columns: ['column1', 'column2'], rows: 1 },
    ],
    [
      'another encoding',
      Buffer.from('a,b\n1,caf\xe9\n', 'latin1'),
      'encoding=windows-1252',
      { reading: { encoding: 'windows-1252' }, rows: 1, bytes: 11 },
    ],
    [
      'JSON lines',
      '{"a":1}\n{"b":2}\n',
      'format=ndjson',
      {
        reading: {
          format: 'ndjson',
          encoding: 'utf-8',
          delimiter: null,
          quote: null,
          header: null,
          ragged: null,
        },
        ...{ delimiter: null, columns: ['a', 'b'], rows: 2 },
      },
    ],
    [
      'Parquet',
      Buffer.concat([Buffer.from('PAR1'), Buffer.alloc(9), Buffer.from([5, 0, 0, 0]), Buffer.from('PAR1')]),
      '',
      { reading: { format: 'parquet', encoding: null }, delimiter: null, columns: null, rows: null },
    ],
    [
      'Arrow',
      tableToIPC(tableFromArrays({ a: [1] }), 'file'),
      'format=arrow',
      { reading: { format: 'arrow', encoding: null }, delimiter: null, columns: null, rows: null },
    ],
  ])('keeps %s as it came, and says how it is read', async (_, body, query, expected) => {
    const answer = await send(body, `/v1/uploads?${query}`, 'application/octet-stream')
    expect(answer).toMatchObject({ status: 201, body: expected })
    const { id } = answer.body as { id: string }
    expect((await api.call('GET', `/v1/uploads/${id}`)).body).toEqual(answer.body)
  })

  it.each(['file', 'stream'] as const)(
    'takes the content type of an Arrow %s for what it says',
    async form => {
      const type = `application/vnd.apache.arrow.${form}`
      const arrow = tableToIPC(tableFromArrays({ a: [1] }), form)
      expect(await send(arrow, '/v1/uploads', type)).toMatchObject({ status: 201 })
      expect(await send('a\n1\n', '/v1/uploads', type)).toMatchObject({
        status: 422,
        body: { code: 'format_mismatch' },
      })
    },
  )

  it.each([
    ['format=parquet', 422, 'format_mismatch'],
    ['format=ndjson', 422, 'format_mismatch'],
    ['format=orc', 400, 'invalid_request'],
    ['encoding=koi8-r', 400, 'invalid_request'],
    ['delimiter=x', 400, 'invalid_request'],
  ])('refuses a file of CSV that is sent with ?%s', async (query, status, code) => {
    expect(await send('a,b\n1,2\n', `/v1/uploads?${query}`)).toMatchObject({ status, body: { code } })
  })

  it('keeps a file with rows of another number of fields where it is to, for a commit that puts them aside', async () => {
    const csv = 'a,b\n1,2\n3\n'
    expect(await send(csv, '/v1/uploads')).toMatchObject({ status: 422, body: { code: 'csv_malformed' } })
    const kept = await send(csv, '/v1/uploads?ragged=keep')
    expect(kept).toMatchObject({ status: 201, body: { rows: 2, reading: { ragged: true } } })
    const { id: upload } = kept.body as { id: string }
    const commit = (more: object) =>
      api.call('POST', '/v1/datasets/ragged/versions', { body: { upload, ...more } })
    expect(await commit({})).toMatchObject({ status: 400, body: { problems: [{ at: 'badRows' }] } })
    expect(await commit({ badRows: 'quarantine' })).toMatchObject({ status: 202 })
  })

  it('is the same one where it is sent again with its key, so that its commit is too', async () => {
    const headers = { 'content-type': 'text/csv', 'idempotency-key': 'once' }
    const keyed = (body: string, more = {}) =>
      api.call('POST', '/v1/uploads', { body, headers: { ...headers, ...more } })
    const before = await uploads()
    const first = await keyed('k,l\n1,2\n')
    expect(first.status).toBe(201)
    const others = await Promise.all([1, 2, 3].map(() => keyed('k,l\n1,2\n')))
    expect(others.map(({ status, body }) => [status, body])).toEqual(others.map(() => [201, first.body]))
    expect(await uploads()).toBe(before + 1)
    const reused = { status: 409, body: { code: 'idempotency_key_reused' } }
    expect(await keyed('k,l\n1,3\n')).toMatchObject(reused)
    const { body } = await keyed('k,l\n1,2\n', { 'idempotency-key': 'twice' })
    expect((body as { id: string }).id).not.toBe((first.body as { id: string }).id)
    expect(await keyed('k\n1\n', { 'idempotency-key': 'a key' })).toMatchObject({ status: 400 })
    const commit = (upload: string) =>
      api.call('POST', '/v1/datasets/keyed/versions', {
        body: { upload },
        headers: { 'idempotency-key': 'c' },
      })
    const [one, again] = [
      await commit((first.body as { id: string }).id),
      await commit((others[0]!.body as { id: string }).id),
    ]
    expect((again.body as { id: string }).id).toBe((one.body as { id: string }).id)
  })

  it('is committed with what is to be done with bad rows', async () => {
    const upload = ((await send('{"a":1}\n', '/v1/uploads')).body as { code: string }).code
    expect(upload).toBe('format_mismatch')
    const { id } = (await send('{"a":1}\n', '/v1/uploads', 'application/x-ndjson')).body as { id: string }
    const commit = (more: object) =>
      api.call('POST', '/v1/datasets/lines/versions', { body: { upload: id, ...more } })
    for (const [more, at] of [
      [{ badRows: 'skip' }, 'badRows'],
      [{ maxBadRows: 3 }, 'maxBadRows'],
      [{ badRows: 'refuse', maxBadShare: 0.5 }, 'maxBadShare'],
      [{ badRows: 'quarantine', maxBadShare: 1.5 }, 'maxBadShare'],
      [{ badRows: 'quarantine', maxBadRows: -1 }, 'maxBadRows'],
    ] as const) {
      expect(await commit(more)).toMatchObject({
        status: 400,
        body: { code: 'invalid_request', problems: [{ at: expect.stringContaining(at) }] },
      })
    }
    expect(await commit({ columns: { b: { type: 'integer' } } })).toMatchObject({
      status: 422,
      body: { code: 'unknown_column' },
    })
    const taken = await commit({ badRows: 'quarantine', maxBadRows: 5 })
    expect(taken.status).toBe(202)
    const [run] = await api.database.dataSource.query('SELECT request FROM runs WHERE id = $1', [
      (taken.body as { id: string }).id,
    ])
    expect(run.request).toMatchObject({
      upload: { id, columns: ['a'], rows: 1, delimiter: null, reading: { format: 'ndjson' } },
      badRows: { maxRows: 5, maxShare: null },
    })
  })

  it('refuses an endless line while it comes, long before its end', async () => {
    const [files, rows] = [await api.storedFiles(), await uploads()]
    const answer = await send(`a,b\n${'x'.repeat(MAX_BYTES - 100)}`)
    expect(answer).toMatchObject({ status: 422, body: { code: 'csv_row_too_long' } })
    expect([await api.storedFiles(), await uploads()]).toEqual([files, rows])
  })

  it('refuses a file larger than allowed: by its length, and while an unannounced one comes', async () => {
    const [files, rows] = [await api.storedFiles(), await uploads()]
    const row = '1,2\n'
    const large = `a,b\n${row.repeat(MAX_BYTES / row.length)}`
    expect(await send(large)).toMatchObject({
      status: 413,
      body: { code: 'body_too_large', maxBytes: MAX_BYTES },
    })
    const chunked = await fetch(`${api.url}/v1/uploads`, {
      method: 'POST',
      headers: { authorization: 'Bearer mlf_operator', 'content-type': 'text/csv' },
      body: new Blob([large]).stream(),
      duplex: 'half',
    } as RequestInit)
    expect(chunked.status).toBe(413)
    expect([await api.storedFiles(), await uploads()]).toEqual([files, rows])
  })

  it('keeps nothing of a client that stops in the middle, announced length or chunked', async () => {
    const [files, rows] = [await api.storedFiles(), await uploads()]
    const { port } = new URL(api.url)
    for (const framing of ['Content-Length: 1000', 'Transfer-Encoding: chunked']) {
      const socket = connect(Number(port), '127.0.0.1')
      const part = 'a,b\n1,2\n3,4\n'
      const body = framing.startsWith('T') ? `${part.length.toString(16)}\r\n${part}\r\n` : part
      socket.write(
        `POST /v1/uploads HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer mlf_operator\r\n` +
          `Content-Type: text/csv\r\n${framing}\r\n\r\n${body}`,
      )
      await eventually(async () => expect((await api.storedFiles()).length).toBe(files.length + 1))
      socket.destroy()
      await eventually(async () => expect(await api.storedFiles()).toEqual(files))
    }
    expect(await uploads()).toBe(rows)
  })

  it('needs the right kind of body, name and role', async () => {
    expect(await send('{}', '/v1/uploads', 'application/json')).toMatchObject({
      status: 415,
      body: { code: 'unsupported_media_type' },
    })
    expect(await send('a\n1\n', '/v1/uploads?fileName=../x')).toMatchObject({ status: 400 })
    const viewer = await api.call('POST', '/v1/uploads', {
      key: 'mlf_viewer',
      body: 'a\n1\n',
      headers: { 'content-type': 'text/csv' },
    })
    expect(viewer.status).toBe(403)
  })
})
