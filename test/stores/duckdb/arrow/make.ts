import { readFile } from 'node:fs/promises'
import { pandas } from '../../../support/pandas.js'

const HEAD = `import datetime, decimal, json, sys
import pyarrow as pa, pyarrow.feather as feather, pyarrow.parquet as pq
D, date, moment, out = decimal.Decimal, datetime.date, datetime.datetime, sys.argv[1]
def write(t, name):
    pq.write_table(t, f'{out}-{name}.parquet')
    for codec in ['lz4', 'zstd', 'uncompressed']:
        feather.write_feather(t, f'{out}-{name}-{codec}', compression=codec, chunksize=50000)
    with pa.ipc.new_stream(f'{out}-{name}-stream', t.schema) as w:
        w.write_table(t, max_chunksize=2 if t.num_rows < 100 else 30000)
`

/** How a table is written beside Parquet. */
export const WRITTEN = ['lz4', 'zstd', 'uncompressed', 'stream'] as const

/** Runs a script with pyarrow that calls `write(table, name)`, or writes to `{out}-{name}`. */
export async function written(out: string, script: string): Promise<(name: string) => Promise<Uint8Array>> {
  await pandas(`${HEAD}${script}\nprint(json.dumps({}))`, out)
  return name => readFile(`${out}${name}`)
}

/** Every type of Arrow that a column of a table is made of, with missing values and the edges of each. */
export const TYPED = `pa.table({
  'i8': pa.array([1, -128, None], pa.int8()), 'u8': pa.array([1, None, 255], pa.uint8()),
  'i16': pa.array([1, None, -2**15], pa.int16()), 'u16': pa.array([1, None, 2**16-1], pa.uint16()),
  'i32': pa.array([1, None, -2**31], pa.int32()), 'u32': pa.array([1, None, 2**32-1], pa.uint32()),
  'i64': pa.array([-2**63, 2**63-1, None], pa.int64()), 'u64': pa.array([1, None, 2**63-1], pa.uint64()),
  'f16': pa.array([1.5, None, -65504.0], pa.float16()), 'tiny': pa.array([2**-24, None, float('-inf')], pa.float16()),
  'f32': pa.array([0.1, None, -1e30], pa.float32()), 'f64': pa.array([0.1, None, float('inf')]),
  'whole': pa.array([1.0, 2.0, 3.0]),
  'dec32': pa.array([D('1.25'), None, D('-3')], pa.decimal128(9, 2)),
  'dec': pa.array([D('1.25'), None, D('-9999999.99')], pa.decimal128(18, 2)),
  'dec38': pa.array([D('1.25'), None, D('-3')], pa.decimal128(38, 30)),
  'dec256': pa.array([D('1.25'), None, D('-3')], pa.decimal256(30, 3)),
  'b': pa.array([True, None, False]), 's': pa.array(['Zoë', '', None]),
  'large': pa.array(['a', None, 'x' * 40], pa.large_string()),
  'viewed': pa.array(['short', None, 'a longer text than twelve'], pa.string_view()),
  'coded': pa.array(['x', 'y', None]).dictionary_encode(),
  'small': pa.DictionaryArray.from_arrays(pa.array([1, None, 0], pa.uint8()), pa.array(['p', 'q'], pa.large_string())),
  'd32': pa.array([date(1969, 12, 31), None, date(2012, 2, 29)], pa.date32()),
  'd64': pa.array([date(1969, 12, 30), None, date(2012, 2, 29)], pa.date64()),
  'ts_s': pa.array([-1, None, 5], pa.timestamp('s')), 'ts_ms': pa.array([-1, None, 5], pa.timestamp('ms')),
  'ts_us': pa.array([-1, None, 5], pa.timestamp('us')), 'ts_ns': pa.array([-1001, None, 1001], pa.timestamp('ns')),
  'tz_s': pa.array([-1, None, 5], pa.timestamp('s', 'Europe/Berlin')),
  'tz_us': pa.array([-1, None, 5], pa.timestamp('us', '+02:00')),
  'tz_ns': pa.array([-1001, None, 1001], pa.timestamp('ns', 'UTC')),
  'nothing': pa.nulls(3)})`

/** Columns that are read only where they are declared to be text. */
export const OTHERS = `pa.table({
  'list': pa.array([[1, None], None, []], pa.list_(pa.int32())),
  'large_list': pa.array([['x'], [], None], pa.large_list(pa.string())),
  'fixed': pa.array([[1, 2], None, [3, 4]], pa.list_(pa.int32(), 2)),
  'struct': pa.array([{'a': 1, 'b': 'x'}, None, {'a': None, 'b': 'y'}]),
  'map': pa.array([[('k', 1)], None, []], pa.map_(pa.string(), pa.int64())),
  'deep': pa.array([[{'a': [1.5]}], [], None]),
  'time': pa.array([1, None, 86399999999999], pa.time64('ns')), 'seconds': pa.array([1, None, 86399], pa.time32('s'))})`
