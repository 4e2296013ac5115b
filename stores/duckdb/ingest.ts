import { stat } from 'node:fs/promises'
import type { ConversionSpec } from '../../domain/datasets/conversion.js'
import { NULL_VALUES, schemaChanged } from '../../domain/datasets/conversion.js'
import type { CsvSummary } from '../../domain/datasets/csv-check.js'
import { candidateFormats, type DateFormat, type FormatFit } from '../../domain/datasets/date-formats.js'
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
    const [counts] = await db.query(`SELECT ${header.flatMap(countsOf).join(', ')} FROM ${source}`)
    const proposed: ProposedColumn[] = []
    for (const [i, column] of header.entries()) {
      const evidence = evidenceOf(counts!, i)
      const { type, format } = checked[column] ?? {}
      const maybeDate =
        format === undefined && (type === undefined || type === 'date' || type === 'timestamp')
      const dates =
        maybeDate && evidence.number + evidence.boolean === 0 ? await dateEvidence(db, source, column) : {}
      proposed.push(proposeColumn(column, { ...evidence, ...dates }, checked[column]))
    }
    return proposed
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

/** Which formats read how many of all values, and a value that tells two whole fits apart. */
async function dateEvidence(
  db: DuckDb,
  source: string,
  column: string,
): Promise<Pick<Evidence, 'dates' | 'witness'>> {
  const value = name(column)
  const sample = await db.query(`SELECT DISTINCT v FROM (SELECT ${value} AS v FROM ${source}
    WHERE ${value} IS NOT NULL LIMIT ${10 * SAMPLE}) LIMIT ${SAMPLE}`)
  const candidates = candidateFormats(sample.map(row => row['v'] as string))
  const read = (format: DateFormat): string => `(${parse(value, format)})`
  if (candidates.length === 0) return { dates: [], witness: (sample[0]?.['v'] as string) ?? null }
  const fits = candidates.map((format, i) => `count(${read(format)}) AS f${i}`)
  const [counts] = await db.query(`SELECT count(${value}) AS n, ${fits.join(', ')} FROM ${source}`)
  const dates: FormatFit[] = candidates.map((format, i) => ({ ...format, fits: counts![`f${i}`] as number }))
  const [one, two] = dates.filter(format => format.fits === counts!['n'])
  const differ =
    one && two ? `ORDER BY ${read(one)} IS DISTINCT FROM ${read(two)} DESC, ${ROW}` : `ORDER BY ${ROW}`
  const [witness] = await db.query(`SELECT ${value} AS v FROM (SELECT ${value}, row_number() OVER () AS ${ROW}
    FROM ${source}) WHERE ${value} IS NOT NULL ${differ} LIMIT 1`)
  return { dates, witness: (witness?.['v'] as string) ?? null }
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
