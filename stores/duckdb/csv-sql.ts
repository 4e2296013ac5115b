import { MAX_ROW_BYTES } from '../../domain/datasets/csv-check.js'
import type { ConversionColumn, ConversionSpec } from '../../domain/datasets/conversion.js'
import { name, text } from './duckdb.js'

const INTEGER = ' *[+-]?[0-9]+ *'
const NUMBER = ' *[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)? *'
const NOT_FINITE = '(?i) *[+-]?(nan|inf|infinity) *'

/** The rows of a CSV file as text, null values as NULL. Nothing is detected: the checker has seen to it. */
export function readCsv(
  file: string,
  { delimiter, header, nullValues }: Pick<ConversionSpec, 'delimiter' | 'header' | 'nullValues'>,
): string {
  const columns = header.map(column => `${text(column)}: 'VARCHAR'`).join(', ')
  return `read_csv(${text(file)}, auto_detect = false, header = true, delim = ${text(delimiter)}, quote = '"', escape = '"',
    comment = '', strict_mode = true, null_padding = false, ignore_errors = false,
    nullstr = [${nullValues.map(text).join(', ')}], max_line_size = ${MAX_ROW_BYTES + 2}, columns = {${columns}})`
}

export function isWhole(value: string): string {
  return `regexp_full_match(${value}, '${INTEGER}')`
}

/** Reads a text as a type: NULL where it does not. Leading and trailing spaces are no difference. */
export function parse(value: string, { type, format }: Omit<ConversionColumn, 'name'>): string {
  switch (type) {
    case 'string':
      return value
    case 'integer':
      return `CASE WHEN ${isWhole(value)} THEN TRY_CAST(${value} AS BIGINT) END`
    case 'number': {
      // DuckDB's own cast also takes 0x10, 1_000, and 1e999 as infinity.
      const cast = `TRY_CAST(${value} AS DOUBLE)`
      return `CASE WHEN regexp_full_match(${value}, '${NUMBER}') THEN CASE WHEN isfinite(${cast}) THEN ${cast} END
        WHEN regexp_full_match(${value}, '${NOT_FINITE}') THEN ${cast} END`
    }
    case 'boolean':
      return `CASE lower(trim(${value})) WHEN 'true' THEN true WHEN 'false' THEN false END`
    case 'date':
    case 'timestamp': {
      const read = `try_strptime(trim(${value}), ${text(format!)})`
      const utc = format!.includes('%z') ? `(${read} AT TIME ZONE 'UTC')` : read
      // %Y takes 12 for the year 12.
      return `CASE WHEN year(${utc}) >= 1000 THEN CAST(${utc} AS ${type.toUpperCase()}) END`
    }
  }
}

/** True in SQL where a text is there but is not of the type. */
export function isWrong(column: ConversionColumn): string {
  return `(${name(column.name)} IS NOT NULL AND (${parse(name(column.name), column)}) IS NULL)`
}
