import { MlforgeError } from '../errors.js'
import {
  type Encoding,
  encodingRefused,
  isTypedFormat,
  type StatedReading,
  type TableFormat,
  type TypedFormat,
} from './reading.js'

/** How many bytes of a file tell what it is, where it is no text. */
export const HEAD_BYTES = 8

const LIST_FIRST = 0x5b
const OBJECT_FIRST = 0x7b

interface Known {
  readonly name: string
  readonly magic: readonly number[]
  readonly advice: string
}

const UNPACK = 'Unpack it, and send what is in it.'

/** Files that begin so are recognised, and not read. */
const NOT_READ: readonly Known[] = [
  {
    name: 'a file of Feather version 1',
    magic: [...ascii('FEA1')],
    advice: 'Write it as Feather version 2.',
  },
  { name: 'an encrypted Parquet file', magic: [...ascii('PARE')], advice: 'Send it decrypted.' },
  { name: 'an ORC file', magic: [...ascii('ORC')], advice: 'Write it as Parquet.' },
  { name: 'an Avro file', magic: [...ascii('Obj'), 1], advice: 'Write it as Parquet.' },
  { name: 'a gzip file', magic: [0x1f, 0x8b], advice: UNPACK },
  { name: 'a zstd file', magic: [0x28, 0xb5, 0x2f, 0xfd], advice: UNPACK },
  {
    name: 'a zip file or Excel workbook',
    magic: [...ascii('PK'), 3, 4],
    advice: 'Send the table in it as CSV or Parquet.',
  },
]

const MARKS: readonly { readonly encoding: Encoding; readonly mark: readonly number[] }[] = [
  { encoding: 'utf-8', mark: [0xef, 0xbb, 0xbf] },
  { encoding: 'utf-16le', mark: [0xff, 0xfe] },
  { encoding: 'utf-16be', mark: [0xfe, 0xff] },
]

/** What a file of typed columns begins with. */
export interface TypedStart {
  readonly format: TypedFormat
  readonly magic: string
  /** Arrow without magic at its ends. */
  readonly isStream?: true
}

const TYPED: readonly (TypedStart & { readonly bytes: readonly number[] })[] = [
  { format: 'parquet', magic: 'PAR1', bytes: ascii('PAR1') },
  { format: 'arrow', magic: 'ARROW1', bytes: [...ascii('ARROW1'), 0, 0] },
  { format: 'arrow', magic: 'a message of Arrow', bytes: [0xff, 0xff, 0xff, 0xff], isStream: true },
]

/**
 * How a file that begins as Parquet or Arrow does so; null for text.
 * @throws MlforgeError format_unsupported for one that begins as another binary format we know
 */
export function typedStart(head: Uint8Array): TypedStart | null {
  const known = NOT_READ.find(({ magic }) => begins(head, magic))
  if (known) {
    throw new MlforgeError(
      'format_unsupported',
      `The file is ${known.name}, which is not read. ${known.advice}`,
    )
  }
  return TYPED.find(({ bytes }) => begins(head, bytes)) ?? null
}

/**
 * The encoding of a text: what its byte order mark says, else what is stated, else UTF-8, which is checked as
 * the text is read.
 * @throws MlforgeError csv_encoding or ndjson_encoding where mark and statement differ
 */
export function encodingOf(head: Uint8Array, { encoding, format }: StatedReading): Encoding {
  const marked = MARKS.find(({ mark }) => begins(head, mark))?.encoding
  if (marked === undefined || encoding === undefined || marked === encoding)
    return encoding ?? marked ?? 'utf-8'
  throw encodingRefused(format === 'ndjson' ? format : 'csv', encoding, 0, `the byte order mark of ${marked}`)
}

/** Whether a text that begins so may be JSON lines: only then its first line has to be looked at. */
export function mayBeJson(first: number): boolean {
  return first === OBJECT_FIRST || first === LIST_FIRST
}

/** Whether the first line of a text is an object of JSON. */
export function isJsonObject(line: string): boolean {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
  } catch {
    return false
  }
}

/** What is said of a text that begins as JSON does, and is refused as CSV. */
export function asJson({ code, message, details }: MlforgeError): MlforgeError {
  const advice =
    'The file looks like JSON, of which JSON lines are read: one object a line, with no list around them and no line ends within. Write it so, and send it with ?format=ndjson.'
  return new MlforgeError(code, `${advice} As CSV it was refused: ${message}`, details)
}

const NAMES = { csv: 'CSV', ndjson: 'JSON lines', parquet: 'Parquet', arrow: 'Arrow' } as const

/** @throws MlforgeError format_mismatch where a file is stated to be in another format than it is */
export function assertFormat(stated: TableFormat | undefined, found: TableFormat, evidence: string): void {
  if (stated === undefined || stated === found) return
  throw new MlforgeError(
    'format_mismatch',
    `The file is sent as ${NAMES[stated]}, but it is ${found === 'csv' ? 'none' : NAMES[found]}: ${evidence}. Send it with ?format=${found}, or send another file.`,
    { stated, found },
  )
}

/**
 * What is said of the text of a file means nothing for others.
 * @throws MlforgeError invalid_request
 */
export function assertMeaningful(format: TableFormat, stated: StatedReading): void {
  const ofCsv = (['delimiter', 'quote', 'header', 'ragged'] as const).filter(
    name => format !== 'csv' && stated[name] !== undefined,
  )
  const wrong = [...ofCsv, ...(isTypedFormat(format) && stated.encoding !== undefined ? ['encoding'] : [])]
  if (wrong.length === 0) return
  const problems = wrong.map(at => ({ at, message: `${NAMES[format]} has no ${at}. Leave it out.` }))
  throw new MlforgeError('invalid_request', `${problems[0]!.at}: ${problems[0]!.message}`, { problems })
}

function begins(bytes: Uint8Array, magic: readonly number[]): boolean {
  return bytes.length >= magic.length && magic.every((byte, i) => bytes[i] === byte)
}

function ascii(text: string): number[] {
  return [...text].map(character => character.charCodeAt(0))
}
