/** What a message of Arrow IPC is, as far as its framing and its order go. */
export interface ArrowMessage {
  readonly kind: 'schema' | 'dictionary' | 'records' | 'other'
  /** Bytes that follow the metadata. */
  readonly bodyBytes: number
  /** Only of schemas: numbers are written with their largest byte first. */
  readonly isBigEndian: boolean
}

const KINDS = { 1: 'schema', 2: 'dictionary', 3: 'records' } as const

/** Fields of the tables, by their number (Message.fbs, Schema.fbs). */
const HEADER_TYPE = 1
const HEADER = 2
const BODY_LENGTH = 3
const ENDIANNESS = 0

/**
 * Reads what is needed of the metadata of a message (Apache Arrow columnar format, "Encapsulated message format"):
 * a table of FlatBuffers.
 * @throws RangeError where it points outside of itself
 */
export function arrowMessage(metadata: Uint8Array): ArrowMessage {
  const view = new DataView(metadata.buffer, metadata.byteOffset, metadata.byteLength)
  const message = view.getUint32(0, true)
  const type = field(view, message, HEADER_TYPE)
  const header = field(view, message, HEADER)
  const body = field(view, message, BODY_LENGTH)
  const code = type === null ? 0 : view.getUint8(type)
  const kind = code in KINDS ? KINDS[code as keyof typeof KINDS] : 'other'
  const bodyBytes = body === null ? 0 : Number(view.getBigInt64(body, true))
  if (header === null || bodyBytes < 0) throw new RangeError('Message without a header')
  const table = header + view.getUint32(header, true)
  assertVectors(view, table, kind)
  const endianness = kind === 'schema' ? field(view, table, ENDIANNESS) : null
  return { kind, bodyBytes, isBigEndian: endianness !== null && view.getInt16(endianness, true) !== 0 }
}

/** Vectors of the tables, by their number, with the bytes of one element. */
const VECTORS = {
  schema: [[1, 4]],
  records: [
    [1, 16],
    [2, 16],
    [4, 8],
  ],
} as const
const DICTIONARY_DATA = 1

/** A length that is larger than the message would be believed by who reads it. */
function assertVectors(view: DataView, table: number, kind: ArrowMessage['kind']): void {
  if (kind === 'other') return
  if (kind === 'dictionary') {
    const data = field(view, table, DICTIONARY_DATA)
    if (data === null) throw new RangeError('Dictionary without values')
    return assertVectors(view, data + view.getUint32(data, true), 'records')
  }
  for (const [at, bytes] of VECTORS[kind]) {
    const found = field(view, table, at)
    if (found === null) continue
    const vector = found + view.getUint32(found, true)
    const end = vector + 4 + view.getUint32(vector, true) * bytes
    if (end > view.byteLength) throw new RangeError('Vector past the end')
  }
}

/** Where a field of a table stands; null where the table does not have it. */
function field(view: DataView, table: number, at: number): number | null {
  const fields = table - view.getInt32(table, true)
  const entry = 4 + 2 * at
  if (entry + 2 > view.getUint16(fields, true)) return null
  const offset = view.getUint16(fields + entry, true)
  return offset === 0 ? null : table + offset
}
