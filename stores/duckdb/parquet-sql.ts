import { duplicateColumns } from '../../domain/datasets/json-lines-check.js'
import { MAX_COLUMNS } from '../../domain/datasets/csv-check.js'
import { arrowMalformed } from '../../domain/datasets/arrow-check.js'
import { parquetMalformed } from '../../domain/datasets/parquet-check.js'
import type { TypedFormat } from '../../domain/datasets/reading.js'
import type { ColumnType, DeclaredColumns } from '../../domain/datasets/schema.js'
import { MlforgeError } from '../../domain/errors.js'
import { familyOf, type TypeFamily } from '../../domain/duckdb/types.js'
import { type DuckDb, text } from './duckdb.js'

/** Digits of a decimal. */
export const MAX_DIGITS = 38

/** Whether values of a family are more than text. */
export function isTyped(family: TypeFamily): boolean {
  return family !== 'string' && family !== 'nested' && family !== 'other'
}

/** Reads a value that has a type as another: NULL where it cannot be, or would become another value. */
export function readTyped(value: string, type: string, wanted: Exclude<ColumnType, 'string'>): string {
  const family = familyOf(type)
  const isNumeric = family === 'integer' || family === 'number'
  const utc = type.includes('TIME ZONE') ? `(${value} AT TIME ZONE 'UTC')` : value
  switch (wanted) {
    case 'integer':
      if (family === 'integer') return `TRY_CAST(${value} AS BIGINT)`
      return family === 'number'
        ? `CASE WHEN ${value} = trunc(${value}) THEN TRY_CAST(${value} AS BIGINT) END`
        : 'NULL'
    case 'number':
      return isNumeric ? `CAST(${value} AS DOUBLE)` : 'NULL'
    case 'boolean':
      return family === 'boolean' ? value : 'NULL'
    case 'date':
      if (family === 'date') return finite(value)
      return family === 'timestamp'
        ? `CASE WHEN isfinite(${utc}) AND ${utc} = date_trunc('day', ${utc}) THEN CAST(${utc} AS DATE) END`
        : 'NULL'
    case 'timestamp':
      return family === 'date' || family === 'timestamp' ? finite(`CAST(${utc} AS TIMESTAMP)`) : 'NULL'
  }
}

/** Days and times of which there is no end are none that a table, or what reads one, could show. */
function finite(value: string): string {
  return `CASE WHEN isfinite(${value}) THEN ${value} END`
}

/**
 * The columns of a Parquet file with their types, as DuckDB says them.
 * @throws MlforgeError parquet_malformed, duplicate_columns, no_rows
 */
export async function parquetColumns(db: DuckDb, file: string): Promise<Map<string, string>> {
  try {
    const source = `read_parquet(${text(file)})`
    await assertNames(db, file)
    const [count] = await db.query(`SELECT count(*) AS rows FROM ${source}`)
    if (count!['rows'] === 0)
      throw new MlforgeError('no_rows', 'The file has no rows. Send it with its rows.')
    const described = await db.query(`DESCRIBE SELECT * FROM ${source}`)
    return new Map(described.map(row => [row['column_name'] as string, row['column_type'] as string]))
  } catch (error) {
    throw unreadable(error) ?? error
  }
}

/** DuckDB renames the second of two names that are alike: looked at as they are in the file. */
async function assertNames(db: DuckDb, file: string): Promise<void> {
  const nodes = await db.query(
    `SELECT name, coalesce(num_children, 0) AS children, precision FROM parquet_schema(${text(file)})`,
  )
  assertDecimals(nodes)
  const names: string[] = []
  // Depth first: the children of a column come right behind it.
  for (let i = 1; i < nodes.length; i = behind(nodes, i)) names.push(nodes[i]!['name'] as string)
  assertColumns(names, parquetMalformed)
}

/** Decimals of more digits than it has are taken for others by DuckDB (1.5.5), without a word. */
function assertDecimals(nodes: readonly Record<string, unknown>[]): void {
  const wide = nodes.find(({ precision }) => typeof precision === 'number' && precision > MAX_DIGITS)
  if (!wide) return
  throw new MlforgeError(
    'type_unsupported',
    `Column ${wide['name']} is a decimal of ${wide['precision']} digits; of Parquet ${MAX_DIGITS} are read. Write it with fewer, as double, or as text.`,
  )
}

/** @throws MlforgeError duplicate_columns, and what `malformed` makes of too many, and of a null character */
export function assertColumns(names: readonly string[], malformed: (why: string) => MlforgeError): void {
  if (names.length > MAX_COLUMNS) {
    throw malformed(`it has ${names.length} columns; at most ${MAX_COLUMNS} are read`)
  }
  if (names.some(column => column.includes('\0'))) {
    throw malformed('the name of a column has a null character')
  }
  const first = new Map<string, string>()
  for (const column of names) {
    const other = first.get(column.toLowerCase())
    if (other !== undefined) throw duplicateColumns([other, column], `column "${column}"`)
    first.set(column.toLowerCase(), column)
  }
}

function behind(nodes: readonly Record<string, unknown>[], at: number): number {
  let next = at + 1
  for (let left = nodes[at]!['children'] as number; left > 0; left--) next = behind(nodes, next)
  return next
}

/** What is no type of a table is refused, unless it is declared a string. */
export function assertReadableTypes(types: ReadonlyMap<string, string>, declared: DeclaredColumns): void {
  const kept = (column: string): boolean => declared[column]?.type === 'string'
  const unread = [...types].filter(
    ([column, type]) => !kept(column) && ['nested', 'other'].includes(familyOf(type)),
  )
  const blobs = [...types].filter(([, type]) => /^(BLOB|BIT)/.test(type))
  const [first] = [...blobs, ...unread]
  if (!first) return
  const isNested = familyOf(first[1]) === 'nested'
  const problems = [...new Map([...blobs, ...unread])].map(([column, type]) => ({
    at: `columns.${column}`,
    message: `is ${type}`,
  }))
  const advice =
    blobs.length > 0
      ? 'Leave it out of the file.'
      : `Declare columns.${first[0]}.type: string to keep its values as ${isNested ? 'JSON ' : ''}text, or leave it out.`
  throw new MlforgeError(
    isNested ? 'nested_values' : 'type_unsupported',
    `Column ${first[0]} is ${first[1]}, which is no type of a table. ${advice}`,
    { problems },
  )
}

/** The refusal of a file that DuckDB cannot read: the same again at every try. Undefined for any other error. */
export function unreadable(error: unknown, format: TypedFormat = 'parquet'): MlforgeError | undefined {
  if (error instanceof MlforgeError) return undefined
  const [said] = String((error as Partial<Error>).message).split('\n')
  const isOfTheFile =
    /^(Invalid Input|Invalid|Serialization|Not implemented|Conversion|Parser|Binder) Error: |TProtocol|thrift|parquet|snappy|zstd|gzip|lz4/i
  const isOfTheMachine = /^(Out of Memory|Interrupt|HTTP) Error|No space left/
  if (!isOfTheFile.test(said!) || isOfTheMachine.test(said!)) return undefined
  // Where our copy of the file lies says nothing to whoever has sent it.
  const why = said!.replace(/ (['"])\/.*?\1/g, '')
  return format === 'arrow' ? arrowMalformed(why) : parquetMalformed(why)
}
