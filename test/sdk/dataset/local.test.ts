import { execFile } from 'node:child_process'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { tableFromIPC, tableToIPC, Type } from 'apache-arrow'
import { Dataset } from '../../../sdk/index.js'
import { refused } from './refused.js'

const run = promisify(execFile)
const BIKES = fileURLToPath(
  new URL('../../../../examples/bike-sharing/bike-sharing-hour.csv', import.meta.url),
)

describe('local datasets', () => {
  let directory: string
  const open: Dataset[] = []
  const opened = (dataset: Dataset): Dataset => (open.push(dataset), dataset)
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'mlforge-local-'))
  })
  afterAll(async () => {
    await Promise.all(open.map(each => each.close()))
    await rm(directory, { recursive: true, force: true })
  })

  const all = async () =>
    opened(
      await Dataset.fromRows(
        [
          {
            n: 1,
            big: 2n ** 60n,
            x: 0.5,
            s: "it's ä",
            ok: true,
            day: '2012-02-29',
            at: new Date(1.5e12 + 123),
          },
          { n: -2, big: 3, x: Number.NaN, s: '', ok: false, day: null, at: null },
          { big: null, x: Infinity, s: null, ok: null, day: '1969-12-31', at: new Date(-1) },
        ],
        { columns: { day: 'date' } },
      ),
    )

  it('hold what rows hold, as REST would give it', async () => {
    const table = await all()
    expect(table.rows).toBe(3)
    expect([table.name, table.version, table.root]).toEqual([null, null, null])
    // What is declared comes first.
    expect(table.schema).toEqual([
      { name: 'day', type: 'date', nullable: true },
      { name: 'n', type: 'integer', nullable: true },
      { name: 'big', type: 'integer', nullable: true },
      { name: 'x', type: 'number', nullable: false },
      { name: 's', type: 'string', nullable: true },
      { name: 'ok', type: 'boolean', nullable: true },
      { name: 'at', type: 'timestamp', nullable: true },
    ])
    const rows = [
      {
        n: 1,
        big: '1152921504606846976',
        x: 0.5,
        s: "it's ä",
        ok: true,
        day: '2012-02-29',
        at: '2017-07-14T02:40:00.123',
      },
      { n: -2, big: 3, x: 'NaN', s: '', ok: false, day: null, at: null },
      {
        n: null,
        big: null,
        x: 'Infinity',
        s: null,
        ok: null,
        day: '1969-12-31',
        at: '1969-12-31T23:59:59.999',
      },
    ]
    expect(await table.toRows()).toEqual(rows)
    expect(await table.toColumns({ columns: ['s', 'n'] })).toEqual({
      s: ["it's ä", '', null],
      n: [1, -2, null],
    })
    expect(await table.toRows({ where: "day > '2000-01-01'", columns: ['n'] })).toEqual([{ n: 1 }])
    expect(await table.toRows({ limit: 0 })).toEqual([])
  })

  it('become Arrow, also for others to read', async () => {
    const table = await all()
    for (const arrow of [await table.toArrow(), tableFromIPC(tableToIPC(await table.toArrow(), 'file'))]) {
      expect(arrow.schema.fields.map(({ name, typeId, nullable }) => [name, typeId, nullable])).toEqual([
        ['day', Type.Date, true],
        ['n', Type.Int, true],
        ['big', Type.Int, true],
        ['x', Type.Float, false],
        ['s', Type.Utf8, true],
        ['ok', Type.Bool, true],
        ['at', Type.Timestamp, true],
      ])
      const column = (name: string) => [...arrow.getChild(name)!]
      expect(column('n')).toEqual([1n, -2n, null])
      expect(column('big')).toEqual([2n ** 60n, 3n, null])
      expect(column('x')).toEqual([0.5, Number.NaN, Infinity])
      expect(column('s')).toEqual(["it's ä", '', null])
      expect(column('ok')).toEqual([true, false, null])
      expect(column('day')).toEqual([Date.UTC(2012, 1, 29), null, -86_400_000])
      expect(column('at')).toEqual([1.5e12 + 123, null, -1])
      expect(arrow.schema.fields.map(({ type }) => String(type))).toEqual([
        'Date32<DAY>',
        'Int64',
        'Int64',
        'Float64',
        'Utf8',
        'Bool',
        'Timestamp<MICROSECOND>',
      ])
    }
    const empty = await table.toArrow({ limit: 0 })
    expect([empty.numRows, empty.numCols]).toEqual([0, 7])
  })

  it('are read from CSV without a guess at dates, and from Parquet', async () => {
    const csv = opened(await Dataset.fromCsv(BIKES))
    expect(csv.schema.find(({ name }) => name === 'dteday')).toMatchObject({ type: 'string' })
    const declared = opened(
      await Dataset.fromCsv(BIKES, {
        columns: { dteday: { type: 'date', format: '%m/%d/%Y' }, hr: 'number' },
      }),
    )
    expect(declared.rows).toBe(17_379)
    expect(await declared.toRows({ columns: ['dteday', 'hr'], where: 'instant = 8645' })).toEqual([
      { dteday: '2011-12-31', hr: 23 },
    ])
    await refused(
      Dataset.fromCsv(BIKES, { columns: { dteday: { type: 'date', format: '%d/%m/%Y' } } }),
      'query_invalid',
      /could not parse.*%d/i,
    )
    await refused(Dataset.fromCsv(BIKES, { columns: { day: 'date' } }), 'unknown_column', /dteday/)
    await refused(Dataset.fromParquet(join(directory, 'none')), 'not_found', /none/)
    await writeFile(join(directory, 'no.parquet'), 'no Parquet at all')
    await refused(Dataset.fromParquet(join(directory, 'no.parquet')), 'query_invalid', /no\.parquet/)
  })

  it('are of a CSV file all that stands in it, by its first line, and no digit less', async () => {
    const file = join(directory, 'odd.csv')
    const read = async (content: string) => {
      await writeFile(file, content)
      const dataset = opened(await Dataset.fromCsv(file))
      return [dataset.schema.map(({ type }) => type).join(), await dataset.toRows()]
    }
    expect(await read('a;b\n#1,5;1\n2;\n')).toEqual([
      'string,integer',
      [
        { a: '#1,5', b: 1 },
        { a: '2', b: null },
      ],
    ])
    const ids = ['12345678901234567890', '12345678901234567891']
    expect(await read(`id,c,x,h\n${ids[0]},007,1e3,0x1F\n${ids[1]},1,inf,1\n`)).toEqual([
      'string,string,number,string',
      [
        { id: ids[0], c: '007', x: 1000, h: '0x1F' },
        { id: ids[1], c: '1', x: 'Infinity', h: '1' },
      ],
    ])
    expect(await read(`'a','b'\n'x,y',''\n`)).toEqual(['string,string', [{ a: 'x,y', b: null }]])
    expect(await read('"a, ""b""",yes\n"1\n2",true\n')).toEqual([
      'string,boolean',
      [{ 'a, "b"': '1\n2', yes: true }],
    ])
    await refused(read('a,b\n1,2\n3\n4,5,6\n'), 'query_invalid', /Line: 3/)
    await refused(read('a,A\n1,2\n'), 'duplicate_columns', /"A"/)
    await refused(read('a,\n1,2\n'), 'csv_malformed', /Column 2 has no name/)
    await refused(read(''), 'csv_empty', /first line/)
    await writeFile(file, Buffer.from('a\n\xe4\n', 'latin1'))
    await refused(Dataset.fromCsv(file), 'csv_encoding', /not UTF-8/)
    await writeFile(file, 'a\n1.5\n')
    await refused(Dataset.fromCsv(file, { columns: { a: 'integer' } }), 'query_invalid', /"1.5".*no integer/)
  })

  it('may have columns of the names that every object has', async () => {
    const rows = [
      '{"__proto__": 1, "a": 1}',
      '{"constructor": "x", "a": 2}',
      '{"__proto__": 3, "toString": 4}',
    ]
    const table = opened(await Dataset.fromRows(rows.map(row => JSON.parse(row))))
    expect(table.schema.map(({ name, type }) => [name, type])).toEqual([
      ['__proto__', 'integer'],
      ['a', 'integer'],
      ['constructor', 'string'],
      ['toString', 'integer'],
    ])
    expect((await table.toRows()).map(row => Object.values(row))).toEqual([
      [1, 1, null, null],
      [null, 2, 'x', null],
      [3, null, null, 4],
    ])
  })

  it('say what is wrong', async () => {
    await refused(Dataset.fromRows([{ a: 1 }, { a: 'x' }]), 'types_mixed', /"a" holds integer and string/)
    await refused(Dataset.fromRows([{ a: null }]), 'invalid_request', /declare its type/)
    await refused(Dataset.fromRows([{ a: {} as never }]), 'invalid_request', /no value/)
    const twice = Dataset.fromRows([{ Day: 1 }, { day: 2 }])
    await refused(twice, 'duplicate_columns', /"Day" and "day" have one name/)
    await refused(Dataset.fromRows([]), 'invalid_request', /one or more/)
    await refused(Dataset.fromColumns({ a: [1], b: [1, 2] }), 'invalid_request', /b has 2 values/)
    const table = await all()
    await refused(table.toRows({ columns: ['dya'] }), 'unknown_column', /Did you mean "day"\?/)
    await refused(table.toRows({ columns: [] }), 'invalid_request', /columns is empty/)
    await refused(table.toRows({ limit: -1 }), 'invalid_request', /limit/)
    await refused(table.batches({ size: 0 }).next(), 'invalid_request', /size/)
    for (const [where, message] of [
      ['hrr > 1', /"hrr" not found.*Candidate/],
      ['n >', /syntax error/],
      ['n > 1) LIMIT (1', /more than a condition/],
      ['n > 1) UNION SELECT (1', /more than a condition/],
      ['n > 1; DROP VIEW t', /syntax error/],
      ['n > ?', /parameters/],
      ["(SELECT count(*) FROM read_text('/etc/hostname')) > 0", /disabled by configuration|not allowed/],
      ['s::INTEGER = 1', /Could not convert/],
      ['n > 1 -- so', null],
    ] as const) {
      if (message) await refused(table.toRows({ where }), 'query_invalid', message)
      else expect(await table.toRows({ where })).toEqual([])
    }
    await refused(table.validate(), 'wrong_state', /save this table/)
    await refused(table.profile(), 'wrong_state', /save this table/)
  })

  it('leave nothing behind, and end what is being read', async () => {
    const mine = join(directory, 'mine')
    await run('mkdir', [mine])
    const table = await Dataset.fromColumns(
      { i: Array.from({ length: 50_000 }, (_, i) => i) },
      { temporaryDirectory: mine },
    )
    expect(await readdir(mine)).toHaveLength(1)
    const [part, ...rest] = await table.split({ folds: 2, seed: 1 })
    const reading = table.batches({ size: 1000 })
    await reading.next()
    const sorting = table.toRows({ where: 'i IN (SELECT max(i) FROM range(100000000000) r(i))' })
    await part!.test.close()
    expect(await part!.test.toRows({ limit: 1 })).toHaveLength(1)
    await Promise.all([table.close(), refused(sorting, 'wrong_state', /closed/)])
    await table.close()
    expect(await readdir(mine)).toEqual([])
    const behind = async () => {
      for await (const _ of reading);
    }
    await refused(behind(), 'wrong_state', /closed/)
    await refused(rest[0]!.train.toRows(), 'wrong_state', /closed/)
    {
      await using declared = await Dataset.fromColumns({ a: [1] }, { temporaryDirectory: mine })
      expect(await declared.toRows()).toEqual([{ a: 1 }])
    }
    expect(await readdir(mine)).toEqual([])
  })

  it('are read in little memory, and leave nothing where a process ends', async () => {
    const probe = fileURLToPath(new URL('./probes/large.js', import.meta.url))
    const { stdout } = await run(process.execPath, [probe, directory])
    const { rows, tests, bytes, peak } = JSON.parse(stdout) as Record<string, number>
    expect([rows, tests]).toEqual([4_000_000, 800_000])
    expect(bytes!).toBeGreaterThan(250_000_000)
    expect(peak!).toBeLessThan(300_000_000)
    expect((await readdir(directory)).filter(name => name.startsWith('mlforge-dataset-'))).toEqual([])
  })
})
