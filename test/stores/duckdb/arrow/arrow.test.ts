import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { tableFromArrays, tableToIPC } from 'apache-arrow'
import type { DeclaredColumns } from '../../../../domain/datasets/schema.js'
import { type How, ReaderBench } from '../reader-bench.js'
import { OTHERS, TYPED, WRITTEN, written } from './make.js'

const SCRIPT = `
typed = ${TYPED}
write(typed, 'typed')
write(pa.concat_tables([typed, typed, typed.slice(1, 1)]), 'batches')
write(pa.concat_tables([typed, typed]).combine_chunks().slice(1, 4), 'sliced')
others = ${OTHERS}
write(others, 'others')
write(pa.table({'a': pa.array([1, 2, 3]), 'b': pa.array(['x', None, 'z'])}).slice(0, 0), 'none')
n = 120000
write(pa.table({'i': pa.array(range(n)), 'again': pa.array(['the same text, once more'] * n),
  'text': pa.array([f'{(i * 2654435761) % 4294967296:x}' * (i % 7) for i in range(n)]),
  'at': pa.array([i * 1000 for i in range(n)], pa.timestamp('ms')),
  'kind': pa.array([f'kind {i % 300}' for i in range(n)]).dictionary_encode(),
  'gap': pa.array([None if i % 3 == 0 else i / 7 for i in range(n)])}), 'large')
def stream(name, schema, *batches, delta=False):
    options = pa.ipc.IpcWriteOptions(emit_dictionary_deltas=delta)
    with pa.ipc.new_stream(f'{out}-{name}', schema, options=options) as w:
        for batch in batches: w.write_batch(batch)
coded = lambda values, words: pa.record_batch({'v': pa.DictionaryArray.from_arrays(pa.array(values, pa.int8()), pa.array(words))})
one, more, other = coded([0, None, 1], ['x', 'y']), coded([2, 0], ['x', 'y', 'z']), coded([0], ['w'])
stream('delta', one.schema, one, more, delta=True)
stream('replaced', one.schema, one, other)
def single(name, array):
    t = pa.table({'v': array})
    feather.write_feather(t, f'{out}-{name}')
single('duration', pa.array([1500, None], pa.duration('ms')))
single('interval', pa.array([(1, 2, 3000000)], pa.month_day_nano_interval()))
single('binary', pa.array([b'x', None]))
single('uuid', pa.array([b'x' * 16], pa.binary(16)))
single('union', pa.UnionArray.from_sparse(pa.array([0], pa.int8()), [pa.array([1]), pa.array(['x'])]))
single('runs', pa.RunEndEncodedArray.from_arrays(pa.array([2], pa.int32()), pa.array([1])))
single('coded_numbers', pa.array([5, None, 5]).dictionary_encode())
single('coded_null', pa.DictionaryArray.from_arrays(pa.array([1, None, 0], pa.uint8()), pa.array(['p', None])))
single('decimal76', pa.array([D('1.25'), D('-' + '9' * 60)], pa.decimal256(76, 2)))
single('words', pa.array(['a\\tb', 'é', '']))
single('null_character', pa.array(['a\\0b', 'c']))
pq.write_table(pa.table({'v': pa.array([D('1.25')], pa.decimal256(50, 2))}), f'{out}-decimal50.parquet')
twice = pa.table([pa.array([1]), pa.array([2])], names=['a', 'A'])
feather.write_feather(twice.rename_columns(['a', 'A']), f'{out}-twice')
feather.write_feather(pa.table([pa.array([1])], names=['']), f'{out}-nameless')
`

const TEXT: DeclaredColumns = Object.fromEntries(
  ['list', 'large_list', 'fixed', 'struct', 'map', 'deep', 'time', 'seconds'].map(column => [
    column,
    { type: 'string' },
  ]),
)

describe('Arrow, as pyarrow writes it', () => {
  let bench: ReaderBench
  let file: (name: string) => Promise<Uint8Array>
  beforeAll(async () => {
    bench = await ReaderBench.start()
    file = await written(bench.place('table'), SCRIPT)
  })
  afterAll(() => bench?.stop())

  const read = async (name: string, how: How = {}) => bench.read(await file(name), how)

  it.each([
    ['of every type', 'typed', {}],
    ['of several batches', 'batches', {}],
    ['of a part', 'sliced', {}],
    ['of nested values, as text', 'others', TEXT],
    ['of many rows', 'large', {}],
  ])('is the same table as its Parquet: %s', async (_, name, declared) => {
    const parquet = await read(`-${name}.parquet`, { declared })
    for (const form of WRITTEN) {
      const arrow = await read(`-${name}-${form}`, { declared })
      expect(arrow.rows).toEqual(parquet.rows)
      expect(arrow.schema).toEqual(parquet.schema)
      expect(arrow.conversion).toEqual({ ...parquet.conversion, format: 'arrow' })
      // Byte for byte: so its statistics are the same too.
      expect((await readFile(arrow.out)).equals(await readFile(parquet.out))).toBe(true)
    }
  })

  it('has dictionaries that grow, and that are replaced', async () => {
    const values = async (name: string) => (await read(name)).rows.map(({ v }) => v)
    expect(await values('-delta')).toEqual(['x', null, 'y', 'z', 'x'])
    expect(await values('-replaced')).toEqual(['x', null, 'y', 'w'])
    expect(await values('-coded_numbers')).toEqual([5, null, 5])
    expect(await values('-coded_null')).toEqual([null, null, 'p'])
  })

  it('is read by the footer of a file, whatever else is between its messages', async () => {
    const rows = [
      { n: 1.5, s: 'x' },
      { n: 2, s: 'y' },
    ]
    const ofJavaScript = tableFromArrays({ n: rows.map(({ n }) => n), s: rows.map(({ s }) => s) })
    for (const form of ['file', 'stream'] as const) {
      expect((await bench.read(tableToIPC(ofJavaScript, form))).rows).toEqual(rows)
    }
    // Polars puts the schema there without its frame.
    const unframed = Buffer.from(await file('-typed-lz4')).fill(0, 8, 16)
    expect((await bench.read(unframed)).rows).toEqual((await read('-typed-lz4')).rows)
  })

  it('keeps texts as they are, and decimals of any number of digits as numbers', async () => {
    expect((await read('-words')).rows.map(({ v }) => v)).toEqual(['a\tb', 'é', ''])
    expect((await read('-decimal76')).rows.map(({ v }) => v)).toEqual([1.25, -1e60])
    await expect(read('-decimal50.parquet')).rejects.toMatchObject({
      code: 'type_unsupported',
      message: expect.stringMatching(/Column v is a decimal of 50 digits/),
    })
  })

  it.each<[string, string, string, RegExp]>([
    ['nested values', '-others-lz4', 'nested_values', /Column list is INTEGER\[\].*type: string/],
    ['durations', '-duration', 'type_unsupported', /Column v is INTERVAL.*type: string/],
    ['intervals', '-interval', 'type_unsupported', /Column v is INTERVAL/],
    ['bytes', '-binary', 'type_unsupported', /Column v is BLOB.*Leave it out/],
    ['bytes of one length', '-uuid', 'type_unsupported', /Column v is BLOB/],
    ['unions', '-union', 'type_unsupported', /Column v is SparseUnion|Column v is Union/],
    ['runs', '-runs', 'type_unsupported', /RunEndEncoded/],
    ['no rows', '-none-lz4', 'no_rows', /no rows/],
    ['no rows in a stream', '-none-stream', 'no_rows', /no rows/],
    ['a null character', '-null_character', 'value_not_of_type', /"a.u0000b" is no string/],
    ['a column twice', '-twice', 'duplicate_columns', /column "A"/],
    ['a column without a name', '-nameless', 'arrow_malformed', /column 1 has no name/],
  ])('is refused with %s', async (_, name, code, message) => {
    await expect(read(name)).rejects.toMatchObject({ code, message: expect.stringMatching(message) })
  })

  it('names all columns that are no types of a table, as Parquet does', async () => {
    const problems = (name: string) =>
      read(name).then(
        () => [],
        (error: { details: { problems: unknown } }) => error.details.problems,
      )
    expect(await problems('-others-stream')).toEqual(await problems('-others.parquet'))
    expect(await problems('-others.parquet')).toHaveLength(8)
  })

  it('keeps times and intervals as text where they are declared so', async () => {
    const declared: DeclaredColumns = { v: { type: 'string' } }
    expect((await read('-duration', { declared })).rows).toEqual([{ v: '00:00:01.5' }, { v: null }])
    expect((await read('-interval', { declared })).rows).toEqual([{ v: '1 month 2 days 00:00:00.003' }])
  })

  it('reads a next version of another format by the schema of the last, and the other way round', async () => {
    const { schema: previous, rows } = await read('-typed-lz4')
    expect((await read('-typed.parquet', { previous })).rows).toEqual(rows)
    const csv = await bench.read('v\n1\n2\n')
    await expect(read('-words', { previous: csv.schema })).rejects.toMatchObject({ code: 'schema_changed' })
    expect((await read('-coded_numbers', { previous: csv.schema })).rows).toHaveLength(3)
    const numbers = (await read('-coded_numbers')).schema
    expect((await bench.read('{"v":7}\n', { previous: numbers })).rows).toEqual([{ v: 7 }])
  })

  it('puts rows aside whose values are of no type that is declared', async () => {
    const aside = bench.place('aside.jsonl')
    const { rows, quarantined } = await read('-typed-zstd', {
      declared: { f32: { type: 'integer' } },
      quarantine: { allowed: { maxRows: 10, maxShare: 0.7 }, file: aside },
    })
    expect([rows.length, quarantined]).toEqual([1, 2])
    const [line] = (await readFile(aside, 'utf8')).split('\n')
    expect(JSON.parse(line!)).toMatchObject({ row: 1, line: null, problems: [{ column: 'f32' }] })
  })
})
