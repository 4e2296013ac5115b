import { MlforgeError } from '../errors.js'
import type { CsvDelimiter, CsvQuote } from './csv-header.js'

/** Formats of files that tables are made from. `ndjson`: JSON lines, one object a line. */
export const TABLE_FORMATS = ['csv', 'ndjson', 'parquet', 'arrow'] as const

export type TableFormat = (typeof TABLE_FORMATS)[number]

/** Formats whose files have typed columns, which are read by the commit. */
export type TypedFormat = 'parquet' | 'arrow'

export type TextFormat = Exclude<TableFormat, TypedFormat>

export function isTypedFormat(format: TableFormat): format is TypedFormat {
  return format === 'parquet' || format === 'arrow'
}

/** Encodings of text. UTF-8 and UTF-16 with a byte order mark are found; others have to be stated. */
export const ENCODINGS = ['utf-8', 'utf-16le', 'utf-16be', 'latin1', 'windows-1252'] as const

export type Encoding = (typeof ENCODINGS)[number]

/** What somebody says of a file that is sent; the rest is found in it. */
export interface StatedReading {
  readonly format?: TableFormat
  readonly encoding?: Encoding
  readonly delimiter?: CsvDelimiter
  readonly quote?: CsvQuote
  readonly header?: boolean
  /** Rows with another number of fields than the header are no reason to refuse the file: a commit puts them aside. */
  readonly ragged?: boolean
}

/** What of the reading of a file differs from CSV in UTF-8 with double quotes and a header. */
export interface UnusualReading {
  readonly format?: Exclude<TableFormat, 'csv'>
  readonly encoding?: Exclude<Encoding, 'utf-8'>
  readonly quote?: Exclude<CsvQuote, '"'>
  readonly headless?: true
  /** There are rows with another number of fields, which are put aside. */
  readonly ragged?: true
}

/** A file and how it is read, but for the types. */
export interface FileForm extends UnusualReading {
  /** Of CSV. */
  readonly delimiter?: CsvDelimiter | null
  /** In the order of the file. */
  readonly columns: readonly string[]
}

/** How a file is read, complete; null for what its format does not have. */
export interface Reading {
  readonly format: TableFormat
  readonly encoding: Encoding | null
  readonly delimiter: CsvDelimiter | null
  /** `''`: no character quotes. */
  readonly quote: CsvQuote | null
  readonly header: boolean | null
  /** Whether there are rows with another number of fields than the header. */
  readonly ragged: boolean | null
}

/** A reading with what is usual filled in. */
export function completeReading(form: UnusualReading & Pick<FileForm, 'delimiter'>): Reading {
  const { format = 'csv', encoding = 'utf-8', delimiter } = form
  const isCsv = format === 'csv'
  return {
    format,
    encoding: isTypedFormat(format) ? null : encoding,
    delimiter: isCsv ? (delimiter ?? ',') : null,
    quote: isCsv ? (form.quote ?? '"') : null,
    header: isCsv ? form.headless !== true : null,
    ragged: isCsv ? form.ragged === true : null,
  }
}

/** Only the members of a reading that are not usual: what was read before they were known keeps its identity. */
export function unusualOf({ format, encoding, quote, headless, ragged }: UnusualReading): UnusualReading {
  return {
    ...(format && { format }),
    ...(encoding && { encoding }),
    ...(quote !== undefined && { quote }),
    ...(headless && { headless }),
    ...(ragged && { ragged }),
  }
}

/** Name of the artifact with the bytes that a table was made from. */
export function rawName(format: TableFormat): string {
  return format === 'ndjson' ? 'raw.jsonl' : `raw.${format}`
}

/** The refusal of bytes that are no text in the encoding that was stated or found. */
export function encodingRefused(
  format: TextFormat,
  encoding: Encoding,
  byteOffset: number,
  what: string,
  place?: { readonly at: string; readonly line: number },
): MlforgeError {
  const names = { 'utf-8': 'UTF-8', 'utf-16le': 'UTF-16LE', 'utf-16be': 'UTF-16BE' } as const
  const name = encoding in names ? names[encoding as keyof typeof names] : encoding
  const where = place
    ? `in the ${place.at} (line ${place.line}), at byte ${byteOffset},`
    : `at byte ${byteOffset}`
  return new MlforgeError(
    `${format}_encoding`,
    `The file is not ${name}: ${where} stands ${what}. State its encoding with the upload, for example ?encoding=windows-1252 (${ENCODINGS.join(', ')}), or convert it to UTF-8.`,
    { ...(place && { row: place.at, line: place.line }), byteOffset, encoding },
  )
}
