import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { compareStep } from '../../../../activities/pipelines/steps/compare.js'
import { queryStep } from '../../../../activities/pipelines/steps/query.js'
import { validateIdentity, validateStep } from '../../../../activities/pipelines/steps/validate.js'
import type { TableValue } from '../../../../domain/pipelines/values.js'
import { uuidv7 } from '../../../../stores/ids.js'
import { DatasetStore } from '../../../../stores/postgres/dataset-store.js'
import { SuiteStore } from '../../../../stores/postgres/suite-store.js'
import { type TestDatabase, testDatabase } from '../../../support/postgres.js'
import { StepKit } from '../step-kit.js'

let kit: StepKit
beforeAll(async () => {
  kit = await StepKit.create()
})
afterAll(() => kit.remove())

describe('a query step', () => {
  it('makes one table of others, the same object at each try', async () => {
    const hours = await kit.table('SELECT i, i % 24 AS hr FROM range(240) t(i)')
    const inputs = { sql: 'SELECT hr, count(*) AS n FROM hours GROUP BY hr ORDER BY hr', tables: { hours } }
    const one = await kit.run(queryStep(kit), inputs)
    expect(one).toMatchObject({
      outputs: { table: { kind: 'table', rows: 24 }, rows: 24, first: { hr: 0, n: 10 } },
      lines: ['hours: 240 rows', expect.stringMatching(/^result: 24 rows, \d+ bytes$/)],
    })
    const two = await kit.run(queryStep(kit), inputs)
    expect('outputs' in two && two.outputs).toEqual('outputs' in one && one.outputs)
    const table = 'outputs' in one ? (one.outputs['table'] as unknown as TableValue) : hours
    expect(await kit.objects.size(table.uri)).toBe(table.bytes)
    const next = await kit.run(queryStep(kit), { sql: 'SELECT sum(n) AS n FROM t', tables: { t: table } })
    expect(next).toMatchObject({ outputs: { first: { n: 240 } } })
  })

  it('fails for good where the SQL is wrong', async () => {
    await expect(kit.run(queryStep(kit), { sql: 'SELECT x FROM nowhere', tables: {} })).rejects.toMatchObject(
      {
        code: 'query_invalid',
        message: expect.stringContaining('nowhere does not exist'),
      },
    )
  })
})

describe('a validate step', () => {
  let table: TableValue
  let database: TestDatabase
  let suites: SuiteStore
  let datasets: DatasetStore
  beforeAll(async () => {
    database = await testDatabase()
    suites = new SuiteStore(database.dataSource)
    datasets = new DatasetStore(database.dataSource)
    table = await kit.table(`SELECT i::INTEGER AS i, CASE WHEN i = 3 THEN 'NaN' ELSE i / 2 END::FLOAT AS x,
      (i * 1.5)::DECIMAL(9, 2) AS d, [i] AS l, sum(i) OVER () AS total FROM range(5) t(i)`)
  })
  afterAll(() => database.drop())
  const validate = (inputs: Record<string, unknown>) =>
    kit.run(validateStep({ objects: kit.objects, suites, datasets }), { table, ...inputs })
  const run = (expectations: unknown) => validate({ expectations })

  it('checks by a version of the suite of a dataset, or by the current one', async () => {
    const put = async (max: number) =>
      suites.put('default', 'rides', {
        suite: {
          expectations: [
            { type: 'expect_column_values_to_be_between', column: 'i', max_value: max, severity: 'error' },
          ],
        },
        ...{ author: null, message: null, principal: 'key:test' },
      })
    const { sha256 } = await put(4)
    await put(3)
    expect(await validate({ suite: 'rides' })).toMatchObject({ refused: { code: 'expectations_failed' } })
    expect(await validate({ suite: 'rides@1' })).toMatchObject({
      outputs: { results: [{ passed: true }], suite: { dataset: 'rides', version: 1, sha256 } },
    })
    await expect(validate({ suite: 'rides@9' })).rejects.toMatchObject({ code: 'not_found' })
    await expect(validate({ suite: 'Rides' })).rejects.toMatchObject({ code: 'step_input_invalid' })
    for (const inputs of [{}, { suite: 'rides', expectations: [] }]) {
      await expect(validate(inputs)).rejects.toThrow('either `expectations` or `suite`')
    }
    expect(await validateIdentity({ suite: 'rides' }, 'default')).toBeNull()
    expect(await validateIdentity({ suite: 'rides@1' }, 'default')).toBe('inputs')
    expect(await validateIdentity({ expectations: [] }, 'default')).toBe('inputs')
  })

  it('tells what holds, and warns', async () => {
    const result = await run([
      { kind: 'row_count', min: 5, max: 5 },
      { kind: 'range', column: 'd', min: 0, max: 6 },
      { kind: 'range', column: 'total', min: 10 },
      { kind: 'range', column: 'x', max: 10, severity: 'warning' },
    ])
    expect(result).toMatchObject({
      outputs: {
        warnings: ['expected x <= 10; 1 rows fail, first row 4'],
        results: [
          { passed: true, observed: 5 },
          { passed: true },
          { passed: true },
          { passed: false, failing: 1, rows: [{ row: 4, values: { i: 3 } }] },
        ],
      },
    })
    expect(result.lines.at(-1)).toBe('fails: x <= 10 (1 rows)')
  })

  it('refuses a table of which an expectation does not hold', async () => {
    const result = await run([
      { kind: 'unique', columns: ['i'] },
      { kind: 'range', column: 'i', max: 3 },
    ])
    expect(result).toMatchObject({
      refused: {
        code: 'expectations_failed',
        details: { problems: [{ at: 'row 5', message: expect.stringContaining('i <= 3') }] },
      },
    })
  })

  it('compares a version with the one before, and refuses to compare what is none', async () => {
    const [small, large] = [await kit.table('SELECT 1 AS i'), await kit.table('SELECT 1 AS i FROM range(3)')]
    await commit(small)
    await commit(large)
    const change = { type: 'expect_table_row_count_change_to_be_between', max_value: 0.5 }
    const check = (inputs: object) => validate({ expectations: [change], dataset: 'grown', ...inputs })
    expect(await check({ table: small, version: 1 })).toMatchObject({
      outputs: { results: [{ passed: true, details: { previous: null } }] },
    })
    expect(await check({ table: large, version: 2 })).toMatchObject({
      refused: { details: { results: [{ observed: 2, details: { rows: 3, previous: 1 } }] } },
    })
    const refused = (at: string, message: RegExp) => ({
      code: 'step_input_invalid',
      message: expect.stringMatching(message),
      details: { problems: [expect.objectContaining({ at })] },
    })
    await expect(check({ table: small, version: 2 })).rejects.toMatchObject(
      refused('table', /not the table of version 2 of dataset "grown"/),
    )
    await expect(check({ table: large })).rejects.toMatchObject(refused('version', /say together/))
    const none = refused('expectations[0]', /no version has none before it/)
    await expect(validate({ table: large, expectations: [change] })).rejects.toMatchObject(none)
    await suites.put('default', 'grown', {
      suite: { expectations: [{ ...change, severity: 'error' }] },
      ...{ author: null, message: null, principal: 'key:test' },
    })
    await expect(validate({ table: large, suite: 'grown' })).rejects.toMatchObject(none)
  })

  async function commit(parquet: TableValue): Promise<void> {
    const table = {
      rows: String(parquet.rows),
      raw: parquet,
      parquet,
      schema: [{ name: 'i', type: 'integer' }],
    }
    const rest = { conversion: {}, proposal: [], expectations: [], profile: {} }
    const by = { message: null, author: null, principal: 'key:test', runId: uuidv7(), effectKey: uuidv7() }
    await database.dataSource.transaction(transaction =>
      datasets.commit(transaction, 'default', 'grown', {
        ...{ root: parquet.sha256, files: null, table: { ...table, ...rest } },
        ...by,
      }),
    )
  }

  it.each([
    ['no list', { kind: 'unique' }, 'invalid_request', undefined],
    ['a kind that is none', [{ kind: 'rage' }], 'invalid_request', ['expectations[0].kind']],
    [
      'columns and bounds that are none',
      [
        { kind: 'range', column: 'y', min: 0 },
        { kind: 'range', column: 'i', min: 'x' },
      ],
      'invalid_request',
      ['expectations[0].column', 'expectations[1].min'],
    ],
    [
      'a column that is none',
      [{ kind: 'not_null', column: 'II' }],
      'unknown_column',
      ['expectations[0].column'],
    ],
    [
      'values of a list',
      [{ kind: 'in_set', column: 'l', values: [1] }],
      'invalid_request',
      ['expectations[0].column'],
    ],
  ])('refuses %s', async (_, expectations, code, problems) => {
    await expect(run(expectations)).rejects.toMatchObject({
      code,
      ...(problems && { details: { problems: problems.map(at => expect.objectContaining({ at })) } }),
    })
  })
})

describe('a compare step', () => {
  it('lets a good figure pass, and refuses another one', async () => {
    expect(await kit.run(compareStep(), { candidate: 40, reference: 50, maxRatio: 1 })).toMatchObject({
      outputs: { ratio: 0.8 },
    })
    expect(await kit.run(compareStep(), { candidate: 51, reference: 50, maxRatio: 1 })).toMatchObject({
      refused: { code: 'gate_refused', details: { candidate: 51, reference: 50, maxRatio: 1 } },
    })
  })
})
