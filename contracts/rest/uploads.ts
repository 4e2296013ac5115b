export type TableFormat = 'csv' | 'ndjson' | 'parquet' | 'arrow'

export type TextEncoding = 'utf-8' | 'utf-16le' | 'utf-16be' | 'latin1' | 'windows-1252'

/** What is said of a file that is sent, in the query; the rest is found in it. */
export interface UploadQuery {
  fileName?: string
  format?: TableFormat
  /** Of text. UTF-8, and UTF-16 with a byte order mark, are found. */
  encoding?: TextEncoding
  /** The following are of CSV. */
  delimiter?: 'comma' | 'semicolon' | 'tab' | 'pipe'
  quote?: 'double' | 'single' | 'none'
  header?: 'true' | 'false'
  /** Rows with another number of fields refuse the file, which is the default, or are kept to be put aside. */
  ragged?: 'refuse' | 'keep'
}

/** How a file is read: null for what its format does not have. */
export interface FileReading {
  format: TableFormat
  encoding: TextEncoding | null
  /** The character. */
  delimiter: string | null
  /** The character; the empty text: none. */
  quote: string | null
  header: boolean | null
  /** Whether there are rows with another number of fields than the header, which a commit puts aside. */
  ragged: boolean | null
}

/** A file that came whole and is well-formed. Commit it as a dataset version by its id. */
export interface Upload {
  id: string
  fileName: string | null
  sha256: string
  bytes: number
  /** As it was stated or found; it is what a commit of the file reads it with. */
  reading: FileReading
  /** Of CSV. */
  delimiter: string | null
  /** Null of Parquet, whose columns and rows are read by the commit. */
  columns: string[] | null
  rows: number | null
  createdAt: string
}
