import {
  DuckDBIntervalValue,
  DuckDBTimestampNanosecondsValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  DuckDBTimeValue,
  type DuckDBValue,
} from '@duckdb/node-api'
import {
  type DataType,
  type Duration,
  type Interval,
  IntervalUnit,
  type Time,
  type Timestamp,
  TimeUnit,
  Type,
} from 'apache-arrow'
import { assertBytes, bigints, integers } from './buffers.js'
import type { BatchParts } from './parts.js'

/** Microseconds of a unit; nanoseconds are cut. */
const MICROS = {
  [TimeUnit.SECOND]: 1_000_000n,
  [TimeUnit.MILLISECOND]: 1_000n,
  [TimeUnit.MICROSECOND]: 1n,
} as const
const NANOS = 1_000n
const DAY_MICROS = 86_400_000_000n

type Getter = (row: number) => DuckDBValue

function micros(value: bigint, unit: TimeUnit): bigint {
  if (unit === TimeUnit.NANOSECOND) return value / NANOS
  const found = value * MICROS[unit]
  if (BigInt.asIntN(64, found) !== found)
    throw new RangeError('a time past what 64 bits of microseconds hold')
  return found
}

export function instants(parts: BatchParts, length: number, type: DataType): Getter {
  const { unit, timezone } = type as Timestamp
  const values = bigints(parts.nextBuffer(), length)
  if (timezone) return row => new DuckDBTimestampTZValue(micros(values[row]!, unit))
  return unit === TimeUnit.NANOSECOND
    ? row => new DuckDBTimestampNanosecondsValue(values[row]!)
    : row => new DuckDBTimestampValue(micros(values[row]!, unit))
}

export function times(parts: BatchParts, length: number, type: DataType): Getter {
  const { unit, bitWidth } = type as Time
  const values = integers(parts, length, { bitWidth, isSigned: true })
  return row => {
    const value = micros(BigInt(values(row)), unit)
    if (value < 0n || value > DAY_MICROS) throw new RangeError('a time that no day has')
    return new DuckDBTimeValue(value)
  }
}

/** Intervals, and durations, which are intervals of nothing but time. */
export function intervals(parts: BatchParts, length: number, type: DataType): Getter {
  if (type.typeId === Type.Duration) {
    const values = bigints(parts.nextBuffer(), length)
    return row => new DuckDBIntervalValue(0, 0, micros(values[row]!, (type as Duration).unit))
  }
  const bytes = parts.nextBuffer()
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const each = { [IntervalUnit.YEAR_MONTH]: 4, [IntervalUnit.DAY_TIME]: 8, [IntervalUnit.MONTH_DAY_NANO]: 16 }
  const { unit } = type as Interval
  assertBytes(bytes, length * each[unit])
  return row => {
    const at = row * each[unit]
    const first = view.getInt32(at, true)
    if (unit === IntervalUnit.YEAR_MONTH) return new DuckDBIntervalValue(first, 0, 0n)
    const second = view.getInt32(at + 4, true)
    if (unit === IntervalUnit.DAY_TIME) return new DuckDBIntervalValue(0, first, BigInt(second) * 1_000n)
    return new DuckDBIntervalValue(first, second, view.getBigInt64(at + 8, true) / NANOS)
  }
}
