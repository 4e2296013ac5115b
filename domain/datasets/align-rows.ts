import type { ConversionSpec } from './conversion.js'
import { DELIMITERS, QUOTES } from './csv-header.js'
import { rowsForm } from './raw-rows.js'

/** A row with another number of fields than there are columns. */
export interface RaggedRow {
  /** Number in the file, from 1. */
  readonly row: number
  readonly fields: number
}

const LF = 0x0a
const CR = 0x0d

/**
 * Makes of each row of a checked CSV file that has another number of fields a row of missing values, while its bytes
 * stream by, so that all rows keep their numbers and lines. Every line feed stays where it is in the order of lines.
 */
export class RowAligner {
  private readonly quote: number
  private readonly delimiter: number
  private readonly columns: number
  private readonly blank: readonly number[] | null
  private isHeader: boolean
  private isQuoted = false
  private row = 0
  private fields = 1
  /** Bytes of the row at hand that came before. */
  private held: Uint8Array[] = []
  private readonly filler: Uint8Array

  constructor(conversion: ConversionSpec) {
    const form = rowsForm(conversion)
    this.quote = QUOTES[form.quote]
    this.delimiter = DELIMITERS[conversion.delimiter ?? ',']
    this.columns = conversion.header.length
    this.blank = form.blank
    this.isHeader = form.header
    this.filler = new Uint8Array(this.columns - 1).fill(this.delimiter)
  }

  /** The bytes of the rows that end in these, aligned, and those of them that were not. */
  push(chunk: Uint8Array): { readonly bytes: Uint8Array[]; readonly ragged: RaggedRow[] } {
    const bytes: Uint8Array[] = []
    const ragged: RaggedRow[] = []
    let from = 0
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i]!
      if (byte === this.quote) this.isQuoted = !this.isQuoted
      else if (this.isQuoted) continue
      else if (byte === this.delimiter) this.fields++
      else if (byte === LF) {
        this.held.push(chunk.subarray(from, i + 1))
        this.endRow(bytes, ragged)
        from = i + 1
      }
    }
    if (from < chunk.length) this.held.push(new Uint8Array(chunk.subarray(from)))
    return { bytes, ragged }
  }

  /** What stands behind the last line feed. */
  end(): { readonly bytes: Uint8Array[]; readonly ragged: RaggedRow[] } {
    const bytes: Uint8Array[] = []
    const ragged: RaggedRow[] = []
    if (this.held.length > 0) this.endRow(bytes, ragged)
    return { bytes, ragged }
  }

  private endRow(bytes: Uint8Array[], ragged: RaggedRow[]): void {
    const { held, fields } = this
    this.held = []
    this.fields = 1
    const isRow = !this.isHeader && !this.isBlank(held)
    this.isHeader = false
    if (isRow) this.row++
    if (!isRow || fields === this.columns) {
      bytes.push(...held)
      return
    }
    ragged.push({ row: this.row, fields })
    bytes.push(this.filler, endingOf(held))
  }

  private isBlank(held: readonly Uint8Array[]): boolean {
    const { blank } = this
    return blank !== null && held.every(part => part.every(byte => byte === LF || blank.includes(byte)))
  }
}

function endingOf(held: readonly Uint8Array[]): Uint8Array {
  const last = held.at(-1)!
  if (last.at(-1) !== LF) return new Uint8Array()
  const before = last.length > 1 ? last.at(-2) : held.at(-2)?.at(-1)
  return before === CR ? Uint8Array.of(CR, LF) : Uint8Array.of(LF)
}
