import { MAX_ROW_BYTES } from '../../domain/datasets/csv-check.js'
import type { ConversionColumn, ConversionSpec } from '../../domain/datasets/conversion.js'
import { text } from './duckdb.js'

const INTEGER = ' *[+-]?[0-9]+ *'
const NUMBER = ' *[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)? *'
/** What is read where a date or timestamp has no format of its own: ISO 8601. */
const ISO = {
  date: ['%Y-%m-%d'],
  timestamp: ['T', ' '].flatMap(gap =>
    ['%H:%M', '%H:%M:%S', '%H:%M:%S.%f', '%H:%M:%SZ', '%H:%M:%S.%fZ'].map(time => `%Y-%m-%d${gap}${time}`),
  ),
}
const NOT_FINITE = '(?i) *[+-]?(nan|inf|infinity) *'

/** The rows of a CSV file as text, null values as NULL. Nothing is detected: the checker has seen to it. */
export function readCsv(
  file: string,
  form: Pick<ConversionSpec, 'delimiter' | 'header' | 'nullValues' | 'quote' | 'headless'>,
): string {
  const { delimiter = ',', header, nullValues, headless } = form
  const quote = text(form.quote ?? '"')
  const columns = header.map(column => `${text(column)}: 'VARCHAR'`).join(', ')
  return `read_csv(${text(file)}, auto_detect = false, header = ${headless !== true}, delim = ${text(delimiter)}, quote = ${quote}, escape = ${quote},
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
      const formats = format === undefined ? `[${ISO[type].map(text).join(', ')}]` : text(format)
      const read = `try_strptime(trim(${value}), ${formats})`
      const utc = format?.includes('%z') ? `(${read} AT TIME ZONE 'UTC')` : read
      // %Y takes 12 for the year 12.
      return `CASE WHEN year(${utc}) >= 1000 THEN CAST(${utc} AS ${type.toUpperCase()}) END`
    }
  }
}
