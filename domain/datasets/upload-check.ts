import { MlforgeError } from '../errors.js'
import { ArrowFileChecker, ArrowStreamChecker } from './arrow-check.js'
import { CsvChecker, MAX_ROW_BYTES } from './csv-check.js'
import {
  asJson,
  assertFormat,
  assertMeaningful,
  encodingOf,
  HEAD_BYTES,
  isJsonObject,
  mayBeJson,
  typedStart,
} from './file-kind.js'
import { joined } from './joined.js'
import { JsonLinesChecker } from './json-lines-check.js'
import { ParquetChecker } from './parquet-check.js'
import {
  type Encoding,
  type FileForm,
  isTypedFormat,
  type StatedReading,
  type TextFormat,
} from './reading.js'
import { Transcoder } from './transcode.js'

/** What was found in a file that is well-formed; of Parquet and Arrow columns and rows are found when it is read. */
export interface UploadSummary extends Omit<FileForm, 'columns'> {
  readonly columns: readonly string[] | null
  readonly rows: number | null
}

/** Takes bytes of a format, and says at their end what they are. */
interface Checker {
  push(chunk: Uint8Array): void
  end(): UploadSummary
}

/**
 * Recognises the format of a file and checks its structure while its bytes stream by. What is stated holds;
 * where the content says otherwise the file is refused. How the bytes are cut into chunks makes no difference.
 */
export class UploadChecker {
  private head = new Uint8Array(0)
  private checker: Checker | undefined

  constructor(private readonly stated: StatedReading = {}) {}

  /**
   * Takes the next bytes.
   * @throws MlforgeError format_mismatch, format_unsupported, invalid_request for what is stated, and those of
   * ArrowStreamChecker, CsvChecker, JsonLinesChecker and Transcoder: stop reading the file then
   */
  push(chunk: Uint8Array): void {
    if (this.checker) return this.checker.push(chunk)
    this.head = joined(this.head, chunk)
    if (this.head.length >= HEAD_BYTES) this.begin()
  }

  /** To be called after the last chunk. @throws MlforgeError parquet_malformed, arrow_malformed, and those of push */
  end(): UploadSummary {
    if (!this.checker) this.begin()
    return this.checker!.end()
  }

  private begin(): void {
    const { stated, head } = this
    const start = typedStart(head)
    if (start) {
      const { format, magic, isStream } = start
      assertFormat(stated.format, format, `it begins with ${magic}`)
      assertMeaningful(format, stated)
      this.checker = format === 'parquet' ? parquet() : arrow(isStream === true)
    } else {
      const { format } = stated
      if (format !== undefined && isTypedFormat(format)) assertFormat(format, 'csv', NOT_TYPED[format])
      this.checker = new TextChecker(stated, encodingOf(head, stated))
    }
    this.checker.push(head)
  }
}

const NOT_TYPED = {
  parquet: 'it does not begin with PAR1',
  arrow: 'it begins neither with ARROW1 nor with a message',
} as const

/** Text: made UTF-8 first, then told apart by its first line. */
class TextChecker implements Checker {
  private readonly transcoder: Transcoder | null
  private start = new Uint8Array(0)
  private checker: Checker | undefined

  constructor(
    private readonly stated: StatedReading,
    private readonly encoding: Encoding,
  ) {
    const format = stated.format === 'ndjson' ? 'ndjson' : 'csv'
    this.transcoder = encoding === 'utf-8' ? null : new Transcoder(encoding, format)
  }

  push(chunk: Uint8Array): void {
    const bytes = this.transcoder?.push(chunk) ?? chunk
    if (this.checker) return this.checker.push(bytes)
    this.start = joined(this.start, bytes)
    const format = this.formatOf(false)
    if (format !== null) this.begin(format)
  }

  end(): UploadSummary {
    this.transcoder?.end()
    if (!this.checker) this.begin(this.formatOf(true)!)
    const { encoding } = this
    return { ...this.checker!.end(), ...(encoding !== 'utf-8' && { encoding }) }
  }

  /** Null while more bytes are needed. */
  private formatOf(isWhole: boolean): TextFormat | null {
    const { start, stated } = this
    const from = firstCharacter(start)
    if (from < 0)
      return isWhole || start.length > MAX_ROW_BYTES ? (stated.format === 'ndjson' ? 'ndjson' : 'csv') : null
    if (!mayBeJson(start[from]!)) return 'csv'
    // A statement is enough, and the checker tells where such lines are none.
    if (stated.format === 'ndjson') return 'ndjson'
    const end = start.indexOf(0x0a, from)
    if (end < 0 && !isWhole && start.length <= MAX_ROW_BYTES) return null
    const line = new TextDecoder().decode(start.subarray(from, end < 0 ? start.length : end))
    return isJsonObject(line) ? 'ndjson' : 'csv'
  }

  private begin(format: TextFormat): void {
    const { stated } = this
    const evidence = format === 'csv' ? 'it begins with no object' : 'its first line is an object'
    assertFormat(stated.format, format, evidence)
    assertMeaningful(format, stated)
    const from = firstCharacter(this.start)
    const isLikeJson = stated.format === undefined && from >= 0 && mayBeJson(this.start[from]!)
    this.checker = format === 'ndjson' ? jsonLines() : isLikeJson ? orJson(csv(stated)) : csv(stated)
    this.checker.push(this.start)
  }
}

function csv({ delimiter, quote, header, ragged }: StatedReading): Checker {
  const checker = new CsvChecker({
    ...(delimiter !== undefined && { delimiter }),
    ...(quote !== undefined && { quote }),
    ...(header !== undefined && { header }),
    ...(ragged !== undefined && { ragged }),
  })
  return {
    push: chunk => checker.push(chunk),
    end: () => {
      const { bytes: _, hasBom: __, ...summary } = checker.end()
      return summary
    },
  }
}

/** A text that begins as JSON does may be CSV. Where it is none, it is told what is read of JSON. */
function orJson(checker: Checker): Checker {
  const attempt = <T>(work: () => T): T => {
    try {
      return work()
    } catch (error) {
      if (error instanceof MlforgeError) throw asJson(error)
      throw error
    }
  }
  return {
    push: chunk => attempt(() => checker.push(chunk)),
    end: () => attempt(() => checker.end()),
  }
}

function jsonLines(): Checker {
  const checker = new JsonLinesChecker()
  return {
    push: chunk => checker.push(chunk),
    end: () => {
      const { columns, rows } = checker.end()
      return { format: 'ndjson', columns, rows }
    },
  }
}

function parquet(): Checker {
  const checker = new ParquetChecker()
  return {
    push: chunk => checker.push(chunk),
    end: () => {
      checker.end()
      return { format: 'parquet', columns: null, rows: null }
    },
  }
}

function arrow(isStream: boolean): Checker {
  const checker = isStream ? new ArrowStreamChecker() : new ArrowFileChecker()
  return {
    push: chunk => checker.push(chunk),
    end: () => {
      checker.end()
      return { format: 'arrow', columns: null, rows: null }
    },
  }
}

/** Where a text begins behind its byte order mark and blanks; -1 where it has not. */
function firstCharacter(bytes: Uint8Array): number {
  const from = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0
  for (let i = from; i < bytes.length; i++) if (![0x20, 0x09, 0x0a, 0x0d].includes(bytes[i]!)) return i
  return -1
}
