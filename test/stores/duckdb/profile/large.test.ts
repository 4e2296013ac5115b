import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { Profile } from '../../../../domain/profile/profile.js'
import { text, withDuckDb } from '../../../../stores/duckdb/duckdb.js'
import { profileTable } from '../../../../stores/duckdb/profile.js'
import { temporaryDirectory } from '../tables.js'

describe('profiles of large, wide and odd tables', () => {
  let directory: string
  beforeAll(async () => {
    directory = await temporaryDirectory()
  })
  afterAll(() => rm(directory, { recursive: true, force: true }))

  const profileOf = async (sql: string, memoryLimit = '1GB'): Promise<Profile> => {
    const file = join(directory, 'table.parquet')
    await withDuckDb({}, db => db.run(`COPY (${sql}) TO ${text(file)} (FORMAT parquet)`))
    return profileTable(file, { memoryLimit, temporaryDirectory: directory })
  }

  it('estimate quantiles past 4,000,000 rows, close to where they are, in order, in little memory', async () => {
    const profile = await profileOf('SELECT (i * 7919) % 5000000 AS x FROM range(5000000) r(i)', '300MB')
    expect(profile).toMatchObject({ rows: 5_000_000, exactQuantiles: false, duplicates: 0 })
    const { quantiles } = profile.columns[0]!.numeric!
    const shares = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99]
    quantiles.forEach((value, i) => {
      expect(Math.abs(value! / 5e6 - shares[i]!)).toBeLessThan(0.01)
      if (i > 0) expect(value!).toBeGreaterThan(quantiles[i - 1]!)
    })
    expect(profile.columns[0]).toMatchObject({ distinct: 5_000_000 })
  })

  it('measure wide tables in parts, as if they were one', async () => {
    const columns = Array.from({ length: 150 }, (_, i) => `(i * ${i + 1}) % 100 AS c${i}`)
    const wide = await profileOf(`SELECT ${columns.join(', ')} FROM range(300) r(i)`)
    const narrow = await profileOf(`SELECT ${columns.slice(100, 140).join(', ')} FROM range(300) r(i)`)
    expect(wide.columns.map(({ name }) => name)).toEqual(columns.map((_, i) => `c${i}`))
    expect(wide.columns.slice(100, 140)).toEqual(narrow.columns)
    // c99 is always 0.
    expect(wide.correlations).toMatchObject({ sampled: 1, left: 99 })
    expect(wide.duplicates).toBe(200)
  })

  it('take empty tables, nested types and columns of any name', async () => {
    const empty = await profileOf("SELECT 1 AS x, 'a' AS s, DATE '2020-01-01' AS d WHERE false")
    expect(empty).toMatchObject({ rows: 0, duplicates: 0, correlations: null })
    expect(empty.columns.map(({ distinct, histogram }) => [distinct, histogram])).toEqual([
      [0, null],
      [0, null],
      [0, null],
    ])
    const odd = await profileOf(
      `SELECT [i % 2] AS "a list", {'k': i % 3} AS s, TIME '10:00:00' AS "v", i AS "t", i % 2 AS "file_row_number",
         'infinity'::TIMESTAMP AS at, i AS "part" FROM range(10) r(i)`,
    )
    expect(odd.columns.map(({ name, kind, distinct }) => [name, kind, distinct])).toEqual([
      ['a list', 'other', 2],
      ['s', 'other', 3],
      ['v', 'other', 1],
      ['t', 'integer', 10],
      ['file_row_number', 'integer', 2],
      ['at', 'timestamp', 1],
      ['part', 'integer', 10],
    ])
    expect(JSON.parse(JSON.stringify(odd))).toEqual(odd)
  })
})
