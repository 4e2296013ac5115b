import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import {
  Bool,
  DateDay,
  Float64,
  Int32,
  Table,
  tableFromArrays,
  tableToIPC,
  Utf8,
  vectorFromArray,
} from 'apache-arrow'
import { badRowsOf } from '../../domain/datasets/bad-rows.js'
import type { ConversionSpec } from '../../domain/datasets/conversion.js'
import { filesOf } from '../../domain/data/walk.js'
import { decodeCommit } from '../../domain/data/commit.js'
import { uuidv7 } from '../../stores/ids.js'
import { withDuckDb } from '../../stores/duckdb/duckdb.js'
import { readRows } from '../../stores/duckdb/rows.js'
import { objectUri } from '../../stores/objects/object-uri.js'
import { bytesOf } from '../../stores/objects/whole.js'
import { Harness, PROJECT } from '../support/harness.js'
import { pandas } from '../support/pandas.js'

const DAYS = [
  { day: '2011-01-31', name: 'Zoë', count: 3, temp: 1.5, open: true },
  { day: '2012-02-29', name: 'Łukasz', count: 4, temp: -0.25, open: false },
]
const HEADER = Object.keys(DAYS[0]!)

function delimited(delimiter: string): string {
  return [HEADER, ...DAYS.map(row => Object.values(row))].map(row => `${row.join(delimiter)}\n`).join('')
}

async function parquetOf(select: string): Promise<Buffer> {
  const file = join(tmpdir(), `mlforge-formats-${uuidv7()}.parquet`)
  await withDuckDb({}, db => db.run(`COPY (${select}) TO '${file}' (FORMAT parquet)`))
  return readFile(file)
}

function arrowOf(rows: typeof DAYS): Uint8Array {
  return tableToIPC(
    new Table({
      day: vectorFromArray(
        rows.map(({ day }) => new Date(day)),
        new DateDay(),
      ),
      name: vectorFromArray(
        rows.map(({ name }) => name),
        new Utf8(),
      ),
      count: vectorFromArray(
        rows.map(({ count }) => count),
        new Int32(),
      ),
      temp: vectorFromArray(
        rows.map(({ temp }) => temp),
        new Float64(),
      ),
      open: vectorFromArray(
        rows.map(({ open }) => open),
        new Bool(),
      ),
    }),
    'file',
  )
}

describe('datasetCommit of every format', () => {
  let harness: Harness
  beforeAll(async () => {
    harness = await Harness.start({ queues: ['workflows', 'io'] })
  })
  afterAll(() => harness.stop())

  const version = async (name: string) => (await harness.ports.datasets.latest(PROJECT, name))!
  const rowsOf = async (name: string) => {
    const { parquet } = await version(name)
    return (await readRows(await harness.ports.objects.toFile(parquet!.uri, tmpdir()), {})).rows
  }
  const commit = async (...given: Parameters<Harness['commit']>) =>
    harness.ended(await harness.commit(...given))

  it.each<[string, () => Promise<string | Uint8Array> | string | Uint8Array, object, string]>([
    ['csv', () => delimited(';'), { format: 'csv', delimiter: ';' }, 'raw.csv'],
    ['tsv', () => delimited('\t'), { format: 'csv', delimiter: '\t' }, 'raw.csv'],
    [
      'utf-16',
      () => Buffer.from(`\ufeff${delimited(',')}`, 'utf16le'),
      { format: 'csv', delimiter: ',', encoding: 'utf-16le' },
      'raw.csv',
    ],
    ['ndjson', () => DAYS.map(row => `${JSON.stringify(row)}\n`).join(''), { format: 'ndjson' }, 'raw.jsonl'],
    [
      'parquet',
      () =>
        parquetOf(`SELECT * FROM (VALUES (DATE '2011-01-31', 'Zoë', 3, 1.5::DOUBLE, true),
          (DATE '2012-02-29', 'Łukasz', 4, -0.25, false)) t(day, name, count, temp, open)`),
      { format: 'parquet' },
      'raw.parquet',
    ],
    ['arrow', () => arrowOf(DAYS), { format: 'arrow' }, 'raw.arrow'],
  ])('makes the same table of %s', async (name, content, conversion, path) => {
    const bytes = await content()
    expect(await commit(name, bytes)).toMatchObject({
      status: 'succeeded',
      error: null,
      result: { version: 1 },
    })
    const made = await version(name)
    expect(made).toMatchObject({ rows: '2', quarantine: null, conversion })
    expect(await rowsOf(name)).toEqual(DAYS)
    expect((made.schema as { type: string }[]).map(({ type }) => type)).toEqual([
      ...['date', 'string', 'integer', 'number', 'boolean'],
    ])
    const { raw, manifest } = made
    expect(
      Buffer.from(await bytesOf(harness.ports.objects, raw!.uri)).equals(Buffer.from(bytes as Uint8Array)),
    ).toBe(true)
    const files = []
    for await (const file of filesOf(sha256 => harness.ports.packs.load(PROJECT, sha256), manifest!))
      files.push(file.path)
    expect(files).toEqual([path])
    expect(await commit(name, bytes)).toMatchObject({
      status: 'succeeded',
      result: { version: 1, root: made.root },
    })
  })

  it('reads a next version of another format by the schema of the last', async () => {
    expect(await commit('csv', `${JSON.stringify({ ...DAYS[0], count: 5 })}\n`)).toMatchObject({
      status: 'succeeded',
      result: { version: 2 },
    })
    expect(await rowsOf('csv')).toEqual([{ ...DAYS[0], count: 5 }])
    expect(await commit('csv', arrowOf([{ ...DAYS[1]!, count: 6 }]))).toMatchObject({
      status: 'succeeded',
      result: { version: 3 },
    })
    expect(await rowsOf('csv')).toEqual([{ ...DAYS[1], count: 6 }])
    expect(await commit('csv', tableToIPC(tableFromArrays({ day: ['x'] }), 'stream'))).toMatchObject({
      status: 'refused',
      error: { code: 'schema_changed' },
    })
    expect(await commit('arrow', delimited(','))).toMatchObject({
      status: 'succeeded',
      result: { version: 2 },
    })
  })

  it('reads what pandas writes', async () => {
    const file = join(tmpdir(), `mlforge-pandas-${uuidv7()}`)
    await pandas(
      `import pandas as pd, sys, json
t = pd.DataFrame({'i': [1, 2], 'f': [0.1, None], 's': ['é', None], 'b': [True, False], 'at': pd.to_datetime(['2011-01-31 10:00:00', '2012-02-29 23:59:59'])})
t.to_parquet(sys.argv[1] + '.parquet')
t.to_feather(sys.argv[1] + '.feather')
t.to_json(sys.argv[1] + '.jsonl', orient='records', lines=True, date_format='iso', date_unit='s')
t.to_csv(sys.argv[1] + '.tsv', sep='\\t', index=False, encoding='utf-16')
print(json.dumps({}))`,
      file,
    )
    const expected = [
      { i: 1, f: 0.1, s: 'é', b: true, at: '2011-01-31T10:00:00' },
      { i: 2, f: null, s: null, b: false, at: '2012-02-29T23:59:59' },
    ]
    for (const extension of ['parquet', 'feather', 'jsonl', 'tsv']) {
      const name = `pandas-${extension}`
      expect(await commit(name, await readFile(`${file}.${extension}`))).toMatchObject({
        status: 'succeeded',
        error: null,
      })
      expect(await rowsOf(name)).toEqual(expected)
    }
  })

  it.each<[string, string | (() => Promise<Uint8Array>), string, RegExp]>([
    ['mixed', '{"v":1}\n{"v":"a"}\n', 'types_mixed', /Column v/],
    ['nested', '{"v":[1]}\n', 'nested_values', /Column v/],
    [
      'damaged',
      async () => (await parquetOf('SELECT range AS i FROM range(3000)')).fill(0xff, 20, 200),
      'parquet_malformed',
      /no Parquet that can be read/,
    ],
    [
      'damaged-arrow',
      async () => {
        const bytes = Buffer.from(arrowOf(DAYS))
        // The footer says that there is a record batch where none is.
        return bytes.fill(0xff, bytes.length - 80, bytes.length - 60)
      },
      'arrow_malformed',
      /no Arrow that can be read/,
    ],
    ['structures', () => parquetOf(`SELECT {'x': 1} AS v`), 'nested_values', /Column v is STRUCT/],
    ['empty', () => parquetOf('SELECT 1 AS v WHERE false'), 'no_rows', /no rows/],
  ])('refuses what is %s, at the first try', async (name, content, code, message) => {
    const run = await commit(name, typeof content === 'string' ? content : await content())
    expect(run).toMatchObject({
      ...{ status: 'refused', error: { code, message: expect.stringMatching(message) }, nextAttemptAt: null },
    })
    expect(await harness.ports.datasets.latest(PROJECT, name)).toBeNull()
  })

  it('puts bad rows aside, counted and kept, in the commit too; the same identity without them', async () => {
    const csv = `a,b\n${'1,x\n'.repeat(20)}oops,y\n3,z\n`
    const columns = { a: { type: 'integer' as const } }
    expect(await commit('bad', csv, { columns })).toMatchObject({
      status: 'refused',
      error: { code: 'value_not_of_type' },
    })
    const few = badRowsOf({ maxBadRows: 0 })
    expect(await commit('bad', csv, { columns, badRows: few })).toMatchObject({
      status: 'refused',
      error: { code: 'too_many_bad_rows', details: { badRows: 1, rows: 22 } },
    })
    const run = await commit('bad', csv, { columns, badRows: badRowsOf({}) })
    expect(run).toMatchObject({ status: 'succeeded', result: { version: 1 } })
    const made = await version('bad')
    expect(made).toMatchObject({ rows: '21', quarantine: { rows: 1 } })
    const lines = Buffer.from(await bytesOf(harness.ports.objects, made.quarantine!.uri)).toString()
    expect(lines).toBe(
      `${JSON.stringify({
        row: 21,
        line: 22,
        problems: [{ column: 'a', code: 'value_not_of_type', value: 'oops', expected: 'integer' }],
        raw: 'oops,y',
      })}\n`,
    )
    const commitBytes = await bytesOf(harness.ports.objects, objectUri(PROJECT, made.commit!, 'commits'))
    const { uri: _, ...kept } = made.quarantine!
    expect(decodeCommit(commitBytes).table).toMatchObject({ rows: 21, quarantine: kept })

    const good = csv.replace('oops,y\n', '')
    await commit('good', good, { columns, badRows: badRowsOf({}) })
    await commit('plain', good, { columns })
    const [one, other] = [await version('good'), await version('plain')]
    expect([one.root, one.quarantine]).toEqual([other.root, null])
    expect(Object.keys(one.conversion as ConversionSpec).sort()).toEqual([
      ...['columns', 'delimiter', 'format', 'header', 'nullValues'],
    ])
  })
})
