import { MlforgeError, type Problem } from '../errors.js'

/** The delimiters we read, most usual first, with their bytes. */
export const DELIMITERS = { ',': 0x2c, ';': 0x3b, '\t': 0x09, '|': 0x7c } as const

export type CsvDelimiter = keyof typeof DELIMITERS

/** The characters that quote a field, with their bytes; the empty one: none does. */
export const QUOTES = { '"': 0x22, "'": 0x27, '': -1 } as const

export type CsvQuote = keyof typeof QUOTES

const LF = 0x0a
/** Names that may well be values: numbers, and dates and times that begin with a year. */
const LIKE_A_VALUE =
  /^([+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?|[0-9]{4}-[0-9]{2}-[0-9]{2}([T ].*)?)$/

/** Collects bytes until the first line feed outside quotes: the header of a CSV file. */
export class HeaderBuffer {
  private buffer = new Uint8Array(4096)
  private length = 0
  private quoted = false
  private readonly quote: number

  constructor(quote: CsvQuote = '"') {
    this.quote = QUOTES[quote]
  }

  /** Whether the header is complete. */
  append(chunk: Uint8Array): boolean {
    if (this.length + chunk.length > this.buffer.length) {
      const larger = new Uint8Array(Math.max(2 * this.buffer.length, this.length + chunk.length))
      larger.set(this.bytes())
      this.buffer = larger
    }
    this.buffer.set(chunk, this.length)
    this.length += chunk.length
    for (const byte of chunk) {
      if (byte === this.quote) this.quoted = !this.quoted
      else if (byte === LF && !this.quoted) return true
    }
    return false
  }

  bytes(): Uint8Array {
    return this.buffer.subarray(0, this.length)
  }
}

/** The candidate that stands most often between the names of a header; undefined for a single column. */
export function detectDelimiter(bytes: Uint8Array, quote: CsvQuote = '"'): CsvDelimiter | undefined {
  const counts = new Map<number, number>(Object.values(DELIMITERS).map(byte => [byte, 0]))
  let quoted = false
  for (const byte of bytes) {
    if (byte === QUOTES[quote]) quoted = !quoted
    else if (quoted) continue
    else if (byte === LF) break
    else if (counts.has(byte)) counts.set(byte, counts.get(byte)! + 1)
  }
  let best: CsvDelimiter | undefined
  let most = 0
  for (const [delimiter, byte] of Object.entries(DELIMITERS) as [CsvDelimiter, number][]) {
    if (counts.get(byte)! > most) {
      best = delimiter
      most = counts.get(byte)!
    }
  }
  return best
}

/** The single quote where every name of a header is within two of them, else the double one. */
export function detectQuote(line: string): CsvQuote {
  return /^\uFEFF?'[^'"]*'([,;\t|]'[^'"]*')*\r?\n?$/.test(line) ? "'" : '"'
}

/** The names in a well-formed header line, without quotes, byte order mark and surrounding spaces. */
export function headerNames(line: string, delimiter: CsvDelimiter, quote: CsvQuote = '"'): string[] {
  const names: string[] = []
  let name = ''
  let quoted = false
  const text = line.replace(/^\uFEFF/, '').replace(/\r?\n$/, '')
  for (let i = 0; i < text.length; i++) {
    const char = text[i]!
    if (char === quote && quoted && text[i + 1] === quote) {
      name += char
      i++
    } else if (char === quote) quoted = !quoted
    else if (char === delimiter && !quoted) {
      names.push(name.trim())
      name = ''
    } else name += char
  }
  names.push(name.trim())
  return names
}

/**
 * A first line that holds nothing but numbers and dates may be a row of a file without a header.
 * @throws MlforgeError csv_header_ambiguous
 */
export function assertHeader(names: readonly string[]): void {
  if (!names.every(name => LIKE_A_VALUE.test(name))) return
  throw new MlforgeError(
    'csv_header_ambiguous',
    `The first line may be a header or the first row: ${names.slice(0, 5).join(', ')}. State with the upload what it is: ?header=true or ?header=false.`,
    { columns: names.slice(0, 20) },
  )
}

/** Names of the columns of a file that has none. */
export function madeNames(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `column${i + 1}`)
}

/** @throws MlforgeError csv_empty, csv_duplicate_columns. Answers what else is wrong with the names. */
export function checkNames(names: readonly string[]): Problem[] {
  if (names.length === 1 && names[0] === '') {
    throw new MlforgeError(
      'csv_empty',
      'The first line is blank. Begin the file with the names of its columns.',
    )
  }
  const positions = new Map<string, number[]>()
  names.forEach((name, i) => {
    const key = name.toLowerCase()
    if (name !== '') positions.set(key, [...(positions.get(key) ?? []), i])
  })
  const duplicates = [...positions.values()].filter(at => at.length > 1)
  if (duplicates.length > 0) {
    const listed = duplicates.map(
      at =>
        `${[...new Set(at.map(i => `"${names[i]}"`))].join(' and ')} (columns ${at.map(i => i + 1).join(', ')})`,
    )
    throw new MlforgeError(
      'csv_duplicate_columns',
      `The header repeats ${listed.join('; ')}. Give each column a name of its own; upper and lower case do not tell names apart.`,
      { columns: [...new Set(duplicates.flatMap(at => at.map(i => names[i]!)))] },
    )
  }
  return names.flatMap((name, i) =>
    name === '' ? [{ at: 'header', message: `column ${i + 1} has no name` }] : [],
  )
}
