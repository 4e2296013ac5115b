import { createHash } from 'node:crypto'
import { readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { conversionLike } from '../../../domain/datasets/conversion.js'
import type { MlforgeError } from '../../../domain/errors.js'
import { withDuckDb } from '../../../stores/duckdb/duckdb.js'
import { convertToParquet } from '../../../stores/duckdb/ingest.js'
import { proposeTypes } from '../../../stores/duckdb/propose-types.js'
import { readRows } from '../../../stores/duckdb/rows.js'
import { BIKE, BIKE_DATES, bikeLines, check, ingest, temporaryDirectory } from './tables.js'

const year2011 = (fields: readonly string[]): boolean => fields[1]!.endsWith('/2011')

describe('CSV to Parquet', () => {
  let directory: string
  beforeAll(async () => {
    directory = await temporaryDirectory()
  })
  afterAll(() => rm(directory, { recursive: true, force: true }))

  const save = async (name: string, text: string): Promise<string> => {
    const file = join(directory, name)
    await writeFile(file, text)
    return file
  }

  it('proposes what the bike-sharing file holds, from all its rows', async () => {
    const summary = check(await readFile(BIKE))
    const { columns } = await proposeTypes(BIKE, summary, {})
    const numbers = ['temp', 'atemp', 'hum', 'windspeed']
    for (const { name, type, nullable, evidence, origin } of columns) {
      const expected = name === 'dteday' ? 'date' : numbers.includes(name) ? 'number' : 'integer'
      expect([name, type, nullable, origin]).toEqual([name, expected, false, 'inferred'])
      expect(evidence.values).toBe(17_379)
    }
    expect(columns.find(column => column.name === 'dteday')?.format).toBe('%m/%d/%Y')
  })

  it('converts every value in its order', async () => {
    const csv = await readFile(BIKE, 'utf8')
    const table = await ingest(directory, csv, BIKE_DATES)
    expect(table).toMatchObject({ rows: 17_379 })
    expect(table.schema[1]).toEqual({ name: 'dteday', type: 'date', format: '%m/%d/%Y', nullable: false })
    const [header, ...lines] = csv
      .trimEnd()
      .split('\n')
      .map(line => line.split(','))
    for (const offset of [0, 1000, 8000, 17_000]) {
      const { rows, total } = await readRows(table.file, { offset, limit: 379 })
      expect(total).toBe(17_379)
      rows.forEach((row, i) => {
        const fields = lines[offset + i]!
        const [month, day, year] = fields[1]!.split('/').map(part => part.padStart(2, '0'))
        const expected = fields.map((field, at) => (at === 1 ? `${year}-${month}-${day}` : Number(field)))
        expect(row).toEqual(Object.fromEntries(header!.map((name, at) => [name, expected[at]])))
      })
    }
  })

  it('refuses 1-12 January 2012 with the two readings, and reads them as declared', async () => {
    const csv = await bikeLines(([, day]) => /^1\/([1-9]|1[0-2])\/2012$/.test(day!))
    const file = await save('january.csv', csv)
    await expect(proposeTypes(file, check(Buffer.from(csv)), {})).rejects.toMatchObject({
      code: 'date_format_ambiguous',
      message: expect.stringContaining('1/2/2012 is 2012-01-02 as %m/%d/%Y and 2012-02-01 as %d/%m/%Y'),
      details: { column: 'dteday', value: '1/2/2012' },
    })
    const declared = await ingest(directory, csv, BIKE_DATES)
    const { rows } = await readRows(declared.file, { offset: 250, limit: 1000 })
    expect(rows.every(row => String(row['dteday']).startsWith('2012-01-1'))).toBe(true)
  })

  it('names the rows of a corrupted file, and keeps no column as text because of them', async () => {
    const lines = (await bikeLines(year2011)).split('\n')
    lines[7] = lines[7]!.replace('1/1/2011', '13/45/2011')
    lines[4000] = lines[4000]!.replace(/\d+$/, '12x')
    const csv = lines.join('\n')
    await expect(ingest(directory, csv)).rejects.toMatchObject({
      code: 'value_not_of_type',
      message: expect.stringContaining(
        'Row 7, column dteday: "13/45/2011" is no date written %m/%d/%Y; 1 more',
      ),
      details: {
        valueCount: 2,
        values: [
          { row: 7, column: 'dteday', value: '13/45/2011', expected: 'date written %m/%d/%Y' },
          { row: 4000, column: 'cnt', value: '12x', expected: 'integer' },
        ],
      },
    })
    const leftovers = (await readdir(directory)).filter(name => name.includes('.parquet.tmp'))
    expect(leftovers).toEqual([])
  })

  it('keeps 200 characters of what a text column was judged by', async () => {
    const long = '😀'.repeat(100_000)
    const content = new TextEncoder().encode(`s\n${long}\n`)
    const file = join(directory, 'long.csv')
    await writeFile(file, content)
    const { columns } = await proposeTypes(file, check(content), {})
    expect(columns[0]!.evidence!.witness).toBe('😀'.repeat(200))
  })

  it('cuts wrong values between characters', async () => {
    const csv = `a\n${'x'.repeat(199)}😀y\n`
    await expect(ingest(directory, csv, { a: { type: 'integer' } })).rejects.toMatchObject({
      details: { values: [{ value: `${'x'.repeat(199)}😀` }] },
    })
  })

  it('lists 20 wrong values and counts all', async () => {
    const csv = `a,b\n${'1,x\n'.repeat(30)}${'1,2\n'.repeat(300)}`
    const error = await ingest(directory, csv).catch((refusal: unknown) => refusal as MlforgeError)
    expect(error).toMatchObject({ code: 'value_not_of_type', details: { valueCount: 30 } })
    const { problems } = (error as MlforgeError).details
    expect(problems).toHaveLength(20)
    expect(problems![19]).toEqual({ at: 'row 20, column b', message: '"x" is no integer' })
  })

  it.each([
    ['integer', ['1', '-2', '+3', '']],
    ['integer', ['9223372036854775807', '0']],
    ['string', ['9223372036854775808', '0']],
    ['number', ['1', '2.5', '.5', '1e3', '-4.']],
    ['number', ['NaN', 'inf', '-Infinity', '1']],
    ['string', ['007', '123']],
    ['string', ['0x10', '1_000']],
    ['string', ['1e999', '1']],
    ['boolean', ['true', 'FALSE', '']],
    ['string', ['yes', 'no']],
    ['string', ['', '']],
    ['date', ['2011-02-28', '2012-02-29']],
    ['string', ['2011-02-29', '2011-02-30']],
    ['date', ['13/1/2011', '1/2/2011']],
    ['date', ['31.12.11', '01.01.12']],
    ['timestamp', ['2011-02-28 10:00', '2012-02-29 23:59']],
    ['timestamp', ['2011-02-28T10:00:00Z', '2012-02-29T23:59:00Z']],
    ['timestamp', ['12/31/2011 1:05 PM', '1/2/2012 12:00 am']],
  ])('infers %s from %j', async (type, values) => {
    const csv = `id,value\n${values.map((value, i) => `${i},${value}\n`).join('')}`
    const { schema, rows } = await ingest(directory, csv)
    expect(schema[1]).toMatchObject({ type, nullable: values.includes('') })
    expect(rows).toBe(values.length)
  })

  it('keeps text as it is: quotes, delimiters, new lines, spaces; a blank line of one column is missing', async () => {
    const csv = '\ufeffa;"b;""c"""\r\n"x ""y"" z";"multi\r\nline"\r\n  padded ;ß€😀'
    const { file } = await ingest(directory, csv)
    expect((await readRows(file, {})).rows).toEqual([
      { a: 'x "y" z', 'b;"c"': 'multi\r\nline' },
      { a: '  padded ', 'b;"c"': 'ß€😀' },
    ])
    const one = await ingest(directory, 'a\n1\n\n3\n\n')
    expect((await readRows(one.file, {})).rows.map(row => row['a'])).toEqual([1, null, 3, null])
  })

  it('takes columns of any name', async () => {
    const csv = `"row number",values0,n,v,"it's ""so""",select,${'__x'}\n1,2,1/13/2011,4,5,6,7\n`
    const { file } = await ingest(directory, csv)
    expect((await readRows(file, {})).rows).toEqual([
      { 'row number': 1, values0: 2, n: '2011-01-13', v: 4, 'it\'s "so"': 5, select: 6, __x: 7 },
    ])
  })

  it('reads declared types, also against what would be inferred', async () => {
    const csv = 'code,n,when\n1,2,1/2/2011\n3,4.5,2/2/2011\n'
    const { file, schema } = await ingest(directory, csv, {
      code: { type: 'string' },
      n: { type: 'number' },
      when: { format: '%d/%m/%Y' },
    })
    expect(schema.map(column => column.type)).toEqual(['string', 'number', 'date'])
    expect((await readRows(file, {})).rows).toEqual([
      { code: '1', n: 2, when: '2011-02-01' },
      { code: '3', n: 4.5, when: '2011-02-02' },
    ])
  })

  it('gives the same bytes for the same input, past one row group', async () => {
    const [header, ...rows] = (await bikeLines(() => true))
      .trimEnd()
      .split('\n')
      .map(line => line.split(',').slice(0, 3).join(','))
    const csv = [header, ...Array.from({ length: 10 }, () => rows).flat()].join('\n')
    const hashes = []
    for (let i = 0; i < 2; i++) {
      const { file } = await ingest(directory, csv, BIKE_DATES)
      hashes.push(
        createHash('sha256')
          .update(await readFile(file))
          .digest('hex'),
      )
      if (i === 0) {
        const [order] = await withDuckDb({}, db =>
          db.query(`SELECT count(*) AS n, count(*) FILTER (instant <> (file_row_number % 17379) + 1) AS moved
            FROM read_parquet('${file}', file_row_number = true)`),
        )
        expect(order).toEqual({ n: 173_790, moved: 0 })
      }
    }
    expect(hashes[0]).toBe(hashes[1])
  })

  it('reads a next version by the schema of the last, in any order of columns, and never infers', async () => {
    const first = await ingest(directory, await bikeLines(year2011), BIKE_DATES)
    const january = await bikeLines(([, day]) => day!.startsWith('1/') && day!.endsWith('/2012'))
    const turned = january.replace(/^(.*?),(.*)$/gm, '$2,$1')
    const csvFile = await save('turned.csv', turned)
    const summary = check(Buffer.from(turned))
    const conversion = conversionLike(first.schema, summary)
    const out = join(directory, 'turned.parquet')
    await convertToParquet(csvFile, conversion, out, { rows: summary.rows, inherited: true })
    const { rows } = await readRows(out, { limit: 1000 })
    expect(Object.keys(rows[0]!)).toEqual(first.schema.map(column => column.name))
    expect(rows.every(row => String(row['dteday']).startsWith('2012-01-'))).toBe(true)

    const iso = january.replace(
      /(\d+)\/(\d+)\/2012/g,
      (_, m: string, d: string) => `2012-${m.padStart(2, '0')}-${d.padStart(2, '0')}`,
    )
    const isoFile = await save('iso.csv', iso)
    const changed = convertToParquet(isoFile, conversionLike(first.schema, check(Buffer.from(iso))), out, {
      rows: summary.rows,
      inherited: true,
    })
    await expect(changed).rejects.toMatchObject({
      code: 'schema_changed',
      details: {
        differences: [{ column: 'dteday', kind: 'type', message: expect.stringContaining('%m/%d/%Y') }],
      },
    })
  })

  it('stops when aborted, with the reason, and leaves no directory behind', async () => {
    const abort = new AbortController()
    const reason = new Error('cancelled by test')
    const work = withDuckDb({ signal: abort.signal, temporaryDirectory: directory }, async db => {
      setTimeout(() => abort.abort(reason), 50)
      await db.query('SELECT sum(sqrt(a.range * b.range)) FROM range(10000000) a, range(100000) b')
    })
    await expect(work).rejects.toBe(reason)
    expect((await readdir(directory)).filter(name => name.startsWith('mlforge-duckdb-'))).toEqual([])
  })
})
