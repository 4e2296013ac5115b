import {
  BIGINT,
  BLOB,
  BOOLEAN,
  DATE,
  DECIMAL,
  DOUBLE,
  type DuckDBType,
  FLOAT,
  INTEGER,
  INTERVAL,
  LIST,
  MAP,
  SMALLINT,
  STRUCT,
  TIME,
  TIMESTAMP,
  TIMESTAMP_NS,
  TIMESTAMPTZ,
  TINYINT,
  UBIGINT,
  UINTEGER,
  USMALLINT,
  UTINYINT,
  VARCHAR,
} from '@duckdb/node-api'
import {
  type DataType,
  type Decimal,
  type Dictionary,
  type Field,
  type Float,
  type Int,
  Precision,
  TimeUnit,
  type Timestamp,
  Type,
} from 'apache-arrow'
import { MlforgeError } from '../../../domain/errors.js'
import { MAX_DIGITS } from '../parquet-sql.js'

const SIGNED = { 8: TINYINT, 16: SMALLINT, 32: INTEGER, 64: BIGINT } as const
const UNSIGNED = { 8: UTINYINT, 16: USMALLINT, 32: UINTEGER, 64: UBIGINT } as const
const FLOATS = {
  [Precision.HALF]: FLOAT,
  [Precision.SINGLE]: FLOAT,
  [Precision.DOUBLE]: DOUBLE,
} as const

/**
 * The type of DuckDB that keeps the values of a column: the one that DuckDB gives to the same column of a Parquet file.
 * @throws MlforgeError type_unsupported
 */
export function duckDbType(column: string, type: DataType): DuckDBType {
  const inner = (field: Field | undefined): DuckDBType => {
    if (!field) throw new RangeError(`column "${column}" has a type without its parts`)
    return duckDbType(column, field.type as DataType)
  }
  const children = type.children as Field[] | null
  switch (type.typeId) {
    case Type.Null:
      return INTEGER
    case Type.Int: {
      const { isSigned, bitWidth } = type as Int
      return known((isSigned ? SIGNED : UNSIGNED)[bitWidth], `integers of ${bitWidth} bits`)
    }
    case Type.Float: {
      const { precision } = type as Float
      return known(FLOATS[precision], `floats of precision ${precision}`)
    }
    case Type.Decimal:
      return isExact(type as Decimal) ? DECIMAL((type as Decimal).precision, (type as Decimal).scale) : DOUBLE
    case Type.Bool:
      return BOOLEAN
    case Type.Utf8:
    case Type.LargeUtf8:
    case Type.Utf8View:
      return VARCHAR
    case Type.Binary:
    case Type.LargeBinary:
    case Type.BinaryView:
    case Type.FixedSizeBinary:
      return BLOB
    case Type.Date:
      return DATE
    case Type.Time:
      return TIME
    case Type.Timestamp: {
      const { timezone, unit } = type as Timestamp
      if (timezone) return TIMESTAMPTZ
      return unit === TimeUnit.NANOSECOND ? TIMESTAMP_NS : TIMESTAMP
    }
    case Type.Duration:
    case Type.Interval:
      return INTERVAL
    case Type.List:
    case Type.LargeList:
    case Type.FixedSizeList:
      return LIST(inner(children?.[0]))
    case Type.Struct:
      return STRUCT(
        Object.fromEntries(parts(column, children ?? []).map(field => [field.name, inner(field)])),
      )
    case Type.Map: {
      const [key, value] = (children?.[0]?.type as DataType | undefined)?.children ?? []
      return MAP(inner(key), inner(value))
    }
    case Type.Dictionary:
      return duckDbType(column, (type as Dictionary).dictionary as DataType)
    default:
      throw unread(`Column ${column} is ${String(type)}`)
  }
}

function known(type: DuckDBType | undefined, what: string): DuckDBType {
  if (!type) throw new RangeError(`it has ${what}`)
  return type
}

function parts(column: string, fields: readonly Field[]): readonly Field[] {
  const names = new Set(fields.map(({ name }) => name.toLowerCase()))
  if (names.size === fields.length && names.size > 0 && !names.has('')) return fields
  throw unread(`Column ${column} is a structure whose parts have no names of their own`)
}

/** Whether decimals of a type are those of DuckDB too; others become doubles. */
export function isExact({ precision, scale }: Decimal): boolean {
  return precision > 0 && precision <= MAX_DIGITS && scale >= 0 && scale <= precision
}

/** The refusal of a type that has no equal. */
export function unread(what: string): MlforgeError {
  return new MlforgeError(
    'type_unsupported',
    `${what}, which is no type of a table. Leave it out of the file, or write it as another type.`,
  )
}
