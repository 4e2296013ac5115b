import { stat } from 'node:fs/promises'
import { assertFewBadRows, type BadRows } from '../../domain/datasets/bad-rows.js'
import {
  type ConversionColumn,
  type ConversionSpec,
  schemaChanged,
} from '../../domain/datasets/conversion.js'
import { isTypedFormat } from '../../domain/datasets/reading.js'
import type { Schema } from '../../domain/datasets/schema.js'
import { MlforgeError } from '../../domain/errors.js'
import { type DuckDb, type DuckDbOptions, type JsonRow, name, text, withDuckDb } from './duckdb.js'
import { assertReadableTypes, parquetColumns, unreadable } from './parquet-sql.js'
import { shownIfWrong, writeQuarantine, wrongValue } from './quarantine.js'
import type { AlignedFile } from './aligned-file.js'
import { isWrong, ROW, tableSource, type TableSource, without } from './table-source.js'

const LISTED = 20
/** Name of the table of rows with another number of fields. */
const RAGGED = 'ragged_rows'

export interface ConvertOptions extends DuckDbOptions {
  /** Rows the checker counted: a conversion that loses or invents one fails. Null where it could not. */
  readonly rows: number | null
  /** The schema is that of an earlier version: a column most of whose values do not fit has changed. */
  readonly inherited?: boolean
  /** Where rows of `file` stand for others that have had another number of fields. */
  readonly aligned?: AlignedFile
  /** Rows that cannot be read are written to a file, rather than refused. */
  readonly quarantine?: { readonly allowed: BadRows; readonly file: string }
}

export interface Converted {
  readonly rows: number
  readonly bytes: number
  readonly schema: Schema
  /** Rows in the quarantine file; without any it is not written. */
  readonly quarantined: number
}

/**
 * Writes the table of a checked file as Parquet, rows in their order. The same input gives the same bytes.
 * @param file as `readableFile` gives it
 * @throws MlforgeError value_not_of_type with the first 20 such values and their number, too_many_bad_rows,
 *   schema_changed, parquet_malformed
 */
export async function convertToParquet(
  file: string,
  conversion: ConversionSpec,
  outFile: string,
  options: ConvertOptions,
): Promise<Converted> {
  try {
    return await withDuckDb(options, db => convert(db, file, conversion, outFile, options))
  } catch (error) {
    const { format } = conversion
    throw (isTypedFormat(format) ? unreadable(error, format) : undefined) ?? error
  }
}

async function convert(
  db: DuckDb,
  file: string,
  conversion: ConversionSpec,
  outFile: string,
  { rows: expected, inherited, aligned, quarantine, signal }: ConvertOptions,
): Promise<Converted> {
  const { columns } = conversion
  const types = isTypedFormat(conversion.format) ? await parquetColumns(db, file) : undefined
  if (types) assertReadableTypes(types, Object.fromEntries(columns.map(column => [column.name, column])))
  const whole = tableSource(file, conversion, types)
  if (aligned) await db.run(`CREATE TEMP TABLE ${RAGGED} AS SELECT * FROM ${raggedRows(aligned)}`)
  const source = aligned ? without(whole, RAGGED) : whole
  const counts = columns.flatMap((column, i) => [
    `count(*) FILTER (${isWrong(source, column)}) AS wrong${i}`,
    `count(${source.text(column.name)}) AS values${i}`,
  ])
  const [found] = await db.query(`SELECT count(*) AS rows, ${counts.join(', ')} FROM ${source.from}`)
  const ragged = aligned?.count ?? 0
  const rows = (found!['rows'] as number) + ragged
  if (expected !== null && rows !== expected) {
    throw new MlforgeError(
      'internal',
      `The checker counted ${expected} rows, the reader ${rows}. Report this file: both must agree.`,
    )
  }
  if (inherited === true) assertSameTypes(columns, found!)
  const wrong = columns.filter((_, i) => found![`wrong${i}`] !== 0)
  const selected = columns.map(column => `${source.read(column)} AS ${name(column.name)}`)
  let good = source.from
  let quarantined = 0
  if (wrong.length > 0 || ragged > 0) {
    const bad = wrong.map(column => isWrong(source, column)).join(' OR ') || 'false'
    const refusal =
      wrong.length > 0
        ? await valuesNotOfType(db, source, wrong, bad, total(columns, found!))
        : await rowsRagged(db, conversion.header.length, ragged)
    if (quarantine === undefined) throw refusal
    const [count] = await db.query(`SELECT count(*) AS bad FROM ${source.from} WHERE ${bad}`)
    quarantined = (count!['bad'] as number) + ragged
    assertFewBadRows(quarantine.allowed, { badRows: quarantined, rows }, refusal.details.problems!)
    await writeQuarantine(db, source, conversion, wrong, {
      file: aligned?.original ?? file,
      ragged: aligned ? RAGGED : null,
      outFile: quarantine.file,
      signal,
    })
    good = `${source.from} WHERE NOT (${bad})`
    // What is left out cuts batches shorter: only in one thread the row groups are always the same.
    await db.run('SET threads = 1')
  }
  await db.run(
    `COPY (SELECT ${selected.join(', ')} FROM ${good}) TO ${text(outFile)} (FORMAT parquet, COMPRESSION zstd)`,
  )
  const values = quarantined === 0 ? found! : await valuesOf(db, outFile, columns)
  const kept = rows - quarantined
  const schema = columns.map((column, i) => ({
    ...column,
    nullable: (values[`values${i}`] as number) < kept,
  }))
  return { rows: kept, bytes: (await stat(outFile)).size, schema, quarantined }
}

function raggedRows({ ragged }: AlignedFile): string {
  return `read_json(${text(ragged)}, format = 'newline_delimited', columns = {"row": 'BIGINT', "fields": 'BIGINT'})`
}

async function rowsRagged(db: DuckDb, expected: number, count: number): Promise<MlforgeError> {
  const rows = await db.query(`SELECT * FROM ${RAGGED} ORDER BY "row" LIMIT ${LISTED}`)
  const problems = rows.map(({ row, fields }) => ({
    at: `row ${row}`,
    message: `has ${fields === 1 ? '1 field' : `${fields} fields`}, header has ${expected}`,
  }))
  const [first] = problems
  return new MlforgeError(
    'csv_malformed',
    `${first!.at} ${first!.message}${count > 1 ? `; ${count - 1} more such rows` : ''}. Correct the file, or let the commit put such rows aside: badRows: quarantine.`,
    { problems, problemCount: count },
  )
}

function assertSameTypes(columns: readonly ConversionColumn[], found: JsonRow): void {
  const count = (as: string, i: number): number => found[`${as}${i}`] as number
  const changed = columns.filter((_, i) => count('wrong', i) * 2 > count('values', i))
  if (changed.length === 0) return
  throw schemaChanged(
    changed.map(({ name: column, type, format }) => ({
      column,
      kind: 'type',
      message: `most values of "${column}" are no ${type}${format === undefined ? '' : ` written ${format}`}`,
    })),
  )
}

function total(columns: readonly ConversionColumn[], found: JsonRow): number {
  return columns.reduce((sum, _, i) => sum + (found[`wrong${i}`] as number), 0)
}

async function valuesOf(db: DuckDb, file: string, columns: readonly ConversionColumn[]): Promise<JsonRow> {
  const counts = columns.map((column, i) => `count(${name(column.name)}) AS values${i}`)
  const [found] = await db.query(`SELECT ${counts.join(', ')} FROM read_parquet(${text(file)})`)
  return found!
}

/** @param columns those with wrong values @param bad true in SQL for a row that has one */
async function valuesNotOfType(
  db: DuckDb,
  source: TableSource,
  columns: readonly ConversionColumn[],
  bad: string,
  count: number,
): Promise<MlforgeError> {
  const shown = columns.map((column, i) => `${shownIfWrong(source, column)} AS wrong${i}`)
  const rows = await db.query(`SELECT ${ROW}, ${shown.join(', ')}
    FROM ${source.numbered}
    WHERE ${bad} ORDER BY ${ROW} LIMIT ${LISTED}`)
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
    .map(({ row, column, value }) => {
      const { code: _, ...wrong } = wrongValue(column, value!)
      return { row, ...wrong }
    })
  const [first] = values
  return new MlforgeError(
    'value_not_of_type',
    `Row ${first!.row}, column ${first!.column}: ${JSON.stringify(first!.value)} is no ${first!.expected}${count > 1 ? `; ${count - 1} more such values` : ''}. Correct them, name them in nullValues if they stand for missing, or declare columns.${first!.column}.type.`,
    {
      problems: values.map(({ row, column, value, expected }) => ({
        at: `row ${row}, column ${column}`,
        message: `${JSON.stringify(value)} is no ${expected}`,
      })),
      values,
      valueCount: count,
    },
  )
}
