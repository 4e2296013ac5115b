import { MlforgeError, type Problem } from '../errors.js'
import { joined } from './joined.js'
import { MAX_COLUMNS, MAX_ROW_BYTES } from './csv-check.js'
import { encodingRefused } from './reading.js'
import { Utf8Validator } from './utf8.js'

export interface JsonLinesSummary {
  /** The members of all objects, in the order in which they come first. */
  readonly columns: readonly string[]
  /** Lines that are not blank. */
  readonly rows: number
  readonly bytes: number
}

const LF = 0x0a
const LISTED = 20
const LONE_SURROGATE = /\p{Surrogate}/u
/** What no text in Postgres may have, nor one of CSV. */
const NULL_CHARACTER = /\0/

/**
 * Checks the structure of JSON lines (UTF-8, one object a line, blank lines between them) while their bytes
 * stream by; one line is held. Lines are counted from 1.
 */
export class JsonLinesChecker {
  private readonly columns = new Map<string, number>()
  private readonly problems: Problem[] = []
  private problemCount = 0
  /** The beginning of a line whose end has not come. */
  private parts: Uint8Array[] = []
  private held = 0
  private line = 0
  private rows = 0
  private offset = 0

  /** @throws MlforgeError ndjson_encoding, ndjson_malformed for a line that is too long, duplicate_columns */
  push(chunk: Uint8Array): void {
    for (let from = 0; from < chunk.length;) {
      const end = chunk.indexOf(LF, from)
      const part = chunk.subarray(from, end < 0 ? chunk.length : end)
      this.held += part.length
      if (this.held > MAX_ROW_BYTES) this.refuseLongLine()
      this.parts.push(part)
      if (end < 0) return
      this.endLine(1)
      from = end + 1
    }
  }

  /** To be called after the last chunk. @throws MlforgeError no_rows, and those of push */
  end(): JsonLinesSummary {
    if (this.held > 0) this.endLine(0)
    if (this.problemCount > 0) this.refuse()
    if (this.rows === 0)
      throw new MlforgeError('no_rows', 'The file has no rows. Send one JSON object a line.')
    const columns = [...this.columns.keys()]
    this.checkNames(columns)
    return { columns, rows: this.rows, bytes: this.offset }
  }

  private endLine(ending: number): void {
    this.line++
    const bytes = this.parts.length === 1 ? this.parts[0]! : joined(...this.parts)
    const text = this.decoded(bytes).replace(/^[ \t\r]+|[ \t\r]+$/g, '')
    this.offset += this.held + ending
    this.parts = []
    this.held = 0
    if (text === '') return
    this.rows++
    this.take(text)
  }

  private take(text: string): void {
    let value: unknown
    try {
      value = JSON.parse(text)
    } catch (error) {
      return this.problem(`is no JSON: ${(error as Error).message.replace(/ in JSON at position.*$/s, '')}`)
    }
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      return this.problem(
        `is no object, but ${Array.isArray(value) ? 'a list' : JSON.stringify(value).slice(0, 50)}`,
      )
    }
    if (text.includes('\\u')) {
      if (hasText(LONE_SURROGATE, value)) return this.problem('has half a surrogate pair in a text')
      if (hasText(NULL_CHARACTER, value)) return this.problem('has a null character in a text')
    }
    const names = Object.keys(value)
    if (countMembers(text) > names.length) this.refuseRepeated()
    for (const name of names) if (!this.columns.has(name)) this.columns.set(name, this.line)
  }

  private decoded(bytes: Uint8Array): string {
    try {
      // Also leaves out a byte order mark.
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: this.line > 1 }).decode(bytes)
    } catch {
      const at = firstInvalid(bytes)
      const what =
        at < bytes.length ? `0x${bytes[at]!.toString(16)} outside any character` : 'half a character'
      const place = { at: `row ${this.rows + 1}`, line: this.line }
      throw encodingRefused('ndjson', 'utf-8', this.offset + at, what, place)
    }
  }

  private checkNames(names: readonly string[]): void {
    const first = new Map<string, string>()
    for (const name of names) {
      if (name === '') throw malformed(`line ${this.columns.get(name)}`, 'has a member without a name')
      const other = first.get(name.toLowerCase())
      if (other !== undefined) throw duplicateColumns([other, name], `"${other}" and "${name}"`)
      first.set(name.toLowerCase(), name)
    }
    if (names.length > MAX_COLUMNS) {
      throw malformed('file', `has ${names.length} different members; at most ${MAX_COLUMNS} are read`)
    }
    if (names.length === 0) throw malformed('file', 'has no member in any of its objects')
  }

  private refuseRepeated(): never {
    throw duplicateColumns([], `a member of the object on line ${this.line}`)
  }

  private refuseLongLine(): never {
    throw malformed(`line ${this.line + 1}`, `is longer than the ${MAX_ROW_BYTES} bytes a row may have`)
  }

  private problem(message: string): void {
    if (this.problemCount++ < LISTED) this.problems.push({ at: `line ${this.line}`, message })
  }

  private refuse(): never {
    const [first] = this.problems
    throw malformed(first!.at, first!.message, this.problems, this.problemCount)
  }
}

/** The refusal of names that are there twice, whatever their case. */
export function duplicateColumns(columns: readonly string[], what: string): MlforgeError {
  return new MlforgeError(
    'duplicate_columns',
    `The file repeats ${what}. Give each column a name of its own; upper and lower case do not tell names apart.`,
    { columns },
  )
}

function malformed(
  at: string,
  message: string,
  problems: readonly Problem[] = [{ at, message }],
  problemCount = 1,
): MlforgeError {
  const more = problemCount > 1 ? `, and ${problemCount - 1} more` : ''
  return new MlforgeError(
    'ndjson_malformed',
    `The file is not well-formed JSON lines: ${at} ${message}${more}. Write one object a line, and send it again.`,
    { problems, problemCount },
  )
}

function firstInvalid(bytes: Uint8Array): number {
  const utf8 = new Utf8Validator()
  let start = 0
  for (const [i, byte] of bytes.entries()) {
    if (utf8.pending === 0) start = i
    if ((utf8.pending > 0 || byte >= 0x80) && !utf8.accepts(byte)) return start
  }
  return utf8.pending > 0 ? start : bytes.length
}

/** Members of the outer object as it is written: JSON.parse keeps the last of those with one name. */
function countMembers(text: string): number {
  let depth = 0
  let count = 0
  for (let i = 0; i < text.length; i++) {
    switch (text.charCodeAt(i)) {
      case 0x22:
        for (i++; text.charCodeAt(i) !== 0x22; i++) if (text.charCodeAt(i) === 0x5c) i++
        break
      case 0x7b:
      case 0x5b:
        depth++
        break
      case 0x7d:
      case 0x5d:
        depth--
        break
      case 0x3a:
        if (depth === 1) count++
    }
  }
  return count
}

/** Whether a name or a text somewhere in a value has it. */
function hasText(what: RegExp, value: unknown): boolean {
  if (typeof value === 'string') return what.test(value)
  if (typeof value !== 'object' || value === null) return false
  return Object.entries(value).some(([key, member]) => what.test(key) || hasText(what, member))
}
