import { MlforgeError, type Problem } from '../errors.js'
import {
  assertHeader,
  checkNames,
  type CsvDelimiter,
  type CsvQuote,
  DELIMITERS,
  detectDelimiter,
  detectQuote,
  HeaderBuffer,
  headerNames,
  madeNames,
  QUOTES,
} from './csv-header.js'
import { encodingRefused } from './reading.js'
import { Utf8Validator } from './utf8.js'

export interface CsvOptions {
  /** Detected from the header among , ; tab | when not given. */
  readonly delimiter?: CsvDelimiter
  /** `"` when not given, or `'` where all names of the header are within two of them. */
  readonly quote?: CsvQuote
  /** False: the first line is a row. A first line of nothing but values is refused when not given. */
  readonly header?: boolean
  /** True: rows with another number of fields than the header are no problem. */
  readonly ragged?: boolean
  /** Longest row in bytes, line ending included. Default 1 MiB. */
  readonly maxRowBytes?: number
  /** How many problems are listed; all are counted. Default 20. */
  readonly maxProblems?: number
}

export interface CsvSummary {
  readonly delimiter: CsvDelimiter
  readonly columns: readonly string[]
  /** Data rows, without the header. */
  readonly rows: number
  readonly bytes: number
  readonly hasBom: boolean
  /** Only where it is not `"`. */
  readonly quote?: Exclude<CsvQuote, '"'>
  /** Only where there is no header: columns are named by their number. */
  readonly headless?: true
  /** Only where there are rows with another number of fields. */
  readonly ragged?: true
}

export const MAX_ROW_BYTES = 1 << 20
export const MAX_COLUMNS = 1000

const LF = 0x0a
const CR = 0x0d
const BOM = [0xef, 0xbb, 0xbf]

const FIELD_START = 0
const UNQUOTED = 1
const QUOTED = 2
/** After a quote inside a quoted field: its end, or the first half of "". */
const QUOTE_IN_QUOTED = 3
/** After a carriage return: only a line feed may follow. */
const RETURN = 4

/**
 * Checks the structure of a CSV file (RFC 4180, UTF-8, with a header) while its bytes stream by, in
 * constant memory: only the header is ever held. How the bytes are cut into chunks makes no
 * difference to the answer. Rows are data rows counted from 1, lines are lines of the file.
 */
export class CsvChecker {
  private readonly maxRowBytes: number
  private readonly maxProblems: number
  private readonly utf8 = new Utf8Validator()
  private readonly problems: Problem[] = []
  private problemCount = 0
  /** 1 for bytes that need a look. */
  private readonly special = new Uint8Array(256)

  private readonly header: HeaderBuffer
  private scanning = false
  private delimiter: CsvDelimiter
  private quote: CsvQuote
  private columns: readonly string[] = []
  private characterStart = 0
  private characterByte = 0
  /** How many bytes of a byte order mark have come. */
  private bom = 0

  private state = FIELD_START
  private offset = 0
  private rowStart = 0
  private rows = 0
  private hasRagged = false
  private fields = 1
  private line = 1
  private rowLine = 1
  private quoteLine = 1
  /** The first blank line since the last row; only a problem when another row follows. */
  private blankLine = 0
  /** Bytes at the end of each line: 1 for LF, 2 for CRLF, 0 while unknown. */
  private ending = 0
  private mixed = false

  constructor(private readonly options: CsvOptions = {}) {
    this.maxRowBytes = options.maxRowBytes ?? MAX_ROW_BYTES
    this.maxProblems = options.maxProblems ?? 20
    this.delimiter = options.delimiter ?? ','
    this.quote = options.quote ?? '"'
    this.header = new HeaderBuffer(this.quote)
  }

  /**
   * Takes the next bytes.
   * @throws MlforgeError csv_encoding, csv_row_too_long, csv_empty, csv_duplicate_columns,
   * csv_header_ambiguous at the byte
   * that shows it: stop reading the upload then.
   */
  push(chunk: Uint8Array): void {
    if (this.scanning) this.scan(chunk)
    else if (this.header.append(chunk) || this.header.bytes().length > this.maxRowBytes) this.begin()
  }

  /**
   * To be called after the last chunk.
   * @throws MlforgeError csv_empty, csv_header_only, csv_malformed (with `details.problems` and
   * `details.problemCount`), and those of push
   */
  end(): CsvSummary {
    if (!this.scanning) this.begin()
    if (this.utf8.pending > 0) this.refuseCharacter()
    if (this.state === QUOTED) {
      this.problem(this.rowName(), `the quote opened on line ${this.quoteLine} is never closed`)
    } else {
      if (this.state === RETURN) this.unexpected(RETURN)
      if (this.offset > this.rowStart) this.endRow(this.offset, false)
    }
    if (this.problemCount > 0) this.refuseMalformed()
    if (this.columns.length === 0) {
      throw new MlforgeError('csv_empty', 'The file is empty. Send a header line and at least one row.')
    }
    if (this.rows === 0) {
      throw new MlforgeError('csv_header_only', 'The file has a header but no rows. Send it with its rows.', {
        columns: this.columns,
      })
    }
    const { delimiter, columns, rows, offset: bytes, bom, quote } = this
    const isHeadless = this.options.header === false
    return {
      ...{ delimiter, columns, rows, bytes, hasBom: bom === 3 },
      ...(quote !== '"' && { quote }),
      ...(isHeadless && { headless: true as const }),
      ...(this.hasRagged && { ragged: true as const }),
    }
  }

  /** The header is complete, or as long as it may be: the delimiter is known and scanning begins. */
  private begin(): void {
    this.scanning = true
    const bytes = this.header.bytes()
    const line = bytes.subarray(0, this.maxRowBytes)
    this.quote = this.options.quote ?? detectQuote(this.firstLine(line))
    this.delimiter = this.options.delimiter ?? detectDelimiter(line, this.quote) ?? ','
    for (const byte of [0, LF, CR, DELIMITERS[this.delimiter]]) this.special[byte] = 1
    if (this.quote !== '') this.special[QUOTES[this.quote]] = 1
    this.special.fill(1, 0x80)
    this.scan(bytes)
  }

  private firstLine(bytes: Uint8Array): string {
    const end = bytes.indexOf(LF)
    return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end + 1))
  }

  private scan(chunk: Uint8Array): void {
    const { special, utf8 } = this
    const quote: number = QUOTES[this.quote]
    const base = this.offset
    const delimiter = DELIMITERS[this.delimiter]
    let state = this.state
    let i = 0
    while (i < chunk.length) {
      // No byte past the longest row is looked at, so that every chunking refuses at the same byte.
      const stop = Math.min(chunk.length, this.rowStart + this.maxRowBytes - base)
      if (i >= stop) this.refuseLongRow(state)
      const byte = chunk[i]!
      if (utf8.pending > 0 || byte >= 0x80) {
        if (utf8.pending === 0) {
          this.characterStart = base + i
          this.characterByte = byte
        }
        if (!utf8.accepts(byte)) this.refuseCharacter()
        if (base + i === this.bom && byte === BOM[this.bom]) this.bom++
        else if (state === FIELD_START) state = UNQUOTED
        else if (state > QUOTED) state = this.unexpected(state)
        i++
        continue
      }
      if (special[byte] === 0) {
        if (state === FIELD_START) state = UNQUOTED
        else if (state > QUOTED) state = this.unexpected(state)
        do i++
        while (i < stop && special[chunk[i]!] === 0)
        continue
      }
      i++
      if (byte === delimiter) {
        if (state === QUOTED) continue
        if (state === RETURN) this.unexpected(state)
        this.fields++
        state = FIELD_START
      } else if (byte === LF) {
        this.line++
        if (state === QUOTED) continue
        const ending = state === RETURN ? 2 : 1
        if (this.ending !== ending) this.otherEnding(ending)
        this.endRow(base + i, base + i - this.rowStart === ending)
        state = FIELD_START
      } else if (byte === quote) {
        if (state === QUOTED) state = QUOTE_IN_QUOTED
        else if (state === QUOTE_IN_QUOTED) state = QUOTED
        else if (state === FIELD_START) {
          state = QUOTED
          this.quoteLine = this.line
        } else if (state === RETURN) state = this.unexpected(state)
        else this.problem(this.rowName(), `field ${this.fields} has a quote in text that is not quoted`)
      } else if (byte === CR) {
        if (state === RETURN) this.unexpected(state)
        if (state !== QUOTED) state = RETURN
      } else {
        this.refuseEncoding(base + i - 1, 'a NUL byte, as in UTF-16 text or a binary file')
      }
    }
    this.state = state
    this.offset = base + chunk.length
  }

  /** Readers take the first line ending for that of the file, and misread quoted line feeds where it changes. */
  private otherEnding(ending: number): void {
    if (this.ending === 0) this.ending = ending
    else if (!this.mixed) {
      this.mixed = true
      const [now, before] = ending === 2 ? ['CRLF', 'LF'] : ['LF', 'CRLF']
      this.problem(
        `line ${this.line - 1}`,
        `ends with ${now}, the lines before with ${before}; use one of them`,
      )
    }
  }

  private endRow(end: number, blank: boolean): void {
    const { fields, rowLine } = this
    this.rowStart = end
    this.rowLine = this.line
    this.fields = 1
    if (this.columns.length === 0) {
      const line = new TextDecoder().decode(this.header.bytes().subarray(0, end))
      const names = headerNames(line, this.delimiter, this.quote)
      if (this.options.header === undefined) assertHeader(names)
      const isHeadless = this.options.header === false
      this.columns = isHeadless ? madeNames(names.length) : names
      if (isHeadless) this.rows++
      for (const { at, message } of checkNames(this.columns)) this.problem(at, message)
      if (this.columns.length > MAX_COLUMNS) {
        this.problem('header', `has ${this.columns.length} columns; at most ${MAX_COLUMNS} are read`)
      }
      return
    }
    // In a file of one column a blank line is a row whose value is missing.
    if (blank && this.columns.length > 1) {
      this.blankLine ||= rowLine
      return
    }
    if (this.blankLine > 0) {
      this.problem(`line ${this.blankLine}`, 'is blank, with rows after it')
      this.blankLine = 0
    }
    this.rows++
    if (fields === this.columns.length) return
    if (this.options.ragged === true) {
      this.hasRagged = true
      return
    }
    const count = fields === 1 ? '1 field' : `${fields} fields`
    this.problem(`row ${this.rows}`, `has ${count}, header has ${this.columns.length} (line ${rowLine})`)
  }

  /** Text where only the end of a field may stand. Goes on as if it had not been quoted. */
  private unexpected(state: number): number {
    this.problem(
      this.rowName(),
      state === RETURN
        ? `has a carriage return without a line feed (line ${this.line}); end lines with LF or CRLF`
        : `field ${this.fields} has text after its closing quote (line ${this.line}); write a quote inside quotes as ""`,
    )
    return UNQUOTED
  }

  private rowName(): string {
    const isHeader = this.columns.length === 0 && this.options.header !== false
    return isHeader ? 'header' : `row ${this.rows + 1}`
  }

  private problem(at: string, message: string): void {
    if (this.problemCount++ < this.maxProblems) this.problems.push({ at, message })
  }

  private refuseMalformed(): never {
    const [first] = this.problems
    const more = this.problemCount - 1
    throw new MlforgeError(
      'csv_malformed',
      `The file is not well-formed CSV: ${first!.at} ${first!.message}${more > 0 ? `, and ${more} more` : ''}. Correct it and send it again.`,
      { problems: this.problems, problemCount: this.problemCount },
    )
  }

  private refuseLongRow(state: number): never {
    const quote = state === QUOTED ? ` The quote opened on line ${this.quoteLine} may lack its end.` : ''
    throw new MlforgeError(
      'csv_row_too_long',
      `The ${this.rowName()} (line ${this.rowLine}) is longer than the ${this.maxRowBytes} bytes a row may have.${quote}`,
      { row: this.rowName(), line: this.rowLine, maxRowBytes: this.maxRowBytes },
    )
  }

  private refuseCharacter(): never {
    const { characterStart: start, characterByte: byte } = this
    const what =
      start === 0 && byte >= 0xfe
        ? 'a UTF-16 byte order mark'
        : `0x${byte.toString(16)} outside any character`
    this.refuseEncoding(start, what)
  }

  private refuseEncoding(offset: number, what: string): never {
    throw encodingRefused('csv', 'utf-8', offset, what, { at: this.rowName(), line: this.line })
  }
}
