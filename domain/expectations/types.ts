import type { ColumnType } from '../datasets/schema.js'

/** What other systems call the types of datasets: pandas, SQL, Spark, Python. */
const NAMES: Record<ColumnType, readonly string[]> = {
  integer: [
    ...[
      'int',
      'int8',
      'int16',
      'int32',
      'int64',
      'uint8',
      'uint16',
      'uint32',
      'uint64',
      'bigint',
      'smallint',
    ],
    ...['tinyint', 'integertype', 'longtype', 'shorttype', 'bytetype'],
  ],
  number: [
    ...['float', 'float16', 'float32', 'float64', 'double', 'real', 'decimal', 'numeric', 'double_precision'],
    ...['doubletype', 'floattype', 'decimaltype'],
  ],
  string: ['str', 'object', 'text', 'varchar', 'char', 'stringtype'],
  boolean: ['bool', 'booleantype'],
  date: ['datetype'],
  timestamp: ['datetime', 'datetime64', 'datetime64[ns]', 'datetime64[us]', 'timestamptype'],
}

/** The type of datasets that is meant by a name of one, or by that of another system; undefined for no type. */
export function columnTypeNamed(name: string): ColumnType | undefined {
  const lower = name.toLowerCase()
  return (Object.keys(NAMES) as ColumnType[]).find(type => type === lower || NAMES[type].includes(lower))
}
