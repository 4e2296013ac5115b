import {
  DuckDBDateValue,
  DuckDBDecimalValue,
  DuckDBListValue,
  DuckDBMapValue,
  DuckDBStructValue,
  type DuckDBValue,
} from '@duckdb/node-api'
import {
  type DataType,
  type Date_,
  DateUnit,
  type Decimal,
  type Dictionary,
  type Field,
  type FixedSizeList,
  type Float,
  type Int,
  Precision,
  Type,
} from 'apache-arrow'
import {
  assertBytes,
  bigints,
  type Bits,
  bitsOf,
  floats,
  halves,
  integers,
  offsetsOf,
  validity,
  wideIntegers,
} from './buffers.js'
import type { BatchParts } from './parts.js'
import { instants, intervals, times } from './times.js'
import { isExact } from './types.js'

/** The values of a column in one batch; null where one is missing. */
export interface Column {
  readonly length: number
  readonly get: (row: number) => DuckDBValue
}

/** Values that other columns point into, by the number of their dictionary. */
export type Dictionaries = ReadonlyMap<number, Column>

const DAY_MS = 86_400_000n
const VIEW_BYTES = 16
const INLINE_BYTES = 12

/**
 * Reads the next column of a batch (Apache Arrow columnar format, "Physical Memory Layout").
 * @throws RangeError, TypeError where its parts do not fit together; then, or when a value is got
 */
export function readColumn(type: DataType, parts: BatchParts, dictionaries: Dictionaries): Column {
  const { length, nullCount } = parts.nextNode()
  if (type.typeId === Type.Null) return { length, get: () => null }
  const valid = validity(parts, length, nullCount)
  const get = getterOf(type, length, parts, dictionaries)
  return { length, get: valid ? row => (valid(row) ? get(row) : null) : get }
}

function getterOf(
  type: DataType,
  length: number,
  parts: BatchParts,
  dictionaries: Dictionaries,
): Column['get'] {
  const children = type.children as Field[]
  const child = (at = 0): Column => readColumn(children[at]!.type as DataType, parts, dictionaries)
  switch (type.typeId) {
    case Type.Int:
      return integers(parts, length, type as Int)
    case Type.Float: {
      const { precision } = type as Float
      return precision === Precision.HALF ? halves(parts, length) : floats(parts, length, precision)
    }
    case Type.Decimal:
      return decimals(parts, length, type as Decimal)
    case Type.Bool: {
      const bits: Bits = bitsOf(parts.nextBuffer(), length)
      return row => bits(row)
    }
    case Type.Utf8:
    case Type.LargeUtf8:
      return texts(parts, length, type.typeId === Type.LargeUtf8)
    case Type.Utf8View:
      return viewedTexts(parts, length)
    case Type.Binary:
    case Type.LargeBinary:
      return nothing(parts, 2)
    case Type.FixedSizeBinary:
      return nothing(parts, 1)
    case Type.BinaryView:
      return nothing(parts, 1 + parts.nextVariadicCount())
    case Type.Date:
      return dates(parts, length, type as Date_)
    case Type.Time:
      return times(parts, length, type)
    case Type.Timestamp:
      return instants(parts, length, type)
    case Type.Duration:
    case Type.Interval:
      return intervals(parts, length, type)
    case Type.List:
    case Type.LargeList: {
      const offsets = offsetsOf(parts.nextBuffer(), length, type.typeId === Type.LargeList)
      return lists(child(), row => [offsets[row]!, offsets[row + 1]!], offsets[length]!)
    }
    case Type.FixedSizeList: {
      const { listSize } = type as FixedSizeList
      if (listSize < 0) throw new RangeError('a list of negative length')
      return lists(child(), row => [row * listSize, (row + 1) * listSize], length * listSize)
    }
    case Type.Map: {
      const offsets = offsetsOf(parts.nextBuffer(), length, false)
      const entries = lists(child(), row => [offsets[row]!, offsets[row + 1]!], offsets[length]!)
      return row => mapOf(entries(row) as DuckDBListValue)
    }
    case Type.Struct: {
      const columns = children.map((field, at) => [field.name, child(at)] as const)
      if (columns.some(([, column]) => column.length < length))
        throw new RangeError('a part that is too short')
      return row =>
        new DuckDBStructValue(Object.fromEntries(columns.map(([name, { get }]) => [name, get(row)])))
    }
    case Type.Dictionary:
      return pointed(parts, length, type as Dictionary, dictionaries)
    default:
      throw new TypeError(`values of ${String(type)}`)
  }
}

/** Bytes are no values of a table, whatever they are declared: they are not looked at. */
function nothing(parts: BatchParts, buffers: number): Column['get'] {
  for (let i = 0; i < buffers; i++) parts.skipBuffer()
  return () => null
}

function decimals(parts: BatchParts, length: number, type: Decimal): Column['get'] {
  const { precision, scale, bitWidth } = type
  const values = wideIntegers(parts.nextBuffer(), length, bitWidth)
  if (!isExact(type)) return row => Number(`${values(row)}e${-scale}`)
  const bound = 10n ** BigInt(precision)
  return row => {
    const value = values(row)
    if (value >= bound || value <= -bound) throw new RangeError(`a decimal of more than ${precision} digits`)
    return new DuckDBDecimalValue(value, precision, scale)
  }
}

function dates(parts: BatchParts, length: number, { unit }: Date_): Column['get'] {
  if (unit === DateUnit.DAY) {
    const days = integers(parts, length, { bitWidth: 32, isSigned: true })
    return row => new DuckDBDateValue(days(row) as number)
  }
  const millis = bigints(parts.nextBuffer(), length)
  return row => {
    const value = millis[row]!
    const day = value / DAY_MS - (value % DAY_MS < 0n ? 1n : 0n)
    if (BigInt.asIntN(32, day) !== day) throw new RangeError('a date past what 32 bits of days hold')
    return new DuckDBDateValue(Number(day))
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function texts(parts: BatchParts, length: number, isLarge: boolean): Column['get'] {
  const offsets = offsetsOf(parts.nextBuffer(), length, isLarge)
  const data = parts.nextBuffer()
  if (offsets[length]! > data.length) throw new RangeError('a text past the end of its column')
  return row => utf8.decode(data.subarray(offsets[row]!, offsets[row + 1]!))
}

function viewedTexts(parts: BatchParts, length: number): Column['get'] {
  const bytes = parts.nextBuffer()
  assertBytes(bytes, length * VIEW_BYTES)
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  const buffers = Array.from({ length: parts.nextVariadicCount() }, () => parts.nextBuffer())
  return row => {
    const at = row * VIEW_BYTES
    const size = view.getInt32(at, true)
    if (size < 0) throw new RangeError('a text of negative length')
    if (size <= INLINE_BYTES) return utf8.decode(bytes.subarray(at + 4, at + 4 + size))
    const data = buffers[view.getInt32(at + 8, true)]
    const from = view.getInt32(at + 12, true)
    if (!data || from < 0 || from + size > data.length)
      throw new RangeError('a text past the end of its column')
    return utf8.decode(data.subarray(from, from + size))
  }
}

function lists(
  child: Column,
  bounds: (row: number) => readonly [number, number],
  end: number,
): Column['get'] {
  if (end > child.length) throw new RangeError('a list past the end of its values')
  return row => {
    const [from, to] = bounds(row)
    return new DuckDBListValue(Array.from({ length: to - from }, (_, i) => child.get(from + i)))
  }
}

function mapOf({ items }: DuckDBListValue): DuckDBMapValue {
  return new DuckDBMapValue(
    items.map(item => {
      const [key, value] = Object.values((item as DuckDBStructValue).entries)
      return { key: key!, value: value! }
    }),
  )
}

function pointed(
  parts: BatchParts,
  length: number,
  { id, indices }: Dictionary,
  dictionaries: Dictionaries,
): Column['get'] {
  const at = integers(parts, length, indices as Int)
  const values = dictionaries.get(id)
  if (!values) throw new RangeError('a dictionary that is not there')
  return row => {
    const index = Number(at(row))
    if (index < 0 || index >= values.length) throw new RangeError('a value past the end of its dictionary')
    return values.get(index)
  }
}
