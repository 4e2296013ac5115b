import type { DuckDBDataChunk, DuckDBDateValue, DuckDBTimestampValue, DuckDBValue } from '@duckdb/node-api'
import {
  Bool,
  type Data,
  type DataType,
  DateDay,
  Field,
  Float64,
  Int64,
  makeData,
  RecordBatch,
  Schema,
  Struct,
  Table,
  TimestampMicrosecond,
  Utf8,
} from 'apache-arrow'
import type { Column, ColumnType } from '../../contracts/rest/datasets.js'
import type { Selected } from './read.js'

/** Rows of a record batch, about. */
const BATCH_ROWS = 65_536

const TYPES: Readonly<Record<ColumnType, () => DataType>> = {
  integer: () => new Int64(),
  number: () => new Float64(),
  string: () => new Utf8(),
  boolean: () => new Bool(),
  date: () => new DateDay(),
  // Without a zone, as tables have them.
  timestamp: () => new TimestampMicrosecond(),
}

/** A table of Arrow; values that are missing are null. */
export async function arrowTable({ columns, chunks }: Selected): Promise<Table> {
  const fields = columns.map(column => new Field(column.name, TYPES[column.type](), column.nullable))
  const schema = new Schema(fields)
  const batches: RecordBatch[] = []
  let [held, rows]: [DuckDBDataChunk[], number] = [[], 0]
  const flush = (): void => {
    if (rows === 0) return
    const children = columns.map((column, i) => dataOf(column, held, i, rows))
    const data = makeData({ type: new Struct(fields), length: rows, nullCount: 0, children })
    batches.push(new RecordBatch(schema, data))
    ;[held, rows] = [[], 0]
  }
  for await (const chunk of chunks) {
    held.push(chunk)
    rows += chunk.rowCount
    if (rows >= BATCH_ROWS) flush()
  }
  flush()
  return new Table(schema, batches)
}

function dataOf({ type }: Column, chunks: readonly DuckDBDataChunk[], column: number, length: number): Data {
  const values = chunks.flatMap(chunk => chunk.getColumnValues(column))
  const nullBitmap = bits(values, value => value !== null)
  const nullCount = values.reduce((count: number, value) => (value === null ? count + 1 : count), 0)
  const common = { length, nullCount, nullBitmap }
  switch (type) {
    case 'integer':
      return makeData({
        ...common,
        type: new Int64(),
        data: BigInt64Array.from(values, v => (v as bigint | null) ?? 0n),
      })
    case 'number':
      return makeData({
        ...common,
        type: new Float64(),
        data: Float64Array.from(values, v => (v as number | null) ?? 0),
      })
    case 'boolean':
      return makeData({ ...common, type: new Bool(), data: bits(values, v => v === true) })
    case 'date':
      return makeData({
        ...common,
        type: new DateDay(),
        data: Int32Array.from(values, v => (v as DuckDBDateValue | null)?.days ?? 0),
      })
    case 'timestamp':
      return makeData({
        ...common,
        type: new TimestampMicrosecond(),
        data: BigInt64Array.from(values, v => (v as DuckDBTimestampValue | null)?.micros ?? 0n),
      })
    case 'string': {
      const texts = values.map(value => Buffer.from((value as string | null) ?? ''))
      const valueOffsets = new Int32Array(length + 1)
      for (const [i, each] of texts.entries()) valueOffsets[i + 1] = valueOffsets[i]! + each.length
      return makeData({ ...common, type: new Utf8(), valueOffsets, data: Buffer.concat(texts) })
    }
  }
}

function bits(values: readonly DuckDBValue[], isSet: (value: DuckDBValue) => boolean): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(values.length / 8))
  for (const [i, value] of values.entries()) if (isSet(value)) bytes[i >> 3]! |= 1 << (i & 7)
  return bytes
}
