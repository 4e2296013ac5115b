import { createHash, randomBytes, randomInt } from 'node:crypto'

/** Time of the last UUIDv7 of this process, and its place among those of the same millisecond. */
let [lastMs, place] = [0, 0]
/** Room of 12 bits, of which the first of a millisecond draws from the lower half. */
const PLACES = 0x1000

/**
 * UUIDv7 (RFC 9562, section 5.7): sorts by the time it was made, those of one process in the order in which they
 * were made (section 6.2, method 1), also where the clock is set back.
 */
export function uuidv7(now = Date.now()): string {
  if (now > lastMs) [lastMs, place] = [now, randomInt(PLACES / 2)]
  else if (++place === PLACES) [lastMs, place] = [lastMs + 1, randomInt(PLACES / 2)]
  const bytes = randomBytes(16)
  bytes.writeUIntBE(lastMs, 0, 6)
  bytes.writeUInt16BE(place, 6)
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
