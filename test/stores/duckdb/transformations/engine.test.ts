import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { canonicalJson, type Json } from '../../../../domain/canonical-json.js'
import { applyRow } from '../../../../domain/transformations/apply-row.js'
import { type FittedTransformation, fittedJson } from '../../../../domain/transformations/fitted.js'
import { bucketOf } from '../../../../domain/transformations/md5.js'
import { checkColumns } from '../../../../domain/transformations/plan.js'
import { readFitted } from '../../../../domain/transformations/read-fitted.js'
import type { Step } from '../../../../domain/transformations/steps.js'
import { wordsOf } from '../../../../domain/transformations/words.js'
import { text, withDuckDb } from '../../../../stores/duckdb/duckdb.js'
import {
  applyFolds,
  applyTransformation,
  crossFit,
  fitTransformation,
} from '../../../../stores/duckdb/transformations.js'
import { temporaryDirectory } from '../tables.js'
import { BIKES, column, rowsOf, table } from './tables.js'

describe('fitted transformations', () => {
  let directory: string
  let bikes: string
  beforeAll(async () => {
    directory = await temporaryDirectory()
    bikes = await table(directory, BIKES)
  })
  afterAll(() => rm(directory, { recursive: true, force: true }))

  const out = (): string => join(directory, `${Math.random()}.parquet`)
  const both = async (
    steps: readonly Step[],
    file = bikes,
  ): Promise<{ fitted: FittedTransformation; outFile: string }> => {
    const fitted = await fitTransformation({ file, steps })
    const outFile = out()
    await applyTransformation({ file, fitted, outFile }, {})
    return { fitted, outFile }
  }

  it('go from column to column, each step by what those before have made', async () => {
    const steps: Step[] = [
      { kind: 'impute', columns: ['weight'], strategy: 'median', indicator: true },
      { kind: 'impute', columns: ['color'], strategy: 'constant', value: 'none' },
      { kind: 'one_hot', columns: ['color'] },
      { kind: 'scale', columns: ['weight', 'color_red'], method: 'min_max' },
      { kind: 'sql', columns: { dear: 'price > 150', price: 'price / 100' } },
      { kind: 'filter', where: 'gear IS NOT NULL' },
      { kind: 'target', columns: ['gear'], target: 'price', smoothing: 0 },
      { kind: 'drop', columns: ['day', 'wet'] },
    ]
    const { fitted, outFile } = await both(steps)
    expect(fitted.output.map(({ name, type }) => `${name} ${type}`)).toEqual([
      ...['gear DOUBLE', 'weight DOUBLE', 'price DOUBLE', 'weight_missing BIGINT', 'color_blue BIGINT'],
      ...['color_green BIGINT', 'color_none BIGINT', 'color_red DOUBLE', 'dear BOOLEAN'],
    ])
    expect(fitted.rows).toBe(6)
    expect((await rowsOf(outFile))[2]).toEqual({
      ...{ gear: 1.5, weight: expect.closeTo(3 / 7, 12), price: 2, weight_missing: 1, dear: true },
      ...{ color_blue: 0, color_green: 0, color_none: 1, color_red: 0 },
    })
    expect(await column(outFile, 'gear')).toEqual([1.5, 3, 1.5, 4, 1.5])
    expect(readFitted(JSON.parse(canonicalJson(fittedJson(fitted))))).toEqual(fitted)
  })

  it('have the columns that were foreseen', async () => {
    const steps: Step[] = [
      { kind: 'impute', columns: ['gear', 'wet'], strategy: 'most_frequent', indicator: true },
      { kind: 'log', columns: ['price'] },
      { kind: 'clip', columns: ['gear'], lowerQuantile: 0.1, max: 10 },
      { kind: 'bin', columns: ['weight'], strategy: 'uniform', bins: 3 },
      { kind: 'ordinal', columns: ['wet'] },
      { kind: 'date_parts', columns: ['day'], parts: ['week', 'is_weekend', 'hour'], cyclical: true },
      { kind: 'hash', columns: ['color'], buckets: 3, tokens: true },
      { kind: 'interact', columns: ['gear', 'price'], degree: 3, interactionOnly: false },
      { kind: 'select', columns: ['day_week_sin', 'gear_x_price', 'color_2', 'wet', 'weight'] },
    ]
    const { fitted } = await both(steps)
    expect(fitted.output).toEqual(checkColumns(steps, fitted.input).columns)
  })

  it('encode by a target of true and false, without the rows that have none', async () => {
    const steps: Step[] = [{ kind: 'target', columns: ['color'], target: 'wet', smoothing: 0 }]
    const { outFile } = await both(steps)
    expect(await column(outFile, 'color')).toEqual([1, 0, 0.6, 1, 0, 1])
  })

  it('cross-fit what a fold has bins for that all rows have not', async () => {
    const n = Array.from({ length: 40 }, (_, i) => (i < 37 ? 0 : i))
    const file = await table(directory, { n: ['integer', n], s: ['string', n.map(i => `s${i % 3}`)] })
    const steps: Step[] = [
      { kind: 'bin', columns: ['n'], strategy: 'quantile', bins: 12 },
      { kind: 'ordinal', columns: ['n'] },
      { kind: 'one_hot', columns: ['s'] },
      { kind: 'filter', where: 'n = 0' },
    ]
    const outFile = out()
    const folds = { count: 4, seed: 0 }
    const learned = await crossFit({ file, steps, folds })
    const { fitted } = learned
    const { rows } = await applyFolds({ ...learned, file, folds, outFile })
    expect(rows).toBeGreaterThanOrEqual(37 - 4)
    expect(Object.keys((await rowsOf(outFile))[0]!)).toEqual(fitted.output.map(({ name }) => name))
  })

  it('give equal bytes for equal tables', async () => {
    const steps: Step[] = [
      { kind: 'target', columns: ['color', 'gear'], target: 'price' },
      { kind: 'scale', columns: ['price', 'weight'], method: 'standard' },
    ]
    const [a, b] = [await both(steps), await both(steps)]
    expect(canonicalJson(fittedJson(a.fitted))).toBe(canonicalJson(fittedJson(b.fitted)))
    expect(await readFile(a.outFile)).toEqual(await readFile(b.outFile))
  })

  it('name columns of categories so that all are different', async () => {
    const odd = ['a\nb', 'a\tb', '', 'x'.repeat(300), 'x'.repeat(301), 'A', 'a', `q"'`]
    const file = await table(directory, {
      s: ['string', odd],
      s_a: ['number', odd.map((_, i) => i)],
      k: ['string', odd],
    })
    const steps: Step[] = [{ kind: 'one_hot', columns: ['s', 'k'], nulls: 'category' }]
    const { fitted, outFile } = await both(steps, file)
    const names = fitted.output.map(({ name }) => name)
    expect(new Set(names.map(name => name.toLowerCase())).size).toBe(names.length)
    expect(names).toEqual(
      expect.arrayContaining(['s_A_2', 's_a_3', 's_a_b', 's_a_b_2', 's_', 'k_A', 'k_a_2', `s_q"'`]),
    )
    expect(Math.max(...names.map(name => [...name].length))).toBe(100)
    const rows = await rowsOf(outFile)
    expect(
      rows.map(row => Object.entries(row).filter(([name, on]) => name !== 's_a' && on === 1).length),
    ).toEqual(odd.map(() => 2))
  })

  it('put rare and unknown categories together', async () => {
    const steps = (unknown: 'ignore' | 'infrequent'): Step[] => [
      { kind: 'one_hot', columns: ['color'], minFrequency: 2, unknown },
    ]
    const other = await table(directory, {
      ...BIKES,
      color: ['string', ['red', 'blue', null, 'new', 'green', 'red']],
    })
    for (const [unknown, expected] of [
      ['ignore', [0, 1, 0, 0, 1, 0]],
      ['infrequent', [0, 1, 0, 1, 1, 0]],
    ] as const) {
      const fitted = await fitTransformation({ file: bikes, steps: steps(unknown) })
      const outFile = out()
      await applyTransformation({ file: other, fitted, outFile })
      expect(await column(outFile, 'color_infrequent')).toEqual(expected)
      expect(await column(outFile, 'color_red')).toEqual([1, 0, 0, 0, 0, 1])
    }
  })

  it('take categories of every type', async () => {
    const file = await table(directory, {
      big: ['integer', ['9007199254740993', '9007199254740992', '9007199254740993', null]],
      real: ['number', [0, '-0.0', 1e21, 0.1]],
      flag: ['boolean', [true, false, null, true]],
    })
    const { fitted, outFile } = await both([{ kind: 'ordinal', columns: ['big', 'real', 'flag'] }], file)
    expect(fitted.state[0]).toEqual({
      kind: 'ordinal',
      categories: [
        ['9007199254740992', '9007199254740993'],
        [0, 0.1, 1e21],
        [false, true],
      ],
    })
    expect(await rowsOf(outFile)).toEqual([
      { big: 1, real: 0, flag: 1 },
      { big: 0, real: 0, flag: 0 },
      { big: 1, real: 2, flag: null },
      { big: null, real: 1, flag: 1 },
    ])
    const rows = await rowsOf(file)
    expect(rows.map(row => applyRow(fitted, row))).toEqual(await rowsOf(outFile))
  })

  it('take numbers and times of every width, in rows too', async () => {
    const file = out()
    await withDuckDb({}, db =>
      db.run(`COPY (SELECT * FROM (VALUES
        (0.1::FLOAT, 1.50::DECIMAL(9,2), 7::UTINYINT, 18446744073709551615::UBIGINT, TIMESTAMPTZ '2011-01-01 05:59:00+02', TIMESTAMP_S '2012-02-29 01:02:03'),
        (NULL, 2.25, 9, 1, NULL, NULL), ('nan'::FLOAT, NULL, NULL, NULL, TIMESTAMPTZ 'infinity', TIMESTAMP_S '1999-12-31 00:00:00'))
        t(f, dec, tiny, big, zoned, seconds)) TO ${text(file)} (FORMAT parquet)`),
    )
    const steps: Step[] = [
      { kind: 'ordinal', columns: ['dec', 'big'], unknown: 'null' },
      { kind: 'impute', columns: ['tiny', 'seconds'], strategy: 'most_frequent', indicator: true },
      { kind: 'impute', columns: ['f'], strategy: 'constant', value: 0.3 },
      { kind: 'one_hot', columns: ['f'], dropOriginal: false },
      { kind: 'scale', columns: ['f', 'tiny'], method: 'max_abs' },
      { kind: 'date_parts', columns: ['zoned', 'seconds'], parts: ['hour', 'day_of_year', 'is_weekend'] },
    ]
    const { fitted, outFile } = await both(steps, file)
    expect((await rowsOf(file)).map(row => applyRow(fitted, row))).toEqual(await rowsOf(outFile))
    expect((await rowsOf(outFile))[0]).toMatchObject({ dec: 0, big: 1, zoned_hour: 3, seconds_hour: 1 })
  })

  it('do without a target, and leave out what they do not know', async () => {
    const steps: Step[] = [
      { kind: 'target', columns: ['color'], target: 'price' },
      { kind: 'select', columns: ['price', 'color', 'gear'] },
    ]
    const fitted = await fitTransformation({ file: bikes, steps })
    const { price: _, ...others } = BIKES
    const file = await table(directory, { more: ['integer', [1, 2, 3, 4, 5, 6]], ...others })
    const outFile = out()
    const { columns } = await applyTransformation({ file, fitted, outFile })
    expect(columns.map(({ name }) => name)).toEqual(['color', 'gear'])
    const [first] = await rowsOf(file)
    expect(applyRow(fitted, first!)).toMatchObject({
      color: (await rowsOf(outFile))[0]!['color'],
      price: null,
    })
  })

  it('agree with SQL on every small letter', async () => {
    const points = `SELECT i, chr(i::INTEGER) AS c FROM range(192, 1114112) t(i) WHERE i NOT BETWEEN 55296 AND 57343`
    const rows = await withDuckDb({}, db => db.query(`SELECT c, lower(c) AS small FROM (${points})`))
    const differing = rows.filter(({ c, small }) => {
      const [word] = wordsOf(c as string)
      return word !== undefined && word !== small
    })
    expect(differing).toEqual([])
  })

  it('are fitted to the rows of other folds, where a row lies in the fold of its position', async () => {
    const steps: Step[] = [
      { kind: 'target', columns: ['gear'], target: 'price', smoothing: 0 },
      { kind: 'one_hot', columns: ['color'], unknown: 'ignore' },
    ]
    const outFile = out()
    const asked = { file: bikes, folds: { count: 3, seed: 4 }, where: 'weight IS NOT NULL' }
    const learned = await crossFit({ ...asked, steps })
    const { rows, columns } = await applyFolds({ ...learned, ...asked, outFile })
    expect([rows, columns]).toEqual([6, learned.fitted.output])
    // What all rows teach is what they teach without folds.
    const { folds: _, ...whole } = asked
    expect(learned.fitted).toEqual(await fitTransformation({ ...whole, steps }))
    for (const each of learned.ofFolds)
      expect(readFitted(JSON.parse(canonicalJson(fittedJson(each))) as Json)).toEqual(each)
    const prices = BIKES['price']![1] as number[]
    const gears = BIKES['gear']![1] as number[]
    const inFit = [0, 1, 2, 3, 5]
    const mean = (of: readonly number[]): number => of.reduce((sum, i) => sum + prices[i]!, 0) / of.length
    const expected = prices.map((_, i) => {
      const fold = (row: number): number => bucketOf(String(row), 3, 4)
      const others = inFit.filter(row => !inFit.includes(i) || fold(row) !== fold(i))
      const same = others.filter(row => gears[row] !== null && gears[row] === gears[i])
      return same.length === 0 ? mean(others) : mean(same)
    })
    const found = await rowsOf(outFile)
    found.forEach((row, i) => expect(row['gear']).toBeCloseTo(expected[i]!, 10))
    expect(await column(outFile, 'price')).toEqual(prices)
  })
})
