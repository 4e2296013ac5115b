import { readFile, rm } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { type ColumnProfile, type Profile, QUANTILES } from '../../../domain/profile/profile.js'
import { profileTable } from '../../../stores/duckdb/profile.js'
import { BIKE, BIKE_DATES, ingest, temporaryDirectory } from './tables.js'

describe('profile', () => {
  let directory: string
  beforeAll(async () => {
    directory = await temporaryDirectory()
  })
  afterAll(() => rm(directory, { recursive: true, force: true }))

  const column = (profile: Profile, name: string): ColumnProfile =>
    profile.columns.find(found => found.name === name)!

  it('agrees with numbers computed without DuckDB', async () => {
    const csv = await readFile(BIKE, 'utf8')
    const profile = await profileTable((await ingest(directory, csv, BIKE_DATES)).file)
    const [header, ...rows] = csv
      .trimEnd()
      .split('\n')
      .map(line => line.split(','))
    expect(profile.rows).toBe(17_379)
    for (const name of ['cnt', 'temp', 'hum', 'windspeed']) {
      const values = rows.map(row => Number(row[header!.indexOf(name)])).sort((a, b) => a - b)
      const n = values.length
      const mean = values.reduce((sum, value) => sum + value, 0) / n
      const std = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1))
      const found = column(profile, name)
      expect(found).toMatchObject({
        count: n,
        nulls: 0,
        min: values[0],
        max: values.at(-1),
        distinct: new Set(values).size,
      })
      expect(found.numeric!.mean).toBeCloseTo(mean, 9)
      expect(found.numeric!.std).toBeCloseTo(std, 9)
      QUANTILES.forEach((share, i) => {
        const at = share * (n - 1)
        const low = values[Math.floor(at)]!
        const expected = low + (values[Math.ceil(at)]! - low) * (at % 1)
        expect(found.numeric!.quantiles[i]).toBeCloseTo(expected, 9)
      })
      const counts = new Map<number, number>()
      for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
      const top = [...counts].sort((a, b) => b[1] - a[1] || a[0] - b[0]).slice(0, 10)
      expect(found.top).toEqual(top.map(([value, count]) => ({ value, count })))
    }
    expect(column(profile, 'hum').numeric!.zeros).toBe(22)
    expect(column(profile, 'dteday')).toMatchObject({
      type: 'DATE',
      distinct: 731,
      min: '2011-01-01',
      max: '2012-12-31',
      numeric: null,
    })
    expect(JSON.parse(JSON.stringify(profile))).toEqual(profile)
  })

  it('takes missing, infinite and NaN values, empty columns, text and large integers', async () => {
    const csv = 'x,s,e,big\n1,a,,9007199254740993\nNaN,b,,1\ninf,a,,2\n,,,3\n3,a,,4\n'
    const profile = await profileTable((await ingest(directory, csv)).file)
    expect(column(profile, 'x')).toMatchObject({
      count: 4,
      nulls: 1,
      min: 1,
      max: 3,
      numeric: { mean: 2, nan: 1, infinite: 1, std: expect.closeTo(Math.SQRT2, 12) },
    })
    expect(column(profile, 's').top).toEqual([
      { value: 'a', count: 3 },
      { value: 'b', count: 1 },
      { value: null, count: 1 },
    ])
    expect(column(profile, 'e')).toMatchObject({ count: 0, nulls: 5, distinct: 0, min: null })
    expect(column(profile, 'big').max).toBe('9007199254740993')
    expect(JSON.parse(JSON.stringify(profile))).toEqual(profile)
  })
})
