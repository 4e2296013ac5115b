import { createReadStream, createWriteStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { QuarantinedRow, WrongValue } from '../../domain/datasets/bad-rows.js'
import type { ConversionColumn, ConversionSpec } from '../../domain/datasets/conversion.js'
import { isTypedFormat } from '../../domain/datasets/reading.js'
import { type RawRow, RowCutter, rowsForm } from '../../domain/datasets/raw-rows.js'
import { type DuckDb, name, text } from './duckdb.js'
import { isWrong, ROW, type TableSource } from './table-source.js'

/** Characters of a wrong value that are shown. */
const SHOWN = 200
const LF = 0x0a

interface BadRow {
  readonly row: number
  /** Wrong values by column; null where the row has another number of fields. */
  readonly values: readonly (string | null)[] | null
  readonly fields?: number | null
  /** Of formats without lines. */
  readonly raw?: string
}

/**
 * Writes rows with wrong values as JSON lines of `QuarantinedRow`, in their order. The same input gives the same
 * bytes.
 * @param file as text in UTF-8, where it is text
 * @param ragged a table of the rows that have another number of fields, which the source is without
 * @param columns those that have wrong values
 */
export async function writeQuarantine(
  db: DuckDb,
  source: TableSource,
  conversion: ConversionSpec,
  columns: readonly ConversionColumn[],
  {
    file,
    ragged,
    outFile,
    signal,
  }: {
    readonly file: string
    readonly ragged: string | null
    readonly outFile: string
    readonly signal?: AbortSignal | undefined
  },
): Promise<void> {
  const isText = !isTypedFormat(conversion.format)
  const values = columns.map(column => shownIfWrong(source, column))
  const whole = conversion.header.map(column => `${name(column)} := ${name(column)}`)
  const badFile = `${outFile}.values`
  const wrong = `SELECT ${ROW} AS "row", [${values.join(', ')}]::VARCHAR[] AS "values"
    ${isText ? '' : `, to_json(struct_pack(${whole.join(', ')}))::VARCHAR AS "raw"`} ${ragged === null ? '' : ', NULL AS "fields"'}
    FROM ${source.numbered} WHERE ${columns.map(column => isWrong(source, column)).join(' OR ') || 'false'}`
  const both =
    ragged === null ? wrong : `${wrong} UNION ALL SELECT "row", NULL AS "values", "fields" FROM ${ragged}`
  await db.run(`COPY (SELECT * FROM (${both}) ORDER BY "row") TO ${text(badFile)} (FORMAT json)`)
  const bad = badRows(badFile)
  const lines = isText ? withRaw(bad, rawRows(file, conversion, await rowNumbers(db, badFile))) : bad
  await pipeline(
    Readable.from(quarantined(lines, columns, conversion.header.length)),
    createWriteStream(outFile),
    signal ? { signal } : {},
  )
  await rm(badFile)
}

/** In SQL a value that is not of its type, cut between characters: NULL where it is. */
export function shownIfWrong(source: TableSource, column: ConversionColumn): string {
  return `CASE WHEN ${isWrong(source, column)} THEN left(${source.text(column.name)}, ${SHOWN}) END`
}

async function* badRows(file: string): AsyncGenerator<BadRow> {
  let rest: Buffer = Buffer.alloc(0)
  for await (const chunk of createReadStream(file)) {
    const bytes = Buffer.concat([rest, chunk as Buffer])
    let from = 0
    for (let end = bytes.indexOf(LF); end >= 0; end = bytes.indexOf(LF, from)) {
      yield JSON.parse(bytes.toString('utf8', from, end)) as BadRow
      from = end + 1
    }
    rest = bytes.subarray(from)
  }
}

async function rowNumbers(db: DuckDb, badFile: string): Promise<Float64Array> {
  const source = `read_json(${text(badFile)}, format = 'newline_delimited', columns = {"row": 'BIGINT'})`
  const [numbers] = await db.numbers(`SELECT "row"::DOUBLE FROM ${source} ORDER BY "row"`)
  return numbers!
}

async function* rawRows(
  file: string,
  conversion: ConversionSpec,
  numbers: Float64Array,
): AsyncGenerator<RawRow> {
  let next = 0
  const cutter = new RowCutter(rowsForm(conversion), row => numbers[next] === row && ++next > 0)
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) {
    yield* cutter.push(chunk as Uint8Array)
  }
  yield* cutter.end()
}

async function* withRaw(bad: AsyncGenerator<BadRow>, raw: AsyncGenerator<RawRow>) {
  for await (const { text: line, ...place } of raw) {
    const { value } = (await bad.next()) as { value: BadRow }
    yield { ...value, ...place, raw: line }
  }
}

async function* quarantined(
  rows: AsyncIterable<BadRow & { readonly line?: number }>,
  columns: readonly ConversionColumn[],
  expected: number,
): AsyncGenerator<string> {
  for await (const { row, line = null, values, fields, raw = '' } of rows) {
    const ofValues = columns.flatMap((column, i) => {
      const value = values?.[i] ?? null
      return value === null ? [] : [wrongValue(column, value)]
    })
    const problems =
      typeof fields === 'number' ? [{ code: 'row_ragged' as const, fields, expected }] : ofValues
    yield `${JSON.stringify({ row, line, problems, raw } satisfies QuarantinedRow)}\n`
  }
}

/** What is said of a value that cannot be read as the type of its column. */
export function wrongValue({ name: column, type, format }: ConversionColumn, value: string): WrongValue {
  return {
    column,
    code: 'value_not_of_type',
    value,
    expected: format === undefined ? type : `${type} written ${format}`,
  }
}
