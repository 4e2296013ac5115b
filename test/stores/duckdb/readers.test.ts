import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import type { StatedReading } from '../../../domain/datasets/reading.js'
import type { DeclaredColumns, Schema } from '../../../domain/datasets/schema.js'
import { withDuckDb } from '../../../stores/duckdb/duckdb.js'
import { ReaderBench } from './reader-bench.js'

describe('readers of tables', () => {
  let bench: ReaderBench
  beforeAll(async () => {
    bench = await ReaderBench.start()
  })
  afterAll(() => bench?.stop())

  const read: ReaderBench['read'] = (content, how) => bench.read(content, how)
  const parquet: ReaderBench['parquet'] = (select, options) => bench.parquet(select, options)
  const types = (schema: Schema) => schema.map(({ type }) => type)

  const latin1 = (text: string): Uint8Array => Buffer.from(text, 'latin1')
  const person = { name: 'Zoë', cost: 1.5 }

  it.each<[string, string | Uint8Array, StatedReading]>([
    ['commas', 'name,cost\nZoë,1.5\n', {}],
    ['tabs', 'name\tcost\r\nZoë\t1.5\r\n', {}],
    ['semicolons', 'name;cost\nZoë;1.5', {}],
    ['bars', 'name|cost\nZoë|1.5\n', {}],
    ['single quotes', "'name','cost'\n'Zoë','1.5'\n", {}],
    ['UTF-8 with BOM', '\ufeffname,cost\nZoë,1.5\n', {}],
    ['UTF-16LE with BOM', Buffer.from('\ufeffname,cost\nZoë,1.5\n', 'utf16le'), {}],
    ['UTF-16BE with BOM', Buffer.from('\ufeffname,cost\nZoë,1.5\n', 'utf16le').swap16(), {}],
    ['latin1', latin1('name,cost\nZo\xeb,1.5\n'), { encoding: 'latin1' }],
    ['windows-1252', latin1('name,cost\nZo\xeb,1.5\n'), { encoding: 'windows-1252' }],
    ['JSON lines', '{"name":"Zoë","cost":1.5}\n', {}],
    ['JSON lines with BOM', '\ufeff{"name":"Zo\\u00eb","cost":1.5}', {}],
    ['JSON lines in UTF-16', Buffer.from('\ufeff{"name":"Zoë","cost":1.5}\r\n', 'utf16le'), {}],
  ])('reads the same of %s', async (_, content, stated) => {
    const { rows, schema } = await read(content, { stated })
    expect(rows).toEqual([person])
    expect(types(schema)).toEqual(['string', 'number'])
  })

  it('reads the same of Parquet', async () => {
    expect((await read(await parquet(`SELECT 'Zoë' AS name, 1.5 AS cost`))).rows).toEqual([person])
  })

  it('takes quotes for text where none quotes, and doubled single quotes for one', async () => {
    const none = await read(`a,b\n"x,'y\n`, { stated: { quote: '' } })
    expect(none.rows).toEqual([{ a: '"x', b: "'y" }])
    const single = await read(`'a','b'\n'it''s',"x"\n`)
    expect(single.rows).toEqual([{ a: "it's", b: '"x"' }])
  })

  it('names the columns of a file without a header by their numbers', async () => {
    const { rows, conversion } = await read('1;x\n2;y\n', { stated: { header: false } })
    expect(rows).toEqual([
      { column1: 1, column2: 'x' },
      { column1: 2, column2: 'y' },
    ])
    expect(conversion).toMatchObject({ delimiter: ';', headless: true, header: ['column1', 'column2'] })
  })

  it.each<[string, unknown[], string, DeclaredColumns]>([
    ['whole numbers', [1, -2, null], 'integer', {}],
    ['numbers', [1, 2.5, 1e300], 'number', {}],
    ['numbers as text', ['1', '2'], 'string', {}],
    ['numbers as text, declared', ['1', '2'], 'integer', { v: { type: 'integer' } }],
    ['booleans', [true, false, null], 'boolean', {}],
    ['booleans as text', ['true', 'false'], 'string', {}],
    ['dates', ['2011-01-31', '2012-02-29'], 'date', {}],
    ['timestamps', ['2011-01-31T10:00:00Z', '2012-02-29T23:59:59Z'], 'timestamp', {}],
    ['texts', ['a', '', ' '], 'string', {}],
    ['nothing', [null, null], 'string', {}],
    ['mixed values, declared text', [1, 'a', true, { x: [1] }], 'string', { v: { type: 'string' } }],
  ])('types JSON: %s', async (_, values, type, declared) => {
    const content = values.map(v => `${JSON.stringify({ v })}\n`).join('')
    const { rows, schema } = await read(content, { declared })
    expect(types(schema)).toEqual([type])
    const asText = (v: unknown): unknown => (typeof v === 'string' ? v : JSON.stringify(v))
    const expected: Record<string, (v: unknown) => unknown> = {
      string: asText,
      integer: Number,
      timestamp: v => String(v).replace('Z', ''),
    }
    expect(rows.map(row => row['v'])).toEqual(
      values.map(v => (v === null ? null : (expected[type] ?? (each => each))(v))),
    )
  })

  it('keeps every digit of JSON, and finds members in any order, and none', async () => {
    const content = '{"big":12345678901234567890123,"n":9007199254740993}\n{"n":-1}\n{"other":true,"n":0}\n'
    const { rows, schema } = await read(content)
    expect(rows).toEqual([
      { big: '12345678901234567890123', n: '9007199254740993', other: null },
      { big: null, n: -1, other: null },
      { big: null, n: 0, other: true },
    ])
    expect(types(schema)).toEqual(['string', 'integer', 'boolean'])
  })

  it.each<[string, string, string, RegExp]>([
    [
      'mixed values',
      '{"v":1}\n{"v":"a"}\n{"v":true}\n',
      'types_mixed',
      /Column v holds 1 strings and 1 numbers and 1 booleans/,
    ],
    ['numbers in texts', `${'{"v":"a"}\n'.repeat(30)}{"v":1}\n`, 'types_mixed', /30 strings and 1 numbers/],
    [
      'objects',
      '{"v":{"x":1}}\n',
      'nested_values',
      /Column v holds objects or lists in 1 rows.*declare columns.v.type: string/,
    ],
    ['lists among texts', '{"v":"a"}\n{"v":[1]}\n', 'nested_values', /Column v/],
    [
      'a text in numbers',
      `${'{"v":1}\n'.repeat(30)}{"v":"a"}\n`,
      'value_not_of_type',
      /Row 31, column v: "a" is no integer/,
    ],
  ])('refuses of JSON: %s', async (_, content, code, message) => {
    await expect(read(content)).rejects.toMatchObject({ code, message: expect.stringMatching(message) })
  })

  it('gives Parquet the types that it has', async () => {
    const content =
      await parquet(`SELECT 7::UTINYINT AS i, 1.25::DECIMAL(9,2) AS d, 'x'::VARCHAR AS s, '' AS e, true AS b,
      DATE '2011-01-31' AS day, TIMESTAMPTZ '2011-01-31 10:00:00+02' AS at, NULL::INTEGER AS n, '007' AS code`)
    const { rows, schema } = await read(content)
    expect(types(schema)).toEqual([
      ...['integer', 'number', 'string', 'string', 'boolean', 'date', 'timestamp', 'integer', 'string'],
    ])
    expect(rows).toEqual([
      ...[
        {
          i: 7,
          d: 1.25,
          s: 'x',
          e: '',
          b: true,
          day: '2011-01-31',
          at: '2011-01-31T08:00:00',
          n: null,
          code: '007',
        },
      ],
    ])
    expect(schema.find(({ name }) => name === 'day')).toEqual({ name: 'day', type: 'date', nullable: false })
  })

  it.each<[string, string, DeclaredColumns, unknown]>([
    ['whole numbers of floats', 'SELECT 3.0::DOUBLE AS v', { v: { type: 'integer' } }, 3],
    ['numbers of integers', 'SELECT 3 AS v', { v: { type: 'number' } }, 3],
    ['dates of text', `SELECT '31/1/2011' AS v`, { v: { format: '%d/%m/%Y' } }, '2011-01-31'],
    ['dates of midnights', `SELECT TIMESTAMP '2011-01-31' AS v`, { v: { type: 'date' } }, '2011-01-31'],
    [
      'timestamps of dates',
      `SELECT DATE '2011-01-31' AS v`,
      { v: { type: 'timestamp' } },
      '2011-01-31T00:00:00',
    ],
    ['text of numbers', 'SELECT 7 AS v', { v: { type: 'string' } }, '7'],
    ['JSON of structures', `SELECT {'x': [1, 2]} AS v`, { v: { type: 'string' } }, '{"x":[1,2]}'],
  ])('reads Parquet as declared: %s', async (_, select, declared, value) => {
    expect((await read(await parquet(select), { declared })).rows).toEqual([{ v: value }])
  })

  it.each<[string, string, DeclaredColumns, string, RegExp]>([
    ['structures', `SELECT {'x': 1} AS v`, {}, 'nested_values', /Column v is STRUCT.*type: string/],
    ['bytes', `SELECT '\\xAA'::BLOB AS v`, {}, 'type_unsupported', /Column v is BLOB/],
    ['times', `SELECT TIME '10:00:00' AS v`, {}, 'type_unsupported', /Column v is TIME/],
    ['no rows', 'SELECT 1 AS v WHERE false', {}, 'no_rows', /no rows/],
    [
      'fractions as integers',
      'SELECT 1.5 AS v',
      { v: { type: 'integer' } },
      'value_not_of_type',
      /"1.5" is no integer/,
    ],
    ['infinite dates', `SELECT 'infinity'::DATE AS v`, {}, 'value_not_of_type', /"infinity" is no date/],
    [
      'infinite times',
      `SELECT '-infinity'::TIMESTAMP AS v`,
      {},
      'value_not_of_type',
      /"-infinity" is no time/,
    ],
    [
      'infinite times of a zone',
      `SELECT 'infinity'::TIMESTAMPTZ AS v`,
      {},
      'value_not_of_type',
      /"infinity" is no time/,
    ],
    [
      'infinite times as dates',
      `SELECT 'infinity'::TIMESTAMP AS v`,
      { v: { type: 'date' } },
      'value_not_of_type',
      /"infinity" is no date/,
    ],
    ['null characters', `SELECT 'a' || chr(0) AS v`, {}, 'value_not_of_type', /"a.u0000" is no string/],
    ['past 64 bits', 'SELECT 18446744073709551615::UBIGINT AS v', {}, 'value_not_of_type', /is no integer/],
    [
      'a column that is not there',
      'SELECT 1 AS v',
      { w: { type: 'integer' } },
      'unknown_column',
      /It has: v/,
    ],
  ])('refuses of Parquet: %s', async (_, select, declared, code, message) => {
    const given = read(await parquet(select), { declared })
    await expect(given).rejects.toMatchObject({ code, message: expect.stringMatching(message) })
  })

  it('refuses Parquet whose bytes were damaged between its ends, and never reads other rows', async () => {
    const whole = await parquet('SELECT range AS i, hash(range) % 1000 AS h FROM range(5000)')
    const expected = (await read(whole)).rows
    for (let at = 4; at < whole.length - 8; at += Math.ceil(whole.length / 40)) {
      const damaged = Buffer.from(whole)
      damaged.fill(0xff, at, at + 8)
      const found = await read(damaged).catch((error: unknown) => error)
      if (found instanceof Error)
        expect(found).toMatchObject({
          message: expect.not.stringContaining(tmpdir()),
          code: expect.stringMatching(
            /^(parquet_malformed|no_rows|type_unsupported|nested_values|value_not_of_type|duplicate_columns)$/,
          ),
        })
      else expect((found as { rows: unknown[] }).rows).toHaveLength(expected.length)
    }
  })

  it('refuses Parquet with a column twice', async () => {
    const content = Buffer.from(await parquet('SELECT 1 AS aa, 2 AS ab', ', COMPRESSION uncompressed'))
    const twice = Buffer.from(content.toString('latin1').replaceAll('ab', 'AA'), 'latin1')
    await expect(read(twice)).rejects.toMatchObject({ code: 'duplicate_columns' })
  })

  it('refuses Parquet with a null character in the name of a column', async () => {
    const content = Buffer.from(await parquet('SELECT 1 AS aa, 2 AS ab', ', COMPRESSION uncompressed'))
    const named = Buffer.from(content.toString('latin1').replaceAll('ab', 'a\0'), 'latin1')
    await expect(read(named)).rejects.toMatchObject({
      code: 'parquet_malformed',
      message: expect.stringMatching(/null character/),
    })
  })

  it('reads a next version in any format by the schema of the last', async () => {
    const day = { type: 'date', format: '%m/%d/%Y' } as const
    const first = await read('day,n,s\n1/31/2011,1,x\n', { declared: { day } })
    const previous = first.schema
    const expected = [{ day: '2012-02-29', n: 2, s: null }]
    expect((await read('{"s":null,"n":2,"day":"2/29/2012"}\n', { previous })).rows).toEqual(expected)
    const file = await parquet(`SELECT DATE '2012-02-29' AS day, 2.0::DOUBLE AS n, NULL::VARCHAR AS s`)
    expect((await read(file, { previous })).rows).toEqual(expected)

    const typed = (await read(file)).schema
    expect((await read('day,n,s\n2012-02-29,2,\n', { previous: typed })).rows).toEqual(expected)
    await expect(read('day,n,s\n2/29/2012,2,\n', { previous: typed })).rejects.toMatchObject({
      code: 'schema_changed',
    })
    const other = await parquet(`SELECT DATE '2012-02-29' AS day, 2 AS n`)
    await expect(read(other, { previous })).rejects.toMatchObject({ code: 'schema_changed' })
  })

  it('reads what DuckDB writes of random rows, in every format', async () => {
    const value = fc.record({
      i: fc.option(fc.maxSafeInteger()),
      f: fc.option(fc.double({ noNaN: true, noDefaultInfinity: true })),
      s: fc.option(fc.string({ unit: 'grapheme', maxLength: 8 }).map(text => text.replaceAll(/[\0\r]/g, ''))),
      b: fc.option(fc.boolean()),
      d: fc.option(
        fc.date({ min: new Date('1000-01-01'), max: new Date('9999-12-31'), noInvalidDate: true }),
      ),
    })
    const literal = (v: unknown): string =>
      typeof v === 'string'
        ? `'${v.replaceAll("'", "''")}'`
        : v === null
          ? 'NULL'
          : Object.is(v, -0)
            ? '-0.0'
            : String(v)
    const declared: DeclaredColumns = {
      i: { type: 'integer' },
      f: { type: 'number' },
      s: { type: 'string' },
      b: { type: 'boolean' },
      d: { type: 'date', format: '%Y-%m-%d' },
    }
    await fc.assert(
      fc.asyncProperty(fc.array(value, { minLength: 1, maxLength: 5 }), async rows => {
        const tuples = rows.map(({ i, f, s, b, d }) => {
          const day = d === null ? null : d.toISOString().slice(0, 10)
          return `(${literal(i)}::BIGINT, ${literal(f)}::DOUBLE, ${literal(s)}::VARCHAR, ${literal(b)}::BOOLEAN, ${literal(day)}::DATE)`
        })
        const select = `SELECT * FROM (VALUES ${tuples.join(', ')}) t(i, f, s, b, d)`
        const expected = (await withDuckDb({}, db => db.query(select))) as Record<string, unknown>[]
        const written = async (options: string): Promise<Uint8Array> => {
          const file = bench.place('written')
          await withDuckDb({}, db => db.run(`COPY (${select}) TO '${file}' (${options})`))
          return readFile(file)
        }
        expect((await read(await written('FORMAT parquet'))).rows).toEqual(expected)
        expect((await read(await written('FORMAT json'), { declared })).rows).toEqual(expected)
        // CSV does not tell an empty text from none.
        const csv = expected.map(row => ({ ...row, s: row['s'] === '' ? null : row['s'] }))
        for (const dialect of [`DELIMITER ','`, `DELIMITER '\t'`, `DELIMITER ';', QUOTE '''', ESCAPE ''''`]) {
          const stated: StatedReading = dialect.includes('QUOTE') ? { quote: "'" } : {}
          const content = await written(`FORMAT csv, HEADER true, ${dialect}`)
          expect((await read(content, { declared, stated })).rows).toEqual(csv)
        }
      }),
      { numRuns: 10 },
    )
  })
})
