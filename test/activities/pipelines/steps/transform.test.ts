import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { transformStep } from '../../../../activities/pipelines/steps/transform.js'
import type { TableValue } from '../../../../domain/pipelines/values.js'
import { type JsonRow, withDuckDb } from '../../../../stores/duckdb/duckdb.js'
import { errorOf, StepKit } from '../step-kit.js'

let kit: StepKit
let hours: TableValue
beforeAll(async () => {
  kit = await StepKit.create()
  hours = await kit.table(`SELECT i AS hr, i % 2 = 0 AS even, CASE WHEN i = 3 THEN NULL ELSE i / 2 END AS x,
    CASE WHEN i = 4 THEN 'NaN'::DOUBLE ELSE i * 10 END AS y, 'h' || i AS name FROM range(6) t(i)`)
})
afterAll(() => kit.remove())

const run = (operations: unknown, table = hours) => kit.run(transformStep(kit), { table, operations })

async function rows(operations: unknown, table = hours): Promise<JsonRow[]> {
  const result = await run(operations, table)
  if (!('outputs' in result)) throw new Error(JSON.stringify(result))
  const made = result.outputs['table'] as unknown as TableValue
  const file = await kit.objects.toFile(made.uri, kit.directory)
  const found = await withDuckDb({ threads: 1 }, db => db.query(`SELECT * FROM read_parquet('${file}')`))
  expect(result.outputs['rows']).toBe(found.length)
  expect(made.rows).toBe(found.length)
  return found
}
const column = async (name: string, operations: unknown, table = hours) =>
  (await rows(operations, table)).map(row => row[name])

describe('a transform step', () => {
  it('does its operations in their order, each on what the one before has left', async () => {
    const operations = [
      { kind: 'filter', where: 'hr > 0 -- the first is none' },
      { kind: 'derive', columns: { twice: 'hr * 2', x: 'x + 1' } },
      { kind: 'rename', columns: { twice: 'hr', hr: 'hour' } },
      { kind: 'filter', where: 'hr <= 8' },
      { kind: 'fillNull', values: { x: -1 } },
      { kind: 'cast', columns: { hr: 'string', even: 'integer' } },
      { kind: 'sort', by: [{ column: 'hour', order: 'desc' }] },
      { kind: 'drop', columns: ['y', 'name'] },
      { kind: 'select', columns: ['hr', 'x', 'even'] },
    ]
    expect(await rows(operations)).toEqual([
      { hr: '8', x: 3, even: 1 },
      { hr: '6', x: -1, even: 0 },
      { hr: '4', x: 2, even: 1 },
      { hr: '2', x: 1.5, even: 0 },
    ])
    expect(await run(operations)).toMatchObject({
      outputs: { columns: ['hr', 'x', 'even'] },
      lines: ['6 rows, after 9 operations 4 rows of 3 columns'],
    })
  })

  it('clips numbers, and leaves what is none', async () => {
    const operations = [{ kind: 'clip', columns: { x: { min: 0.5, max: 2 }, y: { max: 20 } } }]
    expect(await column('x', operations)).toEqual([0.5, 0.5, 1, null, 2, 2])
    expect(await column('y', operations)).toEqual([0, 10, 20, 20, 'NaN', 20])
  })

  it('keeps the first of equal rows, in the order of the table', async () => {
    const operations = [
      { kind: 'sort', by: [{ column: 'hr', order: 'desc' }] },
      { kind: 'distinct', columns: ['even'] },
    ]
    expect(await column('hr', operations)).toEqual([5, 4])
    const same = await kit.table('SELECT i // 2 AS row, NULL AS n FROM range(6) t(i) ORDER BY i DESC')
    expect(await rows([{ kind: 'distinct' }], same)).toEqual([2, 1, 0].map(row => ({ row, n: null })))
  })

  it('takes the same sample for the same seed, and about as many rows as asked', async () => {
    const many = await kit.table('SELECT i FROM range(20000) t(i)')
    const sample = (more: object) => column('i', [{ kind: 'sample', ...more }], many)
    const one = await sample({ fraction: 0.25, seed: 7 })
    // Binomial: 5,000 with a standard deviation of 61.
    expect(one.length).toBeGreaterThan(4700)
    expect(one.length).toBeLessThan(5300)
    expect(await sample({ fraction: 0.25, seed: 7 })).toEqual(one)
    expect(await sample({ fraction: 0.25 })).not.toEqual(one)
    expect(await sample({ fraction: 1 })).toHaveLength(20_000)
    const smaller = new Set(await sample({ fraction: 0.1, seed: 7 }))
    expect([...smaller].every(i => one.includes(i))).toBe(true)
  })

  it('gives the same object for the same table', async () => {
    const operations = [
      { kind: 'filter', where: 'even' },
      { kind: 'limit', rows: 2 },
    ]
    const [one, two] = [await run(operations), await run(operations)]
    expect('outputs' in one && one.outputs).toEqual('outputs' in two && two.outputs)
    expect(await rows([{ kind: 'limit', rows: 0 }])).toEqual([])
  })

  it('takes any name of a column', async () => {
    const odd = `a "b" 'c'; --`
    expect(
      await rows([
        { kind: 'rename', columns: { hr: odd } },
        { kind: 'select', columns: [odd] },
      ]),
    ).toHaveLength(6)
  })

  it('tells all columns that are not there, with the nearest', async () => {
    const operations = [
      { kind: 'drop', columns: ['even', 'nmae'] },
      { kind: 'sort', by: ['hr', { column: 'even' }] },
      { kind: 'clip', columns: { Hr: { min: 0 } } },
      { kind: 'rename', columns: { x: 'Y' } },
    ]
    expect(await errorOf(run(operations))).toMatchObject({
      code: 'step_input_invalid',
      details: {
        problems: [
          { at: 'operations[0].columns[1]', message: 'There is no column "nmae" here. Did you mean "name"?' },
          { at: 'operations[1].by[1].column', message: expect.stringContaining('"even"') },
          { at: 'operations[2].columns.Hr', message: expect.stringContaining('Did you mean "hr"?') },
          { at: 'operations[3].columns.x', message: 'There would be two columns "Y".' },
        ],
      },
    })
    expect(await errorOf(run([{ kind: 'drop', columns: ['hr', 'even', 'x', 'y', 'name'] }]))).toMatchObject({
      details: { problems: [{ message: 'No column would be left.' }] },
    })
  })

  it('tells all expressions that are none', async () => {
    const operations = [
      { kind: 'filter', where: 'hrr > 1' },
      { kind: 'derive', columns: { a: 'hr +', b: '1) FROM t WHERE (true', c: 'hr / 2', d: '? + 1' } },
      { kind: 'filter', where: 'a IS NULL AND c > 0' },
      { kind: 'clip', columns: { name: { min: 0 } } },
      { kind: 'derive', columns: { e: "read_text('/etc/passwd')", f: 'sum(hr)' } },
    ]
    const error = (await errorOf(run(operations))) as {
      details: { problems: { at: string; message: string }[] }
    }
    expect(error).toMatchObject({ code: 'step_input_invalid' })
    expect(error.details.problems.map(({ at }) => at)).toEqual([
      'operations[0].where',
      'operations[1].columns.a',
      'operations[1].columns.b',
      'operations[1].columns.d',
      'operations[3].columns.name',
      'operations[4].columns.e',
      'operations[4].columns.f',
    ])
    expect(error.details.problems[0]!.message).toContain('"hrr" not found')
    expect(error.details.problems[2]!.message).toBe('It must be one expression of SQL.')
  })

  it('sees no file and no setting', async () => {
    const steal = `(SELECT content FROM read_text('/etc/hostname'))`
    expect(await errorOf(run([{ kind: 'derive', columns: { a: steal } }]))).toMatchObject({
      code: 'step_input_invalid',
      details: { problems: [{ message: expect.stringContaining('disabled') }] },
    })
  })

  it('is refused for good where a value cannot be cast', async () => {
    expect(await errorOf(run([{ kind: 'cast', columns: { name: 'integer' } }]))).toMatchObject({
      code: 'query_invalid',
      message: expect.stringContaining("'h0'"),
    })
  })

  it.each<[string, unknown, string[]]>([
    ['no list', 'filter', ['operations']],
    ['an empty list', [], ['operations']],
    [
      'an operation that is none',
      [{ kind: 'filtre', where: 'x' }, 5, {}],
      ['operations[0].kind', 'operations[1]', 'operations[2]'],
    ],
    [
      'values of other types',
      [
        { kind: 'select', columns: [] },
        { kind: 'drop', columns: ['a', 'a', 3] },
        { kind: 'cast', columns: { a: 'int' } },
        { kind: 'clip', columns: { a: {}, b: { min: 2, max: 1 }, c: { least: 1 } } },
        { kind: 'sort', by: [{ column: 'a', order: 'down' }] },
        { kind: 'sample', fraction: 0, seed: 1.5 },
        { kind: 'limit' },
        { kind: 'fillNull', values: { a: null }, value: 1 },
      ],
      [
        'operations[0].columns',
        'operations[1].columns[1]',
        'operations[1].columns[2]',
        'operations[2].columns.a',
        'operations[3].columns.a',
        'operations[3].columns.b',
        'operations[3].columns.c.least',
        'operations[4].by[0].order',
        'operations[5].fraction',
        'operations[5].seed',
        'operations[6].rows',
        'operations[7].value',
        'operations[7].values.a',
      ],
    ],
  ])('refuses %s, all of it at once', async (_, operations, places) => {
    expect(await errorOf(run(operations))).toMatchObject({
      code: 'step_input_invalid',
      details: { problems: places.map(at => expect.objectContaining({ at })) },
    })
  })
})
