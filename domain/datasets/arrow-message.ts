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
const FOOTER_SCHEMA = 1

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
  const table = target(view, header)
  assertVectors(view, message, kind, table)
  return { kind, bodyBytes, isBigEndian: kind === 'schema' && isBigEndian(view, table) }
}

/**
 * Looks at the footer of a file as at a message.
 * @returns whether its numbers are written with their largest byte first
 * @throws RangeError where it points outside of itself
 */
export function isBigEndianFooter(bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const footer = target(view, 0)
  const schema = field(view, footer, FOOTER_SCHEMA)
  if (schema === null) throw new RangeError('Footer without a schema')
  const check = new VectorCheck(view)
  check.table(footer, 'footer')
  check.table(target(view, schema), 'schema')
  return isBigEndian(view, target(view, schema))
}

function isBigEndian(view: DataView, schema: number): boolean {
  const endianness = field(view, schema, ENDIANNESS)
  return endianness !== null && view.getInt16(endianness, true) !== 0
}

/** Vectors of the tables, by their number, with the bytes of an element; those of tables have offsets to them. */
const VECTORS = {
  message: [{ at: 4, bytes: 4 }],
  footer: [
    { at: 2, bytes: 24 },
    { at: 3, bytes: 24 },
    { at: 4, bytes: 4 },
  ],
  schema: [
    { at: 1, bytes: 4, of: 'field' },
    { at: 2, bytes: 4 },
  ],
  field: [
    { at: 5, bytes: 4, of: 'field' },
    { at: 6, bytes: 4 },
  ],
  union: [{ at: 1, bytes: 4 }],
  records: [
    { at: 1, bytes: 16 },
    { at: 2, bytes: 16 },
    { at: 4, bytes: 8 },
  ],
} as const satisfies Record<string, readonly Vector[]>

interface Vector {
  readonly at: number
  readonly bytes: number
  readonly of?: 'field'
}

const DICTIONARY_DATA = 1
const FIELD_TYPE = { kind: 2, table: 3, union: 14 } as const

/** Lengths of vectors are believed by who reads a message: all of them together fit into it. */
class VectorCheck {
  private left: number

  constructor(private readonly view: DataView) {
    this.left = view.byteLength
  }

  /** @throws RangeError */
  table(table: number, kind: keyof typeof VECTORS): void {
    const { view } = this
    for (const { at, bytes, of } of VECTORS[kind] as readonly Vector[]) {
      const found = field(view, table, at)
      if (found === null) continue
      const vector = target(view, found)
      const length = view.getUint32(vector, true)
      this.left -= length * bytes
      if (this.left < 0) throw new RangeError('Vectors that are longer than the message')
      for (let i = 0; of && i < length; i++) this.field(target(view, vector + 4 * (i + 1)))
    }
  }

  private field(at: number): void {
    const { view } = this
    this.table(at, 'field')
    const kind = field(view, at, FIELD_TYPE.kind)
    const type = field(view, at, FIELD_TYPE.table)
    if (kind === null || type === null || view.getUint8(kind) !== FIELD_TYPE.union) return
    this.table(target(view, type), 'union')
  }
}

function assertVectors(view: DataView, message: number, kind: ArrowMessage['kind'], header: number): void {
  const check = new VectorCheck(view)
  check.table(message, 'message')
  if (kind === 'schema' || kind === 'records') check.table(header, kind)
  if (kind !== 'dictionary') return
  const data = field(view, header, DICTIONARY_DATA)
  if (data === null) throw new RangeError('Dictionary without values')
  check.table(target(view, data), 'records')
}

/** Where an offset points to. */
function target(view: DataView, at: number): number {
  return at + view.getUint32(at, true)
}

/** Where a field of a table stands; null where the table does not have it. */
function field(view: DataView, table: number, at: number): number | null {
  const fields = table - view.getInt32(table, true)
  const entry = 4 + 2 * at
  if (entry + 2 > view.getUint16(fields, true)) return null
  const offset = view.getUint16(fields + entry, true)
  return offset === 0 ? null : table + offset
}
