import { rm } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { checkExpectations } from '../../../domain/datasets/expectations.js'
import { canonicalJson, type Json } from '../../../domain/canonical-json.js'
import type { MlforgeError } from '../../../domain/errors.js'
import { refuseFailed, type Result } from '../../../domain/expectations/results.js'
import { checkSuite } from '../../../domain/expectations/suite.js'
import { evaluateExpectations } from '../../../stores/duckdb/expectations/accepted.js'
import { BIKE_DATES, bikeLines, ingest, temporaryDirectory } from './tables.js'

const NOW = '2026-06-01T00:00:00Z'

describe('expectations', () => {
  let directory: string
  let evaluateBike: (definitions: unknown[]) => Promise<Result[]>
  let bikeSchema: Awaited<ReturnType<typeof ingest>>['schema']
  beforeAll(async () => {
    directory = await temporaryDirectory()
    const bike = await ingest(directory, await bikeLines(([, day]) => day!.endsWith('/2011')), BIKE_DATES)
    bikeSchema = bike.schema
    evaluateBike = definitions =>
      evaluateExpectations(bike.file, checkExpectations(definitions, bike.schema), { now: NOW })
  })
  afterAll(() => rm(directory, { recursive: true, force: true }))

  it('holds the bike-sharing data to what is known of it: humidity 0 in 22 rows of 2011-03-10', async () => {
    const results = await evaluateBike([
      { kind: 'row_count', min: 8000, max: 9000 },
      { kind: 'not_null', column: 'cnt' },
      { kind: 'range', column: 'temp', min: 0, max: 1 },
      { kind: 'range', column: 'dteday', min: '2011-01-01', exclusiveMax: '2012-01-01' },
      { kind: 'in_set', column: 'weathersit', values: [1, 2, 3, 4] },
      { kind: 'unique', columns: ['dteday', 'hr'] },
      { kind: 'range', column: 'hum', exclusiveMin: 0, severity: 'warning' },
    ])
    expect(results.map(result => result.passed)).toEqual([true, true, true, true, true, true, false])
    expect(results[0]!.observed).toBe(8645)
    const hum = results[6]!
    expect(hum).toMatchObject({ failing: 22, observed: [0, 1], expectation: { severity: 'warning' } })
    expect(hum.rows).toHaveLength(10)
    expect(hum.rows.every(({ values }) => values['dteday'] === '2011-03-10' && values['hum'] === 0)).toBe(
      true,
    )
    expect(hum.rows[0]!.row).toBe(hum.rows[0]!.values['instant'])
    expect(() => refuseFailed(results)).not.toThrow()
  })

  it('refuses the version for a failed error, naming the expectation and the first row', async () => {
    const results = await evaluateBike([
      { kind: 'range', column: 'hum', exclusiveMin: 0 },
      { kind: 'row_count', min: 10_000 },
    ])
    let error: MlforgeError | undefined
    try {
      refuseFailed(results)
    } catch (thrown) {
      error = thrown as MlforgeError
    }
    expect(error).toMatchObject({ code: 'expectations_failed', message: expect.stringContaining('2 of 2') })
    expect(error!.details.problems).toEqual([
      {
        at: `row ${results[0]!.rows[0]!.row}`,
        message: expect.stringContaining('hum > 0, but 22 rows fail'),
      },
      { at: '10000 to any number of rows', message: 'observed 8645' },
    ])
  })

  it('counts what fails in each kind, with missing values, NaN and repeated keys', async () => {
    const csv = 'k,x,s,b\n1,0.5,a,true\n1,NaN,b,false\n2,,c,true\n,inf,,\n2,-1,a,false\n,2,z,true\n'
    const { file, schema } = await ingest(directory, csv)
    const definitions = [
      { kind: 'unique', columns: ['k'] },
      { kind: 'unique', columns: ['k', 's'] },
      { kind: 'range', column: 'x', min: 0 },
      { kind: 'range', column: 'x', exclusiveMin: -1, max: 2 },
      { kind: 'not_null', column: 'k' },
      { kind: 'not_null', column: 'k', maxFraction: 0.34 },
      { kind: 'in_set', column: 's', values: ['a', 'b', "it's"] },
      { kind: 'in_set', column: 'b', values: [true] },
    ]
    const results = await evaluateExpectations(file, checkExpectations(definitions, schema), { now: NOW })
    expect(results.map(({ passed, failing }) => [passed, failing])).toEqual([
      [false, 4],
      [true, 0],
      [false, 2],
      [false, 3],
      [false, 2],
      [true, 2],
      [false, 2],
      [false, 2],
    ])
    expect(results.map(result => result.rows.map(({ row }) => row))).toEqual([
      [1, 2, 3, 5],
      [],
      [2, 5],
      [2, 4, 5],
      [4, 6],
      [],
      [3, 6],
      [2, 5],
    ])
    expect(results[0]!.observed).toBe(2)
    expect(results[6]!.observed).toEqual(['c', 'z'])
    expect(JSON.parse(JSON.stringify(results))).toEqual(results)
  })

  it('numbers the rows of a table with a column that has the name of such numbers', async () => {
    const { file, schema } = await ingest(directory, 'File_row_number,o\n5,1\n7,2\n6,3\n')
    const column = 'File_row_number'
    const definitions = [
      { type: 'expect_column_values_to_be_between', column, max_value: 6 },
      { type: 'expect_column_values_to_be_increasing', column },
    ]
    const { expectations } = checkSuite(definitions, { columns: schema })
    const results = await evaluateExpectations(file, expectations, { now: NOW })
    expect(results.map(({ rows }) => rows)).toEqual([
      [{ row: 2, values: { [column]: 7, o: 2 } }],
      [{ row: 3, values: { [column]: 6, o: 3 } }],
    ])
  })

  it('answers with infinite and huge numbers as great_expectations does, in a form that JSON has', async () => {
    const csv = 'x,y,z\n1.5,1e200,1\nNaN,2e200,2\ninf,3e200,inf\n-3.0,4e200,-inf\n'
    const { file, schema } = await ingest(directory, csv)
    const asked = ['mean', 'stdev', 'max', 'sum'].flatMap(what =>
      ['x', 'y', 'z'].map(column => ({ type: `expect_column_${what}_to_be_between`, column, min_value: 0 })),
    )
    const more = [
      { type: 'expect_column_value_z_scores_to_be_less_than', column: 'x', threshold: 1 },
      { type: 'expect_column_most_common_value_to_be_in_set', column: 'z', value_set: [1], ties_okay: true },
      { type: 'expect_column_stdev_to_be_between', column: 'x', min_value: 0, nan: 'value' },
      {
        type: 'expect_column_quantile_values_to_be_between',
        column: 'z',
        quantile_ranges: { quantiles: [1], value_ranges: [[0, null]] },
      },
    ]
    const { expectations } = checkSuite([...asked, ...more], { columns: schema })
    const results = await evaluateExpectations(file, expectations, { now: NOW })
    expect(() => canonicalJson(results as unknown as Json)).not.toThrow()
    expect(results.slice(0, 12).map(({ passed, observed }) => [passed, observed])).toEqual([
      [true, 'Infinity'],
      [true, expect.closeTo(2.5e200, -188)],
      [false, null],
      [false, null],
      [true, expect.closeTo(Math.sqrt(5 / 3) * 1e200, -188)],
      [false, null],
      [true, 'Infinity'],
      [true, 4e200],
      [true, 'Infinity'],
      [true, 'Infinity'],
      [true, expect.closeTo(1e201, -188)],
      [false, null],
    ])
    expect(results.slice(12).map(({ passed, observed }) => [passed, observed])).toEqual([
      [true, null],
      [true, ['-Infinity', 1, 2, 'Infinity']],
      [false, null],
      [true, { quantiles: [1], values: ['Infinity'] }],
    ])
  })

  it('shows 200 characters of a text, which may have a million', async () => {
    const long = '😀'.repeat(100_000)
    const shown = '😀'.repeat(200)
    const { file, schema } = await ingest(directory, `s,t\n${long},${long}\n`)
    const definitions = [
      { type: 'expect_column_values_to_be_in_set', column: 's', value_set: ['x'] },
      { type: 'expect_column_most_common_value_to_be_in_set', column: 's', value_set: ['x'] },
      { type: 'expect_column_max_to_be_between', column: 's', max_value: 'x' },
      { type: 'expect_column_distinct_values_to_be_in_set', column: 's', value_set: ['x'] },
    ]
    const { expectations } = checkSuite(definitions, { columns: schema })
    const results = await evaluateExpectations(file, expectations, { now: NOW })
    expect(results.map(({ passed }) => passed)).toEqual([false, false, false, false])
    expect(results[0]).toMatchObject({
      observed: [shown],
      rows: [{ row: 1, values: { s: shown, t: shown } }],
    })
    expect(results.slice(1, 3).map(({ observed }) => observed)).toEqual([[shown], shown])
    expect(results[3]!.details).toMatchObject({ partial_unexpected_list: [shown] })
  })

  it('lists all problems of the definitions, with the nearest names', () => {
    const definitions = [
      { kind: 'rowcount', min: 1 },
      { kind: 'row_count', min: 5, max: 2 },
      { kind: 'not_null', column: 'humm' },
      { kind: 'not_null', column: 'hum', maxFraction: 2, maxfraction: 1 },
      { kind: 'range', column: 'hum' },
      { kind: 'range', column: 'dteday', min: 5 },
      { kind: 'in_set', column: 'hr', values: ['a'], severity: 'fatal' },
      { kind: 'unique', columns: [] },
      'nonsense',
    ]
    let error: MlforgeError | undefined
    try {
      checkExpectations(definitions, bikeSchema)
    } catch (thrown) {
      error = thrown as MlforgeError
    }
    expect(error?.code).toBe('invalid_request')
    expect(error!.details.problems!.map(problem => problem.at)).toEqual([
      'expectations[0].kind',
      'expectations[1].max',
      'expectations[2].column',
      'expectations[3].maxfraction',
      'expectations[3].maxFraction',
      'expectations[4]',
      'expectations[5].min',
      'expectations[6].severity',
      'expectations[6].values[0]',
      'expectations[7].columns',
      'expectations[8].kind',
    ])
    expect(error!.details.problems![0]!.message).toContain('Did you mean "row_count"?')
    expect(error!.details.problems![2]!.message).toContain('Did you mean "hum"?')
    expect(() => checkExpectations([{ kind: 'unique', columns: ['hour', 'hr'] }], bikeSchema)).toThrow(
      expect.objectContaining({ code: 'unknown_column' }),
    )
  })
})
