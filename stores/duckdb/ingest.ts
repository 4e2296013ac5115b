import { stat } from 'node:fs/promises'
import type { ConversionSpec } from '../../domain/datasets/conversion.js'
import { NULL_VALUES, schemaChanged } from '../../domain/datasets/conversion.js'
import type { CsvSummary } from '../../domain/datasets/csv-check.js'
import { candidateFormats } from '../../domain/datasets/date-formats.js'
import { type Evidence, type ProposedColumn, proposeColumn } from '../../domain/datasets/inference.js'
import { checkDeclared, type DeclaredColumns, type Schema } from '../../domain/datasets/schema.js'
import { MlforgeError } from '../../domain/errors.js'
import { isWhole, isWrong, parse, readCsv } from './csv-sql.js'
import { type DuckDb, type DuckDbOptions, type JsonRow, name, text, withDuckDb } from './duckdb.js'

export interface Proposal {
  readonly conversion: ConversionSpec
  /** The types with the counts they rest on; stored with the version. */
  readonly columns: readonly ProposedColumn[]
}

const SAMPLE = 200
const LISTED = 20
/** Columns a statement counts at most: the time to plan one grows with the square of its aggregates. */
const BATCH = 25
/** Beside columns of any name. */
const ROW = '__mlforge_row'

/**
 * Types for the columns of a checked CSV file, from all its rows; what is declared stands.
 * @throws MlforgeError unknown_column, invalid_request, date_format_ambiguous, value_not_of_type
 */
export async function proposeTypes(
  csvFile: string,
  summary: Pick<CsvSummary, 'delimiter' | 'columns'>,
  declared: DeclaredColumns,
  options: DuckDbOptions & { nullValues?: readonly string[] } = {},
): Promise<Proposal> {
  const { delimiter, columns: header } = summary
  const { nullValues = NULL_VALUES } = options
  const checked = checkDeclared(declared, header)
  const source = readCsv(csvFile, { delimiter, header, nullValues })
  const columns = await withDuckDb(options, async db => {
    const evidence: Evidence[] = []
    for (let from = 0; from < header.length; from += BATCH) {
      const batch = header.slice(from, from + BATCH)
      const [counts] = await db.query(`SELECT ${batch.flatMap(countsOf).join(', ')} FROM ${source}`)
      evidence.push(...batch.map((_, i) => evidenceOf(counts!, i)))
    }
    const maybeDates = header.filter((column, i) => {
      const { type, format } = checked[column] ?? {}
      const open = format === undefined && (type === undefined || type === 'date' || type === 'timestamp')
      return open && evidence[i]!.values > 0 && evidence[i]!.number + evidence[i]!.boolean === 0
    })
    const dates = await dateEvidence(db, source, maybeDates)
    return header.map((column, i) =>
      proposeColumn(column, { ...evidence[i]!, ...dates.get(column) }, checked[column]),
    )
  })
  const types = columns.map(({ name: column, type, format }) => ({
    name: column,
    type,
    ...(format !== undefined && { format }),
  }))
  return { conversion: { format: 'csv', delimiter, header, columns: types, nullValues }, columns }
}

function countsOf(column: string, i: number): string[] {
  const value = name(column)
  const count = (condition: string, as: string): string => `count(*) FILTER (${condition}) AS ${as}${i}`
  const integer = parse(value, { type: 'integer' })
  return [
    count(`${value} IS NOT NULL`, 'values'),
    count(`${value} IS NULL`, 'nulls'),
    count(`(${integer}) IS NOT NULL`, 'integer'),
    count(`(${parse(value, { type: 'number' })}) IS NOT NULL`, 'number'),
    count(`(${parse(value, { type: 'boolean' })}) IS NOT NULL`, 'boolean'),
    count(`regexp_full_match(${value}, ' *[+-]?0[0-9]+[^,]*')`, 'leading_zero'),
    count(`${isWhole(value)} AND (${integer}) IS NULL`, 'too_large'),
  ]
}

function evidenceOf(counts: JsonRow, i: number): Evidence {
  const count = (as: string): number => counts[`${as}${i}`] as number
  return {
    values: count('values'),
    nulls: count('nulls'),
    integer: count('integer'),
    number: count('number'),
    boolean: count('boolean'),
    leadingZero: count('leading_zero'),
    tooLarge: count('too_large'),
    dates: [],
    witness: null,
  }
}

type DateEvidence = Pick<Evidence, 'dates' | 'witness'>

/** Which formats read how many of all values, and a value that tells two whole fits apart. */
async function dateEvidence(
  db: DuckDb,
  source: string,
  columns: readonly string[],
): Promise<Map<string, DateEvidence>> {
  const found = new Map<string, DateEvidence>()
  if (columns.length === 0) return found
  const samples = await sampleTexts(db, source, columns)
  const asked = columns.flatMap(column =>
    candidateFormats(samples.get(column)!).map(format => ({
      column,
      format,
      sql: parse(name(column), format),
    })),
  )
  const counts =
    asked.length === 0
      ? {}
      : (
          await db.query(`SELECT ${asked.map(({ sql }, i) => `count(${sql}) AS f${i}`).join(', ')},
          ${columns.map((column, i) => `count(${name(column)}) AS n${i}`).join(', ')} FROM ${source}`)
        )[0]!
  for (const [at, column] of columns.entries()) {
    const own = asked.flatMap((one, i) =>
      one.column === column
        ? [{ sql: one.sql, fit: { ...one.format, fits: counts[`f${i}`] as number } }]
        : [],
    )
    const whole = own.filter(({ fit }) => fit.fits === counts[`n${at}`])
    const witness =
      whole.length > 1 ? await tellingValue(db, source, column, whole[0]!.sql, whole[1]!.sql) : undefined
    found.set(column, {
      dates: own.map(({ fit }) => fit),
      witness: witness ?? samples.get(column)![0] ?? null,
    })
  }
  return found
}

/** Up to 200 texts of each column from its first rows; from anywhere for a column that is empty there. */
async function sampleTexts(
  db: DuckDb,
  source: string,
  columns: readonly string[],
): Promise<Map<string, string[]>> {
  const first = await db.query(`SELECT ${columns.map(name).join(', ')} FROM ${source} LIMIT ${10 * SAMPLE}`)
  const samples = new Map<string, string[]>()
  for (const column of columns) {
    let texts = [...new Set(first.map(row => row[column] as string | null))].filter(value => value !== null)
    if (texts.length === 0) {
      const value = name(column)
      const later = await db.query(
        `SELECT ${value} FROM ${source} WHERE ${value} IS NOT NULL LIMIT ${SAMPLE}`,
      )
      texts = later.map(row => row[column] as string)
    }
    samples.set(column, texts.slice(0, SAMPLE))
  }
  return samples
}

/** The first value that two formats read differently, else the first. */
async function tellingValue(
  db: DuckDb,
  source: string,
  column: string,
  one: string,
  two: string,
): Promise<string> {
  const value = name(column)
  const [row] =
    await db.query(`SELECT ${value} FROM (SELECT ${value}, row_number() OVER () AS ${ROW} FROM ${source})
    WHERE ${value} IS NOT NULL ORDER BY (${one}) IS DISTINCT FROM (${two}) DESC, ${ROW} LIMIT 1`)
  return row![column] as string
}

export interface ConvertOptions extends DuckDbOptions {
  /** Rows the checker counted: a conversion that loses or invents one fails. */
  readonly rows: number
  /** The schema is that of an earlier version: a column most of whose values do not fit has changed. */
  readonly inherited?: boolean
}

export interface Converted {
  readonly rows: number
  readonly bytes: number
  readonly schema: Schema
}

/**
 * Writes the table of a checked CSV file as Parquet, rows in their order. The same input gives the
 * same bytes.
 * @throws MlforgeError value_not_of_type with the first 20 such values and their number, schema_changed
 */
export async function convertToParquet(
  csvFile: string,
  conversion: ConversionSpec,
  outFile: string,
  options: ConvertOptions,
): Promise<Converted> {
  const { columns } = conversion
  const source = readCsv(csvFile, conversion)
  return withDuckDb(options, async db => {
    const counts = columns.flatMap((column, i) => [
      `count(*) FILTER (${isWrong(column)}) AS wrong${i}`,
      `count(${name(column.name)}) AS values${i}`,
    ])
    const [found] = await db.query(`SELECT count(*) AS rows, ${counts.join(', ')} FROM ${source}`)
    const count = (as: string, i: number): number => found![`${as}${i}`] as number
    if (found!['rows'] !== options.rows) {
      throw new MlforgeError(
        'internal',
        `The checker counted ${options.rows} rows, the reader ${String(found!['rows'])}. Report this file: both must agree.`,
      )
    }
    if (options.inherited === true) {
      const changed = columns.filter((_, i) => count('wrong', i) * 2 > count('values', i))
      if (changed.length > 0) {
        throw schemaChanged(
          changed.map(({ name: column, type, format }) => ({
            column,
            kind: 'type',
            message: `most values of "${column}" are no ${type}${format === undefined ? '' : ` written ${format}`}`,
          })),
        )
      }
    }
    const wrong = columns.reduce((sum, _, i) => sum + count('wrong', i), 0)
    if (wrong > 0) throw await valuesNotOfType(db, source, conversion, wrong)
    const selected = columns.map(column => `${parse(name(column.name), column)} AS ${name(column.name)}`)
    await db.run(
      `COPY (SELECT ${selected.join(', ')} FROM ${source}) TO ${text(outFile)} (FORMAT parquet, COMPRESSION zstd)`,
    )
    const schema = columns.map((column, i) => ({ ...column, nullable: count('values', i) < options.rows }))
    return { rows: options.rows, bytes: (await stat(outFile)).size, schema }
  })
}

async function valuesNotOfType(
  db: DuckDb,
  source: string,
  { columns }: ConversionSpec,
  total: number,
): Promise<MlforgeError> {
  const wrong = columns.map(
    (column, i) => `CASE WHEN ${isWrong(column)} THEN ${name(column.name)} END AS wrong${i}`,
  )
  const rows = await db.query(`SELECT ${ROW}, ${wrong.join(', ')}
    FROM (SELECT *, row_number() OVER () AS ${ROW} FROM ${source})
    WHERE ${columns.map(isWrong).join(' OR ')} ORDER BY ${ROW} LIMIT ${LISTED}`)
  const values = rows
    .flatMap(row =>
      columns.map((column, i) => ({
        row: row[ROW] as number,
        column,
        value: row[`wrong${i}`] as string | null,
      })),
    )
    .filter(({ value }) => value !== null)
    .slice(0, LISTED)
    .map(({ row, column: { name: column, type, format }, value }) => ({
      row,
      column,
      value: value!.slice(0, 200),
      expected: format === undefined ? type : `${type} written ${format}`,
    }))
  const [first] = values
  return new MlforgeError(
    'value_not_of_type',
    `Row ${first!.row}, column ${first!.column}: ${JSON.stringify(first!.value)} is no ${first!.expected}${total > 1 ? `; ${total - 1} more such values` : ''}. Correct them, name them in nullValues if they stand for missing, or declare columns.${first!.column}.type.`,
    {
      problems: values.map(({ row, column, value, expected }) => ({
        at: `row ${row}, column ${column}`,
        message: `${JSON.stringify(value)} is no ${expected}`,
      })),
      values,
      valueCount: total,
    },
  )
}
