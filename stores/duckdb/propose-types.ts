import { conversionOf, type ConversionSpec, nullTexts } from '../../domain/datasets/conversion.js'
import { candidateFormats } from '../../domain/datasets/date-formats.js'
import { familyOf } from '../../domain/duckdb/types.js'
import { type Evidence, type ProposedColumn, proposeColumn } from '../../domain/datasets/inference.js'
import { type FileForm, isTypedFormat } from '../../domain/datasets/reading.js'
import { checkDeclared, type DeclaredColumns } from '../../domain/datasets/schema.js'
import { isWhole, parse } from './csv-sql.js'
import { type DuckDb, type DuckDbOptions, type JsonRow, name, withDuckDb } from './duckdb.js'
import { assertOneKind, type Kinds, kindsOf } from './json-kinds.js'
import { assertReadableTypes, parquetColumns } from './parquet-sql.js'
import { ROW, tableSource, type TableSource } from './table-source.js'

export interface Proposal {
  readonly conversion: ConversionSpec
  /** The types with the counts they rest on; stored with the version. */
  readonly columns: readonly ProposedColumn[]
}

const SAMPLE = 200
/** Characters of a text that are looked at, and kept as what it was judged by: it may have a million, a date has not. */
const SHOWN = 200
/** Columns a statement counts at most: the time to plan one grows with the square of its aggregates. */
const BATCH = 25

/**
 * Types for the columns of a checked file, from all its rows; what is declared stands. Parquet and Arrow have
 * types of their own, and values of JSON are what they are written as: only its texts may be dates.
 * @throws MlforgeError unknown_column, invalid_request, date_format_ambiguous, value_not_of_type; of JSON
 *   types_mixed and nested_values; of the first two parquet_malformed, nested_values, type_unsupported
 */
export async function proposeTypes(
  file: string,
  form: FileForm,
  declared: DeclaredColumns,
  options: DuckDbOptions & { nullValues?: readonly string[] } = {},
): Promise<Proposal> {
  const { columns: header, format = 'csv' } = form
  const checked = checkDeclared(declared, header)
  const nullValues = nullTexts(format, options.nullValues)
  const columns = await withDuckDb(options, async db => {
    if (isTypedFormat(format)) return typesOfFile(db, file, checked)
    const source = tableSource(file, conversionOf(form, [], nullValues))
    return inferred(db, source, header, checked)
  })
  return { conversion: conversionOf(form, columns, nullValues), columns }
}

/** The types that a Parquet file gives its columns. */
async function typesOfFile(db: DuckDb, file: string, declared: DeclaredColumns): Promise<ProposedColumn[]> {
  const types = await parquetColumns(db, file)
  assertReadableTypes(types, declared)
  const counts = [...types.keys()].map((column, i) => `count(${name(column)}) AS n${i}`)
  const [found] = await db.query(
    `SELECT count(*) AS rows, ${counts.join(', ')} FROM ${tableSource(file, { format: 'parquet', header: [], nullValues: [] }).from}`,
  )
  return [...types].map(([column, type], i) => {
    const values = found![`n${i}`] as number
    const nulls = (found!['rows'] as number) - values
    const family = familyOf(type)
    const { type: wanted, format } = declared[column] ?? {}
    return {
      name: column,
      type: wanted ?? (family === 'nested' || family === 'other' ? 'string' : family),
      ...(format !== undefined && { format }),
      origin: wanted === undefined ? 'file' : 'declared',
      nullable: nulls > 0,
      evidence: { ...NOTHING, values, nulls },
    }
  })
}

async function inferred(
  db: DuckDb,
  source: TableSource,
  header: readonly string[],
  declared: DeclaredColumns,
): Promise<ProposedColumn[]> {
  const evidence: Evidence[] = []
  const kinds: Kinds[] = []
  for (let from = 0; from < header.length; from += BATCH) {
    const batch = header.slice(from, from + BATCH)
    const counts = batch.flatMap((column, i) => countsOf(source, column, i))
    const [found] = await db.query(`SELECT ${counts.join(', ')} FROM ${source.from}`)
    evidence.push(...batch.map((_, i) => evidenceOf(found!, i)))
    kinds.push(...(await kindsOf(db, source, batch)))
  }
  const maybeDates = header.filter((column, i) => {
    const { type, format } = declared[column] ?? {}
    const open = format === undefined && (type === undefined || type === 'date' || type === 'timestamp')
    return open && evidence[i]!.values > 0 && evidence[i]!.number + evidence[i]!.boolean === 0
  })
  const dates = await dateEvidence(db, source, maybeDates)
  return header.map((column, i) => {
    const proposed = proposeColumn(column, { ...evidence[i]!, ...dates.get(column) }, declared[column])
    if (kinds[i] && proposed.origin === 'inferred') assertOneKind(proposed, kinds[i])
    return proposed
  })
}

const NOTHING: Evidence = {
  ...{ values: 0, nulls: 0, integer: 0, number: 0, boolean: 0, leadingZero: 0, tooLarge: 0 },
  dates: [],
  witness: null,
}

function countsOf({ text: textOf, kind }: TableSource, column: string, i: number): string[] {
  const value = textOf(column)
  const only = (wanted: string): string =>
    kind === null ? value : `CASE WHEN ${kind(column)} = '${wanted}' THEN ${value} END`
  const [number, boolean] = [only('number'), only('boolean')]
  const count = (condition: string, as: string): string => `count(*) FILTER (${condition}) AS ${as}${i}`
  const integer = parse(number, { type: 'integer' })
  return [
    count(`${value} IS NOT NULL`, 'values'),
    count(`${value} IS NULL`, 'nulls'),
    count(`(${integer}) IS NOT NULL`, 'integer'),
    count(`(${parse(number, { type: 'number' })}) IS NOT NULL`, 'number'),
    count(`(${parse(boolean, { type: 'boolean' })}) IS NOT NULL`, 'boolean'),
    count(`regexp_full_match(${number}, ' *[+-]?0[0-9]+[^,]*')`, 'leading_zero'),
    count(`${isWhole(number)} AND (${integer}) IS NULL`, 'too_large'),
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
  source: TableSource,
  columns: readonly string[],
): Promise<Map<string, DateEvidence>> {
  const found = new Map<string, DateEvidence>()
  if (columns.length === 0) return found
  const samples = await sampleTexts(db, source, columns)
  const asked = columns.flatMap(column =>
    candidateFormats(samples.get(column)!).map(format => ({
      column,
      format,
      sql: source.read({ name: column, ...format }),
    })),
  )
  const counts =
    asked.length === 0
      ? {}
      : (
          await db.query(`SELECT ${asked.map(({ sql }, i) => `count(${sql}) AS f${i}`).join(', ')},
          ${columns.map((column, i) => `count(${source.text(column)}) AS n${i}`).join(', ')} FROM ${source.from}`)
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
  source: TableSource,
  columns: readonly string[],
): Promise<Map<string, string[]>> {
  const shown = (column: string): string => `left(${source.text(column)}, ${SHOWN})`
  const first = await db.query(
    `SELECT ${columns.map(column => `${shown(column)} AS ${name(column)}`).join(', ')} FROM ${source.from} LIMIT ${10 * SAMPLE}`,
  )
  const samples = new Map<string, string[]>()
  for (const column of columns) {
    let texts = [...new Set(first.map(row => row[column] as string | null))].filter(value => value !== null)
    if (texts.length === 0) {
      const value = source.text(column)
      const later = await db.query(
        `SELECT ${shown(column)} AS ${name(column)} FROM ${source.from} WHERE ${value} IS NOT NULL LIMIT ${SAMPLE}`,
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
  source: TableSource,
  column: string,
  one: string,
  two: string,
): Promise<string> {
  const value = source.text(column)
  const [row] = await db.query(`SELECT ${value} AS found
    FROM ${source.numbered}
    WHERE ${value} IS NOT NULL ORDER BY (${one}) IS DISTINCT FROM (${two}) DESC, ${ROW} LIMIT 1`)
  return row!['found'] as string
}
