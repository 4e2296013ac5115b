import { MAX_ROW_BYTES } from '../../domain/datasets/csv-check.js'
import type { ConversionColumn, ConversionSpec } from '../../domain/datasets/conversion.js'
import { familyOf } from '../../domain/duckdb/types.js'
import { parse, readCsv } from './csv-sql.js'
import { name, text } from './duckdb.js'
import { isTyped, readTyped } from './parquet-sql.js'

/** Name of the number of a row, beside columns of any name. */
export const ROW = '__mlforge_row'

/** A file as rows of values; its columns are by the names that the file has. */
export interface TableSource {
  /** What stands behind FROM. */
  readonly from: string
  /** The same with ROW, the number of each in the file from 1. */
  readonly numbered: string
  /** A value as text: NULL where it is missing. */
  text(column: string): string
  /** Which of the kinds of values, in SQL: null where all are text. */
  readonly kind: ((column: string) => string) | null
  /** Reads a value as a type: NULL where it is missing, and where it cannot be read. */
  read(column: ConversionColumn): string
}

/** True in SQL where a value is there but is not of the type. */
export function isWrong(source: TableSource, column: ConversionColumn): string {
  return `(${source.text(column.name)} IS NOT NULL AND (${source.read(column)}) IS NULL)`
}

const numbered = (from: string) => `(SELECT *, row_number() OVER () AS ${ROW} FROM ${from})`

/** A source without some of its rows; the others keep their numbers. @param rows a table with the column row */
export function without(source: TableSource, rows: string): TableSource {
  const kept = `(SELECT * FROM ${source.numbered} WHERE ${ROW} NOT IN (SELECT "row" FROM ${rows}))`
  return { ...source, numbered: kept, from: `(SELECT * EXCLUDE (${ROW}) FROM ${kept})` }
}

export type SourceForm = Omit<ConversionSpec, 'columns'>

/**
 * @param file as `readableFile` gives it
 * @param types of the columns of a Parquet file, by name, as DuckDB says them
 */
export function tableSource(
  file: string,
  form: SourceForm,
  types: ReadonlyMap<string, string> = new Map(),
): TableSource {
  if (form.format === 'csv') return csvSource(file, form)
  return form.format === 'ndjson' ? jsonSource(file, form) : parquetSource(file, form, types)
}

function csvSource(file: string, form: SourceForm): TableSource {
  const from = readCsv(file, form)
  return {
    from,
    numbered: numbered(from),
    text: name,
    kind: null,
    read: column => parse(name(column.name), column),
  }
}

/** Kinds of values of JSON, as `kind` says them. */
export const JSON_KINDS = ['string', 'number', 'boolean', 'nested'] as const

/** Values are read as they are written, so that no digit is lost. */
function jsonSource(file: string, { header, nullValues }: SourceForm): TableSource {
  const columns = header.map(column => `${text(column)}: 'JSON'`).join(', ')
  const written = (column: string): string => {
    const value = `(${name(column)} ->> '$')`
    if (nullValues.length === 0) return value
    return `CASE WHEN json_type(${name(column)}) = 'VARCHAR' AND ${isIn(value, nullValues)} THEN NULL ELSE ${value} END`
  }
  const from = `read_json(${text(file)}, format = 'newline_delimited', auto_detect = false, ignore_errors = false,
      compression = 'uncompressed', maximum_object_size = ${2 * MAX_ROW_BYTES}, columns = {${columns}})`
  return {
    from,
    numbered: numbered(from),
    text: written,
    kind: column => `CASE WHEN ${written(column)} IS NOT NULL THEN CASE json_type(${name(column)}) WHEN 'VARCHAR' THEN 'string'
      WHEN 'BOOLEAN' THEN 'boolean' WHEN 'ARRAY' THEN 'nested' WHEN 'OBJECT' THEN 'nested' ELSE 'number' END END`,
    read: column => parse(written(column.name), column),
  }
}

function parquetSource(
  file: string,
  { nullValues }: SourceForm,
  types: ReadonlyMap<string, string>,
): TableSource {
  const family = (column: string) => familyOf(types.get(column)!)
  const missing = (column: string): string =>
    nullValues.length > 0 && family(column) === 'string' ? isIn(name(column), nullValues) : 'false'
  const given = (column: string, value: string): string =>
    missing(column) === 'false' ? value : `CASE WHEN ${missing(column)} THEN NULL ELSE ${value} END`
  const written = (column: string): string =>
    family(column) === 'nested' ? `to_json(${name(column)})::VARCHAR` : `${name(column)}::VARCHAR`
  const from = `read_parquet(${text(file)})`
  return {
    from,
    numbered: numbered(from),
    text: column => given(column, written(column)),
    kind: null,
    read: column => {
      const isSame = isTyped(family(column.name)) && column.type !== 'string'
      if (isSame)
        return given(column.name, readTyped(name(column.name), types.get(column.name)!, column.type))
      const read = parse(written(column.name), column)
      return given(column.name, column.type === 'string' ? withoutNull(read) : read)
    },
  }
}

/** A text; NULL where a null character is in it, which profiles, refusals and all else in Postgres could not show. */
function withoutNull(value: string): string {
  return `CASE WHEN NOT contains(${value}, chr(0)) THEN ${value} END`
}

function isIn(value: string, texts: readonly string[]): string {
  return `${value} IN (${texts.map(text).join(', ')})`
}
