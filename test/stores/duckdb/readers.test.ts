import { createHash } from 'node:crypto'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { badRowsOf, type QuarantinedRow } from '../../../domain/datasets/bad-rows.js'
import { conversionLike } from '../../../domain/datasets/conversion.js'
import type { FileForm, StatedReading } from '../../../domain/datasets/reading.js'
import type { DeclaredColumns, Schema } from '../../../domain/datasets/schema.js'
import { UploadChecker } from '../../../domain/datasets/upload-check.js'
import { withDuckDb } from '../../../stores/duckdb/duckdb.js'
import { convertToParquet, type ConvertOptions } from '../../../stores/duckdb/ingest.js'
import { proposeTypes } from '../../../stores/duckdb/propose-types.js'
import { parquetNames, readableFile } from '../../../stores/duckdb/readable-file.js'
import { readRows } from '../../../stores/duckdb/rows.js'
import { temporaryDirectory } from './tables.js'

interface How extends Partial<Pick<ConvertOptions, 'quarantine'>> {
  readonly stated?: StatedReading
  readonly declared?: DeclaredColumns
  readonly nullValues?: readonly string[]
  /** The schema of a version before. */
  readonly previous?: Schema
}

describe('readers of tables', () => {
  let directory: string
  let made = 0
  beforeAll(async () => {
    directory = await temporaryDirectory()
  })
  afterAll(() => rm(directory, { recursive: true, force: true }))

  const place = (name: string): string => join(directory, `${++made}-${name}`)

  /** A file checked, typed and converted: what an upload and its commit do. */
  async function read(content: string | Uint8Array, how: How = {}) {
    const bytes = typeof content === 'string' ? Buffer.from(content) : content
    const checker = new UploadChecker(how.stated)
    checker.push(bytes)
    const { rows, ...found } = checker.end()
    const original = place('raw')
    await writeFile(original, bytes)
    const scratch = join(directory)
    const file = await readableFile(original, found, scratch)
    const form: FileForm = { ...found, columns: found.columns ?? (await parquetNames(file, {})) }
    const { nullValues = [], declared = {}, previous, quarantine } = how
    const conversion = previous
      ? conversionLike(previous, form, nullValues)
      : (await proposeTypes(file, form, declared, { nullValues })).conversion
    const out = place('table.parquet')
    const table = await convertToParquet(file, conversion, out, {
      rows,
      inherited: previous !== undefined,
      ...(quarantine && { quarantine }),
    })
    return { ...table, conversion, out, rows: (await readRows(out, { limit: 1000 })).rows }
  }

  const types = (schema: Schema) => schema.map(({ type }) => type)

  async function parquet(select: string, options = ''): Promise<Uint8Array> {
    const file = place('given.parquet')
    await withDuckDb({}, db => db.run(`COPY (${select}) TO '${file}' (FORMAT parquet ${options})`))
    return readFile(file)
  }

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
          const file = place('written')
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

  describe('quarantine', () => {
    const quarantined = async (
      content: string | Uint8Array,
      how: How = {},
      allowed = badRowsOf({ maxBadShare: 0.9 }),
    ) => {
      const file = place('quarantine.jsonl')
      const table = await read(content, { ...how, quarantine: { allowed, file } })
      const lines = table.quarantined === 0 ? '' : await readFile(file, 'utf8')
      const rows = lines
        .split('\n')
        .slice(0, -1)
        .map(line => JSON.parse(line) as QuarantinedRow)
      return { ...table, lines, bad: rows }
    }
    const wrong = (column: string, value: string, expected: string) => ({
      ...{ column, code: 'value_not_of_type', value, expected },
    })
    const integers: DeclaredColumns = { a: { type: 'integer' }, b: { type: 'integer' } }

    it('puts rows aside as they stand in a CSV file, with their lines', async () => {
      const csv = 'a;b;"t\r\nx"\r\n1;2;"one\r\ntwo"\r\nx;3;"é ""q""\r\n"\r\n4;5;\r\ny;z;\u2028\r\n6;;last'
      const { rows, bad, schema } = await quarantined(csv, { declared: integers })
      expect(bad).toEqual([
        { row: 2, line: 5, problems: [wrong('a', 'x', 'integer')], raw: 'x;3;"é ""q""\r\n"' },
        {
          row: 4,
          line: 8,
          problems: [wrong('a', 'y', 'integer'), wrong('b', 'z', 'integer')],
          raw: 'y;z;\u2028',
        },
      ])
      expect(rows.map(row => [row['a'], row['b']])).toEqual([
        [1, 2],
        [4, 5],
        [6, null],
      ])
      expect(schema.map(({ nullable }) => nullable)).toEqual([false, true, true])
    })

    it('counts blank lines of one column, and lines of other encodings, as the file has them', async () => {
      const declared = { a: { type: 'integer' } } as const
      const one = await quarantined('a\n1\n\nx\n\n', { declared })
      expect(one.bad).toEqual([{ row: 3, line: 4, problems: [wrong('a', 'x', 'integer')], raw: 'x' }])
      const other = await quarantined(latin1('1\n\xe9\n'), {
        declared: { column1: { type: 'integer' } },
        stated: { header: false, encoding: 'latin1' },
      })
      expect(other.bad).toEqual([{ row: 2, line: 2, problems: [wrong('column1', 'é', 'integer')], raw: 'é' }])
    })

    it('puts lines of JSON and rows of Parquet aside', async () => {
      const json = await quarantined('{"a":1}\n\n {"b": 7, "a": [1]}\n{"a":"2"}\n', { declared: integers })
      expect(json.bad).toEqual([
        { row: 2, line: 3, problems: [wrong('a', '[1]', 'integer')], raw: ' {"b": 7, "a": [1]}' },
      ])
      expect(json.rows.map(row => row['a'])).toEqual([1, 2])
      const file = await parquet(`SELECT * FROM (VALUES (1.0::DOUBLE, 'x'), (1.5, 'y')) t(a, s)`)
      const rows = await quarantined(file, { declared: { a: { type: 'integer' } } })
      expect(rows.bad).toEqual([
        { row: 2, line: null, problems: [wrong('a', '1.5', 'integer')], raw: '{"a":1.5,"s":"y"}' },
      ])
    })

    it('is the same bytes every time, past a row group, and leaves no other file', async () => {
      const lines = Array.from({ length: 130_000 }, (_, i) => (i % 7 === 0 ? `${i},x${i}\n` : `${i},${i}\n`))
      const hashes = new Set<string>()
      for (let i = 0; i < 2; i++) {
        const {
          lines: found,
          out,
          bad,
          quarantined: count,
        } = await quarantined(`a,b\n${lines.join('')}`, { declared: integers })
        expect([count, bad.length]).toEqual([18_572, 18_572])
        expect(bad.every(({ row, line, raw }) => line === row + 1 && raw === lines[row - 1]!.trimEnd())).toBe(
          true,
        )
        hashes.add(
          createHash('sha256')
            .update(found)
            .update(await readFile(out))
            .digest('hex'),
        )
      }
      expect(hashes.size).toBe(1)
    })

    it.each([
      ['a share', badRowsOf({}), 'at most 0.1 of all rows'],
      ['a number', badRowsOf({ maxBadRows: 1 }), 'at most 1 rows'],
      ['a number and a share', badRowsOf({ maxBadRows: 5, maxBadShare: 0.2 }), 'at most 0.2 of all rows'],
      ['none at all', badRowsOf({ maxBadRows: 0 }), 'at most 0 rows'],
    ])('refuses more than %s with the counts', async (_, allowed, bound) => {
      const refused = quarantined('a,b\n1,1\nx,1\n2,y\n3,3\n', { declared: integers }, allowed)
      await expect(refused).rejects.toMatchObject({
        code: 'too_many_bad_rows',
        message: expect.stringContaining(`2 of 4 rows cannot be read; ${bound} may`),
        details: { badRows: 2, rows: 4, problems: [{ at: 'row 2, column a' }, { at: 'row 3, column b' }] },
      })
    })

    it('refuses a file of which no row is left, and a schema that has changed', async () => {
      const all = badRowsOf({ maxBadShare: 1 })
      await expect(quarantined('a,b\nx,1\n', { declared: integers }, all)).rejects.toMatchObject({
        code: 'too_many_bad_rows',
        message: expect.stringContaining('1 of 1 rows cannot be read; not all rows may be put aside'),
      })
      const previous = (await read('a,b\n1,1\n')).schema
      await expect(quarantined('a,b\nx,1\ny,1\n1,1\n', { previous }, all)).rejects.toMatchObject({
        code: 'schema_changed',
      })
    })

    it('finds every wrong row in random tables', async () => {
      const cell = fc.constantFrom('1', '-20', '', 'x', '"a\nb"', '"2"', '"a ""b"""', ' 3 ')
      const isWrong = (text: string): boolean => !/^ *(-?\d+)? *$/.test(text.replace(/^"(.*)"$/s, '$1'))
      const table = fc
        .array(fc.tuple(cell, cell), { minLength: 1, maxLength: 12 })
        .filter(rows => rows.some(row => !row.some(isWrong)))
      await fc.assert(
        fc.asyncProperty(table, fc.constantFrom('\n', '\r\n'), async (rows, ending) => {
          const raw = rows.map(row => row.join(','))
          const { bad, quarantined: count } = await quarantined(
            `a,b${ending}${raw.join(ending)}${ending}`,
            { declared: integers },
            badRowsOf({ maxBadShare: 1 }),
          )
          const expected = raw.flatMap((text, i) =>
            rows[i]!.some(isWrong) ? [{ row: i + 1, raw: text }] : [],
          )
          expect(bad.map(({ row, raw: text }) => ({ row, raw: text }))).toEqual(expected)
          expect(count).toBe(expected.length)
        }),
        { numRuns: 25 },
      )
    })
  })
})
