import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { badRowsOf, type QuarantinedRow } from '../../../domain/datasets/bad-rows.js'
import type { DeclaredColumns } from '../../../domain/datasets/schema.js'
import { type How, ReaderBench } from './reader-bench.js'

describe('the quarantine of a table', () => {
  let bench: ReaderBench
  beforeAll(async () => {
    bench = await ReaderBench.start()
  })
  afterAll(() => bench?.stop())

  const read: ReaderBench['read'] = (content, how) => bench.read(content, how)
  const parquet: ReaderBench['parquet'] = (select, options) => bench.parquet(select, options)
  const latin1 = (text: string): Uint8Array => Buffer.from(text, 'latin1')
  const quarantined = async (
    content: string | Uint8Array,
    how: How = {},
    allowed = badRowsOf({ maxBadShare: 0.9 }),
  ) => {
    const file = bench.place('quarantine.jsonl')
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

  it('puts rows with another number of fields aside, beside those with wrong values', async () => {
    const csv = 'a,b\r\n1,2\r\n3\r\nx,4\r\n"5\r\n,",6,7\r\n8,9\r\n,,\r\n10,11'
    const stated = { ragged: true }
    const { rows, bad, schema, conversion } = await quarantined(csv, { declared: integers, stated })
    const ragged = (fields: number) => [{ code: 'row_ragged', fields, expected: 2 }]
    expect(bad).toEqual([
      { row: 2, line: 3, problems: ragged(1), raw: '3' },
      { row: 3, line: 4, problems: [wrong('a', 'x', 'integer')], raw: 'x,4' },
      { row: 4, line: 5, problems: ragged(3), raw: '"5\r\n,",6,7' },
      { row: 6, line: 8, problems: ragged(3), raw: ',,' },
    ])
    expect(rows.map(row => [row['a'], row['b']])).toEqual([
      [1, 2],
      [8, 9],
      [10, 11],
    ])
    expect(schema.map(({ nullable }) => nullable)).toEqual([false, false])
    expect(conversion.ragged).toBe(true)
  })

  it('refuses them where they are not to be put aside, and more of them than may be', async () => {
    const csv = 'a,b\n1\n2,2\n3,3,3\n'
    const stated = { ragged: true }
    await expect(read(csv, { stated })).rejects.toMatchObject({
      code: 'csv_malformed',
      message: expect.stringContaining('row 1 has 1 field, header has 2; 1 more such rows'),
      details: { problemCount: 2 },
    })
    await expect(quarantined(csv, { stated }, badRowsOf({ maxBadRows: 1 }))).rejects.toMatchObject({
      code: 'too_many_bad_rows',
      details: { badRows: 2, rows: 3 },
    })
    // A file that has none is read as if nothing had been said.
    expect((await read('a,b\n1,2\n', { stated })).conversion).not.toHaveProperty('ragged')
  })

  it('finds the rows with another number of fields in random files, whatever else is in them', async () => {
    const cell = fc.constantFrom('1', '', 'x', '"a\nb"', '"2,3"', '"a ""b"""', ' 3 ')
    const row = fc
      .array(cell, { minLength: 1, maxLength: 4 })
      .filter(cells => cells.join('') !== '' || cells.length > 1)
    const file = fc
      .array(row, { minLength: 1, maxLength: 14 })
      .filter(rows => rows.some(cells => cells.length === 2))
    const declared = { a: { type: 'string' }, b: { type: 'string' } } as const
    await fc.assert(
      fc.asyncProperty(file, fc.constantFrom('\n', '\r\n'), fc.boolean(), async (rows, ending, ends) => {
        const text = `${['a,b', ...rows.map(cells => cells.join(','))].join(ending)}${ends ? ending : ''}`
        const how = { declared, stated: { ragged: true } }
        const table = await quarantined(text, how, badRowsOf({ maxBadShare: 1 }))
        expect(table.bad.map(({ row: number, raw }) => [number, raw])).toEqual(
          rows.flatMap((cells, i) => (cells.length === 2 ? [] : [[i + 1, cells.join(',')]])),
        )
        const plain = (written: string): string | null =>
          written === '' ? null : written.replace(/^"(.*)"$/s, '$1').replaceAll('""', '"')
        expect(table.rows.map(each => [each['a'], each['b']])).toEqual(
          rows.filter(cells => cells.length === 2).map(cells => cells.map(plain)),
        )
      }),
      { numRuns: 60 },
    )
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
        const expected = raw.flatMap((text, i) => (rows[i]!.some(isWrong) ? [{ row: i + 1, raw: text }] : []))
        expect(bad.map(({ row, raw: text }) => ({ row, raw: text }))).toEqual(expected)
        expect(count).toBe(expected.length)
      }),
      { numRuns: 25 },
    )
  })
})
