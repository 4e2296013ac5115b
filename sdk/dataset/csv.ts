import { open } from 'node:fs/promises'
import type { ColumnDeclaration } from '../../contracts/rest/datasets.js'
import { MlforgeError } from '../../domain/errors.js'
import { assertDistinct } from './stage.js'
import type { Session } from './session.js'
import { name, readAs, text } from './sql.js'

const MAX_ROW_BYTES = 1 << 20
const INTEGER = ' *[+-]?[0-9]+ *'
const NUMBER = ' *[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)? *|(?i) *[+-]?(nan|inf|infinity) *'
/** Such as 007: a code, whose zeros a number would lose. */
const CODE = ' *[+-]?0[0-9]+.*'

/** Where the rows of a CSV file come from, as texts. */
export interface CsvTexts {
  readonly names: readonly string[]
  readonly from: string
}

/**
 * The rows as the first line says that they are. Nothing is detected in the others: what DuckDB finds out by itself
 * may leave out lines that do not suit it.
 * @throws MlforgeError csv_encoding, csv_empty, csv_malformed, duplicate_columns
 */
export async function csvTexts(path: string): Promise<CsvTexts> {
  const { names, delimiter, quote } = headerOf(await firstBytes(path))
  const columns = names.map(column => `${text(column)}: 'VARCHAR'`)
  const from = `read_csv(${text(path)}, auto_detect = false, header = true, delim = ${text(delimiter)}, quote = ${text(quote)},
    escape = ${text(quote)}, comment = '', strict_mode = true, null_padding = false, ignore_errors = false,
    max_line_size = ${MAX_ROW_BYTES + 2}, columns = {${columns.join(', ')}})`
  return { names, from }
}

/** The columns, each as it is declared, or as what all its values are: a number only where no digit is lost. */
export async function typedColumns(
  session: Session,
  { names, from }: CsvTexts,
  declared: ReadonlyMap<string, ColumnDeclaration>,
): Promise<string[]> {
  const open = names.filter(column => declared.get(column) === undefined)
  const counts = open.flatMap((column, i) => {
    const value = name(column)
    const all = (condition: string, as: string): string =>
      `coalesce(bool_and(${condition}) FILTER (${value} IS NOT NULL), false) AS ${as}${i}`
    return [
      all(`${isWhole(value)} AND TRY_CAST(${value} AS BIGINT) IS NOT NULL`, 'integer'),
      all(`regexp_full_match(${value}, '${NUMBER}')`, 'number'),
      all(`lower(trim(${value})) IN ('true', 'false')`, 'boolean'),
      `coalesce(bool_or(regexp_full_match(${value}, '${CODE}') OR (${isWhole(value)} AND TRY_CAST(${value} AS BIGINT) IS NULL)), false) AS code${i}`,
    ]
  })
  const [found] = open.length === 0 ? [{}] : await session.query(`SELECT ${counts.join(', ')} FROM ${from}`)
  const types = new Map(
    open.map((column, i) => {
      const is = (as: string): boolean => (found as Record<string, unknown>)[`${as}${i}`] === true
      if (is('boolean')) return [column, 'boolean'] as const
      if (is('code') || !is('number')) return [column, 'string'] as const
      return [column, is('integer') ? 'integer' : 'number'] as const
    }),
  )
  return names.map(column => readText(column, declared.get(column) ?? { type: types.get(column)! }))
}

function isWhole(value: string): string {
  return `regexp_full_match(${value}, '${INTEGER}')`
}

/** A cast to integers rounds 1.5. */
function readText(column: string, declared: ColumnDeclaration): string {
  if (declared.type !== 'integer') return readAs(column, declared)
  const value = name(column)
  const wrong = `error('"' || ${value} || '" of column ' || ${text(column)} || ' is no integer')`
  return `CASE WHEN ${value} IS NULL OR ${isWhole(value)} THEN CAST(${value} AS BIGINT) ELSE ${wrong} END AS ${value}`
}

async function firstBytes(path: string): Promise<Uint8Array> {
  const file = await open(path)
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(MAX_ROW_BYTES), 0, MAX_ROW_BYTES, 0)
    return buffer.subarray(0, bytesRead)
  } finally {
    await file.close()
  }
}

function headerOf(bytes: Uint8Array): { names: string[]; delimiter: string; quote: string } {
  const start = decoded(bytes)
  const line = /^(?:[^"\n]|"[^"]*")*/.exec(start)![0].replace(/\r$/, '')
  if (line.trim() === '') {
    throw new MlforgeError(
      'csv_empty',
      'The first line is blank. Begin the file with the names of its columns.',
    )
  }
  const bare = line.replaceAll(/"[^"]*"/g, '')
  const counted = [',', ';', '\t', '|'].map(delimiter => ({ delimiter, n: bare.split(delimiter).length }))
  const { delimiter } = counted.reduce((best, one) => (one.n > best.n ? one : best))
  const isSingle = line.split(delimiter).every(field => /^'.*'$/.test(field.trim()))
  const quote = isSingle ? "'" : '"'
  const names = fieldsOf(line, delimiter, quote)
  assertNames(names)
  return { names, delimiter, quote }
}

function decoded(bytes: Uint8Array): string {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true })
    if (!text.includes('\0')) return text
  } catch {
    // Said below.
  }
  throw new MlforgeError(
    'csv_encoding',
    'The file is not UTF-8. Convert it, or upload it as it is with its encoding.',
  )
}

function fieldsOf(line: string, delimiter: string, quote: string): string[] {
  const fields = ['']
  let quoted = false
  for (const character of line) {
    if (character === quote) {
      // The second of two quotes within quotes is one of the name.
      if (!quoted && fields.at(-1) !== '') fields[fields.length - 1] += quote
      quoted = !quoted
    } else if (character === delimiter && !quoted) fields.push('')
    else fields[fields.length - 1] += character
  }
  return fields.map(field => field.trim())
}

function assertNames(names: readonly string[]): void {
  const nameless = names.indexOf('')
  if (nameless >= 0) {
    throw new MlforgeError(
      'csv_malformed',
      `Column ${nameless + 1} has no name in the first line. Give it one.`,
    )
  }
  assertDistinct(names)
}
