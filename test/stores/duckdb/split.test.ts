import { createHash } from 'node:crypto'
import { readFile, rm } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { permutation } from '../../../domain/datasets/permutation.js'
import type { TimeSplit } from '../../../domain/datasets/split.js'
import type { JsonRow } from '../../../stores/duckdb/duckdb.js'
import { readRows } from '../../../stores/duckdb/rows.js'
import { splitByTime } from '../../../stores/duckdb/split.js'
import { BIKE_DATES, bikeLines, ingest, temporaryDirectory } from './tables.js'

const FEATURES = 'season,yr,mnth,hr,holiday,weekday,workingday,weathersit,temp,atemp,hum,windspeed'.split(',')
const SPLIT: TimeSplit = {
  column: 'dteday',
  train: { until: '2011-09-01' },
  holdout: { from: '2011-09-01', until: '2011-11-01' },
  features: FEATURES,
  target: 'cnt',
  keep: ['instant'],
}

async function allRows(file: string): Promise<JsonRow[]> {
  const { total } = await readRows(file, { limit: 1 })
  const pages = []
  for (let offset = 0; offset < total; offset += 1000)
    pages.push(...(await readRows(file, { offset, limit: 1000 })).rows)
  return pages
}

async function sha256(file: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(file))
    .digest('hex')
}

describe('split by time', () => {
  let directory: string
  let bike: string
  let lines: string[]
  beforeAll(async () => {
    directory = await temporaryDirectory()
    const csv = await bikeLines(([, day]) => day!.endsWith('/2011'))
    lines = csv.trimEnd().split('\n').slice(1)
    bike = (await ingest(directory, csv, BIKE_DATES)).file
  })
  afterAll(() => rm(directory, { recursive: true, force: true }))

  const split = async (change: Partial<TimeSplit> = {}, file = bike) =>
    splitByTime(
      file,
      { ...SPLIT, ...change },
      await temporaryDirectory().then(made => (directories.push(made), made)),
    )
  const directories: string[] = []
  afterAll(() => Promise.all(directories.map(made => rm(made, { recursive: true, force: true }))))

  it('cuts January-August and September-October in their order, each time to the same bytes', async () => {
    const result = await split()
    const months = lines.map(line => Number(line.split(',')[1]!.split('/')[0]))
    const expected = (wanted: (month: number) => boolean): number[] =>
      lines.filter((_, i) => wanted(months[i]!)).map(line => Number(line.split(',')[0]))
    const train = await allRows(result.train.file)
    const holdout = await allRows(result.holdout.file)
    expect(train.map(row => row['instant'])).toEqual(expected(month => month <= 8))
    expect(holdout.map(row => row['instant'])).toEqual(expected(month => month === 9 || month === 10))
    expect([result.train.rows, result.holdout.rows]).toEqual([train.length, holdout.length])
    expect(result.unused).toBe(lines.length - train.length - holdout.length)
    expect(Object.keys(train[0]!)).toEqual(['dteday', 'instant', ...FEATURES, 'cnt'])
    expect(result.warnings).toEqual([])
    const again = await split()
    expect(await sha256(again.train.file)).toBe(await sha256(result.train.file))
    expect(await sha256(again.holdout.file)).toBe(await sha256(result.holdout.file))
  })

  it('warns that casual and registered give cnt away, and still splits', async () => {
    const { warnings, train } = await split({ features: [...FEATURES, 'casual', 'registered'] })
    expect(train.rows).toBeGreaterThan(5000)
    expect(warnings).toHaveLength(1)
    expect(warnings[0]).toMatchObject({
      code: 'target_leakage',
      message: expect.stringContaining('1 x registered + 1 x casual'),
    })
    const { features, coefficients, intercept } = warnings[0]!.leak!
    expect([...features].sort()).toEqual(['casual', 'registered'])
    expect(coefficients['casual']).toBeCloseTo(1, 9)
    expect(coefficients['registered']).toBeCloseTo(1, 9)
    expect(intercept).toBeCloseTo(0, 6)
  })

  it('does the same with a column that has the name of the numbers of rows', async () => {
    const csv = await bikeLines(([, day]) => day!.endsWith('/2011'))
    const { file } = await ingest(directory, csv.replace('instant', 'File_Row_Number'), BIKE_DATES)
    const { train, holdout } = await split({ keep: ['File_Row_Number'] }, file)
    const plain = await split()
    const renamed = (rows: JsonRow[]) =>
      rows.map(({ instant, ...row }) => ({ ...row, File_Row_Number: instant }))
    expect(await allRows(train.file)).toEqual(renamed(await allRows(plain.train.file)))
    expect(await allRows(holdout.file)).toEqual(renamed(await allRows(plain.holdout.file)))
  })

  it('shuffles only the training target, by the seed', async () => {
    const plain = await split()
    const shuffled = await split({ permuteTarget: { seed: 7 } })
    const before = await allRows(plain.train.file)
    const after = await allRows(shuffled.train.file)
    const order = permutation(before.length, 7)
    expect(after).toEqual(before.map((row, i) => ({ ...row, cnt: before[order[i]!]!['cnt'] })))
    expect(await sha256(shuffled.holdout.file)).toBe(await sha256(plain.holdout.file))
    expect(shuffled.warnings.map(warning => warning.code)).toEqual(['target_permuted'])
  })

  it.each([
    [
      'an overlap',
      { holdout: { from: '2011-08-31', until: '2011-11-01' } },
      'split_invalid',
      'before training ends',
    ],
    [
      'an empty holdout',
      { holdout: { from: '2013-01-01', until: '2013-02-01' } },
      'split_invalid',
      '(holdout)',
    ],
    ['an empty training part', { train: { until: '2010-01-01' } }, 'split_invalid', '(train)'],
    [
      'a window turned round',
      { holdout: { from: '2011-11-01', until: '2011-10-01' } },
      'split_invalid',
      'ends before',
    ],
    ['a day that is none', { train: { until: '2011-02-30' } }, 'split_invalid', '2011-02-30'],
    ['a time that is a number', { column: 'hr' }, 'split_invalid', 'needs a date'],
    ['an unknown feature', { features: ['temp', 'humm'] }, 'unknown_column', 'Did you mean "hum"?'],
    ['a feature that is no number', { features: ['temp', 'dteday'] }, 'split_invalid', 'dteday is DATE'],
    ['the target as a feature', { features: ['cnt'] }, 'split_invalid', 'cannot be a feature'],
    ['a target that is no number', { target: 'dteday' }, 'target_invalid', 'must be a number'],
    ['an unknown target', { target: 'cntt' }, 'unknown_column', 'Did you mean "cnt"?'],
    ['a constant target', { target: 'yr', features: ['temp'] }, 'target_invalid', 'in every training row'],
    ['no features', { features: [] }, 'split_invalid', 'At least one'],
  ] as const)('refuses %s', async (_, change, code, message) => {
    await expect(split(change as Partial<TimeSplit>)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message),
    })
  })

  it('names the rows whose label is missing, NaN or infinite', async () => {
    const csv =
      'day,x,y\n2011-01-01,1,1\n2011-01-02,2,\n2011-01-03,3,NaN\n2011-02-01,4,-inf\n2011-02-02,5,2\n2011-03-01,1,NaN\n'
    const { file } = await ingest(directory, csv)
    const change: TimeSplit = {
      column: 'day',
      train: { until: '2011-02-01' },
      holdout: { from: '2011-02-01', until: '2011-03-01' },
      features: ['x'],
      target: 'y',
    }
    await expect(splitByTime(file, change, directory)).rejects.toMatchObject({
      code: 'label_invalid',
      details: {
        rowCount: 3,
        problems: [
          { at: 'row 2', message: 'y is missing' },
          { at: 'row 3', message: 'y is NaN' },
          { at: 'row 4', message: 'y is -Infinity' },
        ],
      },
    })
  })
})
