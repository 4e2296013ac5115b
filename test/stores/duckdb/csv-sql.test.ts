import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { DATE_FORMATS, readDate } from '../../../domain/datasets/date-formats.js'
import { parse, readCsv } from '../../../stores/duckdb/csv-sql.js'
import { text, withDuckDb } from '../../../stores/duckdb/duckdb.js'
import { check, temporaryDirectory } from './tables.js'

describe('CSV in DuckDB', () => {
  let directory: string
  beforeAll(async () => {
    directory = await temporaryDirectory()
  })
  afterAll(() => rm(directory, { recursive: true, force: true }))

  it('reads every well-formed file as the checker and RFC 4180 do', async () => {
    const written = fc.constantFrom(
      ...[
        '1',
        ' ',
        'a b',
        '""',
        '"x"',
        '"a,b"',
        '"l\nm"',
        '"l\r\nm"',
        '"r\rm"',
        '"q""q"',
        '""""',
        '"\n"',
        'é',
        "'",
        '#x',
        '\\',
        'NULL',
      ],
    )
    const table = fc
      .integer({ min: 1, max: 4 })
      .chain(n => fc.array(fc.array(written, { minLength: n, maxLength: n }), { minLength: 1, maxLength: 8 }))
    const file = join(directory, 'fuzz.csv')
    await withDuckDb({}, db =>
      fc.assert(
        fc.asyncProperty(table, fc.constantFrom('\n', '\r\n'), fc.boolean(), async (rows, ending, ended) => {
          const header = rows[0]!.map((_, i) => `c${i}`)
          const csv = [header, ...rows].map(row => row.join(',')).join(ending) + (ended ? ending : '')
          await writeFile(file, csv)
          const summary = check(Buffer.from(csv))
          expect(summary.columns).toEqual(header)
          const source = readCsv(file, { delimiter: ',', header, nullValues: [''] })
          const found = await db.query(`SELECT * FROM ${source}`)
          const value = (cell: string): string =>
            cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell
          expect(found.map(row => Object.values(row))).toEqual(
            rows.map(row => row.map(cell => value(cell) || null)),
          )
          expect(summary.rows).toBe(rows.length)
        }),
        { numRuns: 300 },
      ),
    )
  })

  it('reads dates as the pure reader does', async () => {
    const digits = (max: number): fc.Arbitrary<string> =>
      fc
        .integer({ min: 0, max })
        .chain(value => fc.constantFrom(String(value), String(value).padStart(2, '0')))
    const year = fc.constantFrom('2011', '2012', '1900', '2000', '11', '99', '0012', '68', '69')
    const value = fc
      .tuple(
        fc.constantFrom(...DATE_FORMATS),
        year,
        digits(14),
        digits(33),
        digits(25),
        digits(61),
        fc.constantFrom('AM', 'pm'),
      )
      .map(([{ format }, y, m, d, h, s, p]) =>
        format.replace(
          /%./g,
          part =>
            ({
              '%Y': y,
              '%y': y,
              '%m': m,
              '%d': d,
              '%H': h,
              '%I': h,
              '%M': s,
              '%S': s,
              '%f': '250',
              '%p': p,
            })[part]!,
        ),
      )
    const samples = fc.sample(fc.tuple(value, fc.constantFrom(...DATE_FORMATS)), { numRuns: 3000, seed: 11 })
    const own = fc.sample(value, { numRuns: 3000, seed: 12 }).flatMap(text => {
      const fitting = DATE_FORMATS.filter(({ format }) => readDate(text, format) !== null)
      return fitting.map(format => [text, format] as const)
    })
    expect(own.length).toBeGreaterThan(500)
    await withDuckDb({}, async db => {
      for (const format of DATE_FORMATS) {
        const values = [...samples, ...own]
          .filter(([, { format: used }]) => used === format.format)
          .map(([v]) => v)
        if (values.length === 0) continue
        const rows = await db.query(
          `SELECT v, ${parse('v', format)} AS d FROM (VALUES ${values.map(v => `(${text(v)})`).join(', ')}) t(v)`,
        )
        for (const { v, d } of rows)
          expect([format.format, v, d]).toEqual([format.format, v, readDate(v as string, format.format)])
      }
    })
  })
})
