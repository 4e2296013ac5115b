import type { ConversionSpec } from './conversion.js'
import { type CsvQuote, QUOTES } from './csv-header.js'

export interface RawRow {
  /** Number in the file, from 1. */
  readonly row: number
  /** Line on which it begins, from 1. */
  readonly line: number
  /** Without its line ending. */
  readonly text: string
}

export interface RowsForm {
  /** `''`: line feeds always end a row. */
  readonly quote: CsvQuote
  /** Lines before the first row. */
  readonly header: boolean
  /** Bytes of lines that are no rows, besides the line feed; null where a blank line is a row of a missing value. */
  readonly blank: readonly number[] | null
}

const LF = 0x0a
const CR = 0x0d
const BLANKS = [0x20, 0x09, CR]

/** How the rows of a text are told apart. */
export function rowsForm(conversion: ConversionSpec): RowsForm {
  if (conversion.format === 'ndjson') return { quote: '', header: false, blank: BLANKS }
  const { quote = '"', headless = false, header } = conversion
  return { quote, header: !headless, blank: header.length > 1 ? [CR] : null }
}

/** Cuts a checked text in UTF-8 into its rows while its bytes stream by, and hands on those that are wanted. */
export class RowCutter {
  private readonly quote: number
  private isQuoted = false
  private row = 0
  private line = 1
  private rowLine = 1
  private isHeader: boolean
  private parts: Uint8Array[] = []

  constructor(
    private readonly form: RowsForm,
    /** Whether the row of this number, from 1, is wanted: its bytes are held. */
    private readonly isWanted: (row: number) => boolean,
  ) {
    this.quote = QUOTES[form.quote]
    this.isHeader = form.header
  }

  /** The wanted rows that end in these bytes. */
  push(chunk: Uint8Array): RawRow[] {
    const found: RawRow[] = []
    let from = 0
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i]!
      if (byte === this.quote) this.isQuoted = !this.isQuoted
      else if (byte === LF) {
        this.line++
        if (this.isQuoted) continue
        this.parts.push(chunk.subarray(from, i))
        this.endRow(found)
        from = i + 1
      }
    }
    if (from < chunk.length) this.parts.push(new Uint8Array(chunk.subarray(from)))
    return found
  }

  /** What stands behind the last line feed. */
  end(): RawRow[] {
    const found: RawRow[] = []
    if (this.parts.length > 0) this.endRow(found)
    return found
  }

  private endRow(found: RawRow[]): void {
    const { parts, rowLine } = this
    this.parts = []
    this.rowLine = this.line
    if (this.isHeader) {
      this.isHeader = false
      return
    }
    const { blank } = this.form
    if (blank !== null && parts.every(part => part.every(byte => blank.includes(byte)))) return
    this.row++
    if (!this.isWanted(this.row)) return
    found.push({ row: this.row, line: rowLine, text: decoded(parts) })
  }
}

function decoded(parts: readonly Uint8Array[]): string {
  const decoder = new TextDecoder()
  const text = parts.map(part => decoder.decode(part, { stream: true })).join('') + decoder.decode()
  return text.endsWith('\r') ? text.slice(0, -1) : text
}
