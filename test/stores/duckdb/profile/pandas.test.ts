import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { edgeOf } from '../../../../domain/profile/histogram.js'
import { correlationAt, type ColumnProfile, type Profile } from '../../../../domain/profile/profile.js'
import { text, withDuckDb } from '../../../../stores/duckdb/duckdb.js'
import { profileTable } from '../../../../stores/duckdb/profile.js'
import { pandas } from '../../../support/pandas.js'
import { temporaryDirectory } from '../tables.js'
import { type ByPandas, NASTY, SCRIPT } from './nasty.js'

describe('a profile of what is hard to measure, against pandas', () => {
  let directory: string
  let profile: Profile
  let again: Profile
  let theirs: ByPandas

  beforeAll(async () => {
    directory = await temporaryDirectory()
    const file = join(directory, 'nasty.parquet')
    await withDuckDb({}, db => db.run(`COPY (${NASTY}) TO ${text(file)} (FORMAT parquet)`))
    profile = await profileTable(file)
    again = await profileTable(file, { threads: 2 })
    const edges = join(directory, 'edges.json')
    await writeFile(edges, JSON.stringify(Object.fromEntries(profile.columns.flatMap(edgesOf))))
    theirs = await pandas<ByPandas>(SCRIPT, file, edges)
  })
  afterAll(() => rm(directory, { recursive: true, force: true }))

  const each = (check: (column: ColumnProfile, pandas: ByPandas['columns'][string]) => void): void => {
    expect(profile.columns).toHaveLength(18)
    for (const column of profile.columns) check(column, theirs.columns[column.name]!)
  }

  it('counts values, missing ones, distinct ones and the most frequent', () => {
    each((column, { count, nulls, distinct, top }) => {
      const { name } = column
      expect({ name, count: column.count, nulls: column.nulls, distinct: column.distinct }).toEqual({
        name,
        count,
        nulls,
        distinct,
      })
      const present = column.top.filter(({ value }) => value !== null)
      expect(present.map(one => one.count)).toEqual(top.slice(0, present.length))
    })
  })

  it('has the moments, extremes and counts of numbers', () => {
    each(({ name, numeric, min, max }, other) => {
      if (numeric === null) return expect(other.skewness).toBeUndefined()
      const { nan, infinite, zeros, negative } = numeric
      expect({ name, nan, infinite, zeros, negative }).toEqual({
        name,
        nan: other.nan,
        infinite: other.infinite,
        zeros: other.zeros,
        negative: other.negative,
      })
      near(name, min === null ? null : Number(min), other.min)
      near(name, max === null ? null : Number(max), other.max)
      near(name, numeric.mean, other.mean ?? null)
      near(name, numeric.std, other.std ?? null)
      // What does not vary has no shape, and pandas has no moments of what overflows.
      if (numeric.std === 0 || name === 'huge') return
      near(name, numeric.skewness, other.skewness, 1e-7)
      near(name, numeric.kurtosis, other.kurtosis, 1e-7)
    })
  })

  it('has the quantiles of numbers and times', () => {
    each(({ name, kind, numeric, temporal }, { quantiles }) => {
      numeric?.quantiles.forEach((one, i) => near(name, one, quantiles![i]))
      const unit = kind === 'date' ? 86_400 : 1
      temporal?.quantiles.forEach((one, i) => {
        const seconds = Date.parse(`${one}${kind === 'date' ? '' : 'Z'}`) / 1000
        // Rounded down to the day or the millisecond.
        const apart = quantiles![i]! * unit - seconds
        expect(apart).toBeGreaterThan(-1e-4)
        expect(apart).toBeLessThan(kind === 'date' ? unit : 1e-3 + 1e-6)
      })
    })
  })

  it('has the lengths of texts', () => {
    each(({ text: lengths }, other) => {
      if (lengths === null) return expect(other.lengths).toBeUndefined()
      const { minLength, maxLength, meanLength, empty } = lengths
      expect([minLength, maxLength, empty]).toEqual([other.lengths![0], other.lengths![1], other.lengths![3]])
      near('mean length', meanLength, other.lengths![2])
    })
  })

  it('counts in the same bins, and misses no finite value', () => {
    const binned = profile.columns.filter(({ histogram }) => histogram !== null)
    expect(binned.map(({ name }) => name)).toEqual(
      profile.columns.map(({ name }) => name).filter(name => !['empty', 'only nan', 'b'].includes(name)),
    )
    for (const { name, histogram, count, numeric } of binned) {
      expect({ name, counts: histogram!.counts }).toEqual({ name, counts: theirs.columns[name]!.histogram })
      const finite = count - (numeric?.nan ?? 0) - (numeric?.infinite ?? 0)
      expect(histogram!.counts.reduce((sum, one) => sum + one, 0)).toBe(finite)
    }
  })

  it('comes out the same to the last bit each time', () => {
    expect(again).toEqual(profile)
  })

  it('measures decimals, which are no floating-point numbers, as numbers', () => {
    expect(profile.columns.find(({ name }) => name === 'decimal')).toMatchObject({
      type: 'DECIMAL(18,2)',
      kind: 'number',
    })
  })

  it('counts duplicates, and correlates what varies', () => {
    expect(profile.duplicates).toBe(50)
    expect(theirs.duplicates).toBe(50)
    const { columns, sampled, left } = profile.correlations!
    expect({ sampled, left }).toEqual({ sampled: 1, left: 0 })
    expect(columns).toEqual([
      ...['i', 'beyond 2^53', 'f', 'skewed', 'offset', 'correlated', 'byte', 'decimal', 'float'],
    ])
    columns.forEach((a, i) => {
      columns.forEach((b, j) => {
        near(`${a}, ${b}`, correlationAt(profile.correlations!, i, j), theirs.correlations[a]![b], 1e-9)
      })
    })
  })
})

function near(what: string, ours: number | null, theirs: number | null | undefined, relative = 1e-10): void {
  if (ours === null || theirs === null || theirs === undefined) {
    expect({ what, value: ours }).toEqual({ what, value: theirs })
    return
  }
  const apart = Math.abs(ours - theirs)
  const allowed = relative * Math.max(1, Math.abs(theirs))
  expect({ what, ours, theirs, isNear: apart <= allowed }).toEqual({ what, ours, theirs, isNear: true })
}

function edgesOf({ name, histogram }: ColumnProfile): [string, number[]][] {
  if (histogram === null) return []
  const edges = Array.from({ length: histogram.counts.length + 1 }, (_, i) => edgeOf(histogram, i))
  return [[name, edges]]
}
