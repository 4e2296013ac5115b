import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { inferSuite } from '../../../../domain/expectations/infer.js'
import { describePlan, planOf } from '../../../../domain/expectations/plan.js'
import { checkKeptSuite } from '../../../../domain/expectations/suite-version.js'
import { checkSuite } from '../../../../domain/expectations/suite.js'
import { withDuckDb } from '../../../../stores/duckdb/duckdb.js'
import { evaluateSuite, type EvaluateOptions } from '../../../../stores/duckdb/expectations/evaluate.js'
import { factsOf } from '../../../../stores/duckdb/expectations/facts.js'
import { tableColumns } from '../../../../stores/duckdb/expectations/table.js'
import { profileTable } from '../../../../stores/duckdb/profile.js'
import { BIKE_DATES, bikeLines, ingest, temporaryDirectory } from '../tables.js'
import { TABLES } from './parity-tables.js'
import { writeTable } from './write-table.js'

const NOW = '2026-03-02T00:00:00Z'

describe('the engine of expectations', () => {
  let directory: string
  const fileOf = (table: string): string => join(directory, `${table}.parquet`)
  const tableOf = (table: string) => ({ version: 3, file: fileOf(table) })
  beforeAll(async () => {
    directory = await temporaryDirectory()
    for (const [table, columns] of Object.entries(TABLES)) await writeTable(fileOf(table), columns)
  })
  afterAll(() => rm(directory, { recursive: true, force: true }))

  async function evaluate(table: string, expectations: unknown[], options: Partial<EvaluateOptions> = {}) {
    const columns = await tableColumns(fileOf(table))
    const suite = checkSuite(expectations, { columns })
    return evaluateSuite(fileOf(table), suite.expectations, { now: NOW, ...options })
  }

  it.each([
    [{ type: 'expect_column_values_to_match_like_pattern', column: 'mail', like_pattern: '%@%' }, 2],
    [{ type: 'expect_column_values_to_match_like_pattern', column: 'mail', like_pattern: '_@_' }, 5],
    [{ type: 'expect_column_values_to_not_match_like_pattern', column: 'mail', like_pattern: '%.%' }, 3],
    [
      {
        type: 'expect_column_values_to_match_like_pattern_list',
        column: 'mail',
        like_pattern_list: ['a%', 'x%'],
      },
      5,
    ],
    [
      {
        type: 'expect_column_values_to_match_like_pattern_list',
        column: 'mail',
        like_pattern_list: ['%@%', '%.%'],
        match_on: 'all',
      },
      4,
    ],
    [
      {
        type: 'expect_column_values_to_not_match_like_pattern_list',
        column: 'mail',
        like_pattern_list: ['a%', 'A%'],
      },
      2,
    ],
    [{ type: 'expect_column_values_to_be_between', column: 'x', max_value: 20, nan: 'value' }, 1],
    [{ type: 'expect_column_values_to_be_between', column: 'x', min_value: -5, nan: 'value' }, 1],
    [{ type: 'expect_column_values_to_be_between', column: 'x', max_value: 20 }, 0],
    [{ type: 'expect_column_values_to_not_be_null', column: 'x', nan: 'value' }, 1],
    [
      {
        type: 'expect_column_values_to_be_in_set',
        column: 'one',
        value_set: Array.from({ length: 500 }, (_, i) => i),
      },
      0,
    ],
    [
      {
        type: 'expect_column_values_to_be_in_set',
        column: 'n',
        value_set: Array.from({ length: 500 }, (_, i) => i + 3),
      },
      3,
    ],
  ])('counts %j', async (expectation, unexpected) => {
    const { outcomes } = await evaluate('main', [expectation])
    expect(outcomes[0]).toMatchObject({ success: unexpected === 0, counts: { unexpected_count: unexpected } })
    expect(outcomes[0]!.rows).toHaveLength(unexpected)
  })

  it('shows the first 20 failing rows of each, whichever statement counted them', async () => {
    const { outcomes, statements } = await evaluate(
      'main',
      [
        { type: 'expect_column_values_to_be_between', column: 'x', min_value: 0 },
        { type: 'expect_column_values_to_be_unique', column: 's' },
        { type: 'expect_compound_columns_to_be_unique', column_list: ['zn', 'one'] },
        { type: 'expect_column_values_to_be_increasing', column: 'n' },
        { type: 'expect_column_value_z_scores_to_be_less_than', column: 'x', threshold: 1.5 },
        {
          type: 'expect_column_values_to_be_in_other_table',
          column: 'u',
          other_table_name: 'words',
          other_column: 'w',
        },
        { type: 'expect_column_values_to_be_in_set', column: 's', value_set: ['a'] },
        { type: 'expect_column_values_to_not_be_null', column: 's', row_condition: 'col("n") == 2' },
        { type: 'expect_column_pair_values_to_be_equal', column_A: 'x', column_B: 'y' },
      ],
      { tables: { words: tableOf('words') } },
    )
    expect(outcomes.map(({ rows }) => rows.map(({ row }) => row))).toEqual([
      [4],
      [1, 5],
      [1, 2, 3, 4, 5, 6, 7, 8],
      [2],
      [7],
      [1, 2, 4, 5, 6],
      [2, 4, 6, 7, 8],
      [3],
      [3, 4, 6, 7, 8],
    ])
    expect(outcomes[6]!.foreign).toEqual(['', 'abc def', 'b', 'é', '日本語'])
    expect(Object.keys(outcomes[1]!.rows[0]!.values)[0]).toBe('s')
    expect(statements.map(({ query }) => query)).toEqual(['scan', 'uniqueness', 'reference', 'distribution'])
  })

  it('shows failing rows of columns of any names', async () => {
    const file = join(directory, 'named.parquet')
    const columns = ['e', 'c0', 'others', 'number', 'p', 'wanted', '__mlforge_e', '__mlforge_row']
    const values = columns.map(column => `'${column}' || i AS "${column}"`)
    await withDuckDb({}, db =>
      db.run(`COPY (SELECT ${values.join(', ')} FROM range(2) t(i)) TO '${file}' (FORMAT parquet)`),
    )
    const { outcomes } = await evaluateSuite(
      file,
      columns.map(column => ({
        type: 'expect_column_values_to_be_in_set',
        column,
        value_set: [`${column}0`],
        severity: 'error' as const,
      })),
      { now: NOW },
    )
    const values1 = Object.fromEntries(columns.map(column => [column, `${column}1`]))
    for (const [i, { rows, foreign }] of outcomes.entries())
      expect({ rows, foreign }).toEqual({ rows: [{ row: 2, values: values1 }], foreign: [`${columns[i]}1`] })
  })

  it('plans what it runs: one scan, and one more each for keys, other tables and distributions', async () => {
    const suite = checkSuite([
      { type: 'expect_table_row_count_to_be_between', min_value: 1 },
      { type: 'expect_column_mean_to_be_between', column: 'x', min_value: 0 },
      { type: 'expect_column_values_to_be_unique', column: 'n', mostly: 0.1 },
      { type: 'expect_column_to_exist', column: 'n' },
    ])
    const plan = planOf(suite.expectations)
    expect(plan.map(({ query, measures, expectations }) => [query, measures.length, expectations])).toEqual([
      ['scan', 4, [0, 1, 2]],
      ['uniqueness', 2, [2]],
      ['samples', 0, [2]],
    ])
    expect(describePlan(suite.expectations)[0]).toContain('(4 measures for 3 expectations)')
    const { statements } = await evaluateSuite(fileOf('main'), suite.expectations, { now: NOW })
    expect(statements.map(({ query }) => query)).toEqual(['scan', 'uniqueness'])
  })

  it('splits the scan of a suite with very many aggregates, with the same results', async () => {
    const many = Array.from({ length: 900 }, (_, i) => ({
      type: 'expect_column_values_to_be_between',
      column: 'n',
      min_value: i / 100,
    }))
    const { outcomes, statements } = await evaluate('main', many)
    expect(statements.length).toBeGreaterThan(1)
    const values = TABLES['main']![0]!.values as number[]
    expect(outcomes.map(({ counts }) => counts!.unexpected_count)).toEqual(
      many.map(({ min_value: least }) => values.filter(value => value < least).length),
    )
  })

  it('compares no value of a range that holds by the statistics of the file, and every one of others', async () => {
    const range = (column: string, more: object) => ({
      type: 'expect_column_values_to_be_between',
      column,
      ...more,
    })
    const { outcomes, statements } = await evaluate('main', [
      range('n', { min_value: 1, max_value: 8 }),
      range('n', { min_value: 1, strict_min: true }),
      range('n', { max_value: 8, strict_max: true }),
      range('y', { min_value: -2, max_value: 4 }),
      range('y', { min_value: -2, max_value: 4, nan: 'value' }),
      range('x', { min_value: -1, max_value: 10 }),
      range('x', { max_value: 10, nan: 'value' }),
      range('zn', { min_value: 0 }),
      range('t', { max_value: '2026-03-01' }),
      range('t', { max_value: '2026-02-28' }),
      range('d', { min_value: { now: '-60d' } }),
      range('n', { min_value: 1, row_condition: 'col("s") == "a"' }),
    ])
    expect(outcomes.map(({ counts }) => counts!.unexpected_count)).toEqual([
      ...[0, 1, 3, 0, 0, 0, 1, 0, 0, 2, 1, 0],
    ])
    expect(outcomes[11]!.counts!.element_count).toBe(2)
    expect(statements[0]!.sql).not.toContain('AND NOT isnan("y")')
    expect(statements[0]!.sql).toContain('"n" <= 1')
  })

  it('compares with other tables, the version before, and the time', async () => {
    const { outcomes } = await evaluate(
      'main',
      [
        { type: 'expect_table_row_count_to_equal_other_table', other_table_name: 'main' },
        { type: 'expect_table_row_count_to_equal_other_table', other_table_name: 'words' },
        {
          type: 'expect_column_values_to_be_in_other_table',
          column: 's',
          other_table_name: 'main',
          other_column: 'u',
          mostly: 0.5,
        },
        { type: 'expect_table_row_count_change_to_be_between', min_value: -0.3, max_value: 0 },
        { type: 'expect_table_row_count_change_to_be_between', min_value: -0.1 },
        { type: 'expect_column_max_to_be_between', column: 't', min_value: { now: '-36h' } },
        { type: 'expect_column_max_to_be_between', column: 't', min_value: { now: '-12h' } },
        { type: 'expect_column_values_to_be_between', column: 't', max_value: { now: '-1d' }, mostly: 1 },
        { type: 'expect_column_max_to_be_between', column: 'd', max_value: { now: '+91d' } },
      ],
      { previousRows: 10, tables: { main: tableOf('main'), words: tableOf('words') } },
    )
    expect(outcomes.map(({ success }) => success)).toEqual([
      ...[true, false, true, true, false, true, false, true, true],
    ])
    expect(outcomes[1]!.observed).toEqual({ self: 8, other: 4 })
    expect(outcomes[3]).toMatchObject({ observed: -0.2, details: { previous: 10 } })
    const { outcomes: first } = await evaluate('main', [
      { type: 'expect_table_row_count_change_to_be_between', min_value: -0.1 },
    ])
    expect(first[0]).toMatchObject({ success: true, observed: null })
  })

  it.each([
    [{ type: 'expect_column_values_to_match_regex', column: 's', regex: 'a{2000}' }, 'repetition'],
    [{ type: 'expect_table_row_count_to_equal_other_table', other_table_name: 'gone' }, 'no table "gone"'],
  ])('refuses what cannot be measured: %j', async (expectation, said) => {
    await expect(
      evaluate('main', [expectation], { tables: { words: tableOf('words') } }),
    ).rejects.toMatchObject({
      code: 'invalid_request',
      message: expect.stringContaining(said),
    })
  })

  it.each([
    ['no', 'unknown_column', 'version 3 of dataset "words" has no column "no". It has w'],
    [undefined, 'unknown_column', 'version 3 of dataset "words" has no column "n".'],
    ['w', 'invalid_request', 'w of version 3 of dataset "words" is of type string, and n is of type integer'],
  ])('refuses a column of another table that cannot have the values: %s', async (other, code, said) => {
    const expectation = {
      type: 'expect_column_values_to_be_in_other_table',
      column: 'n',
      other_table_name: 'words',
      ...(other !== undefined && { other_column: other }),
    }
    await expect(
      evaluate('main', [expectation], { tables: { words: tableOf('words') } }),
    ).rejects.toMatchObject({
      code,
      message: expect.stringContaining(said),
      details: { problems: [{ at: 'expectations[0].other_column' }] },
    })
  })

  it('measures distances to a reference', async () => {
    const values = { values: ['a', 'b', 'c', 'd'], weights: [0.4, 0.3, 0.2, 0.1] }
    const bins = { bins: [0, 4, 8, 12], weights: [0.25, 0.25, 0.5] }
    const { outcomes } = await evaluate('spread', [
      { type: 'expect_column_psi_to_be_less_than', column: 'c', partition_object: values, threshold: 10 },
      { type: 'expect_column_psi_to_be_less_than', column: 'v', partition_object: bins, threshold: 0.2 },
      {
        type: 'expect_column_ks_statistic_to_be_less_than',
        column: 'v',
        partition_object: bins,
        threshold: 0.2,
      },
      {
        type: 'expect_column_ks_statistic_to_be_less_than',
        column: 'v',
        partition_object: bins,
        threshold: 0.1,
      },
    ])
    // Of 13 values 4 lie in [0, 4), 4 in [4, 8) and 5 in [8, 12].
    const shares = [4, 4, 5].map(n => n / 13)
    const psi = shares.reduce((sum, q, i) => sum + (q - bins.weights[i]!) * Math.log(q / bins.weights[i]!), 0)
    expect(outcomes[1]!.observed).toBeCloseTo(psi, 12)
    expect(outcomes[2]!.observed).toBeCloseTo(8 / 13 - 0.5, 12)
    expect(outcomes.map(({ success }) => success)).toEqual([true, true, true, false])
    expect(outcomes[0]!.details).toMatchObject({
      observed_counts: [5, 3, 4, 1],
      others: { values: 1, rows: 1 },
    })
  })

  it('infers a suite that can be kept and holds, of odd values and of very many columns', async () => {
    const odd = Array.from({ length: 40 }, (_, i) => `9007199254740993,${i % 9 === 0 ? 'inf' : i / 2}`)
    const names = Array.from({ length: 450 }, (_, i) => `c${i}`)
    const wide = `${names.join(',')}\n${'1,'.repeat(449)}1\n${'2,'.repeat(449)}2\n`
    for (const csv of [`big,x\n${odd.join('\n')}\n`, wide]) {
      const { file, schema } = await ingest(directory, csv)
      const suite = checkKeptSuite(inferSuite(factsOf(await profileTable(file))), schema)
      const { outcomes } = await evaluateSuite(file, suite.expectations, { now: NOW })
      expect(outcomes.filter(({ success }) => !success)).toEqual([])
      const told = suite.expectations.map(({ type, column }) => `${type} ${column}`)
      expect(told).toContain(`expect_column_values_to_be_of_type ${schema.at(-1)!.name}`)
    }
  })

  it('infers a suite that holds of what it was inferred from', async () => {
    const { file, schema } = await ingest(
      directory,
      await bikeLines(([, day]) => day!.endsWith('/2011')),
      BIKE_DATES,
    )
    const suite = inferSuite(factsOf(await profileTable(file)))
    const checked = checkSuite(suite, { columns: schema })
    const { outcomes } = await evaluateSuite(file, checked.expectations, { now: NOW })
    expect(outcomes.filter(({ success }) => !success)).toEqual([])
    const told = suite.expectations.map(({ type, column }) => `${type} ${column}`)
    expect(told).toEqual(
      expect.arrayContaining([
        'expect_column_values_to_be_unique instant',
        'expect_column_values_to_be_in_set weathersit',
        'expect_column_values_to_be_between temp',
        'expect_column_values_to_not_be_null cnt',
        'expect_column_values_to_be_between dteday',
      ]),
    )
  })
})
