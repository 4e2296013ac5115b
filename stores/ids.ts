import { createHash, randomBytes } from 'node:crypto'

/** UUIDv7 (RFC 9562, section 5.7): sorts by the time it was made. */
export function uuidv7(now = Date.now()): string {
  const bytes = randomBytes(16)
  bytes.writeUIntBE(now, 0, 6)
  return format(bytes, 7)
}

/** A UUIDv8 (RFC 9562, section 5.8) that is always the same for the same parts. */
export function derivedId(...parts: readonly string[]): string {
  return format(createHash('sha256').update(JSON.stringify(parts)).digest().subarray(0, 16), 8)
}

/** Lower-case hexadecimal SHA-256 of a text or of bytes. */
export function sha256Hex(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex')
}

function format(bytes: Buffer, version: 7 | 8): string {
  bytes[6] = (bytes[6]! & 0x0f) | (version << 4)
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}
