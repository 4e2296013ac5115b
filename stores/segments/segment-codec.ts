import { crc32 } from 'node:zlib'
import { MlforgeError } from '../../domain/errors.js'
import type { PredictionRecord } from '../../domain/serving/prediction-record.js'

/** Length and CRC-32 of what follows, both little-endian. */
const HEADER_BYTES = 8

/** Larger than any record of ours: a length beyond it is no length. */
const MAX_RECORD_BYTES = 16 * 2 ** 20

/** A record of the prediction log: length, CRC-32 (ISO 3309, as zlib has it), JSON. */
export function encodeRecord(record: PredictionRecord): Buffer {
  const body = Buffer.from(JSON.stringify(record))
  const frame = Buffer.allocUnsafe(HEADER_BYTES + body.length)
  frame.writeUInt32LE(body.length, 0)
  frame.writeUInt32LE(crc32(body), 4)
  body.copy(frame, HEADER_BYTES)
  return frame
}

/** How many bytes of a segment are whole records: a process killed in the middle of a write leaves a torn tail. */
export function wholeBytes(segment: Buffer): number {
  let at = 0
  for (let end = frameEnd(segment, 0); end !== undefined; end = frameEnd(segment, at)) at = end
  return at
}

/**
 * The JSON texts of a segment's records, in their order, without parsing them.
 * @throws MlforgeError segment_corrupt for bytes that are no whole records
 */
export function* recordTexts(segment: Buffer): Generator<Buffer> {
  let at = 0
  while (at < segment.length) {
    const end = frameEnd(segment, at)
    if (end === undefined) {
      throw new MlforgeError(
        'segment_corrupt',
        `A segment of the prediction log of ${segment.length} bytes has no valid record at byte ${at}.`,
        { at },
      )
    }
    yield segment.subarray(at + HEADER_BYTES, end)
    at = end
  }
}

/** @throws MlforgeError segment_corrupt */
export function* decodeRecords(segment: Buffer): Generator<PredictionRecord> {
  for (const text of recordTexts(segment)) yield JSON.parse(text.toString()) as PredictionRecord
}

/** End of the record that begins at a byte, undefined where none does. */
function frameEnd(segment: Buffer, at: number): number | undefined {
  if (segment.length - at < HEADER_BYTES) return undefined
  const length = segment.readUInt32LE(at)
  const end = at + HEADER_BYTES + length
  if (length === 0 || length > MAX_RECORD_BYTES || end > segment.length) return undefined
  return crc32(segment.subarray(at + HEADER_BYTES, end)) === segment.readUInt32LE(at + 4) ? end : undefined
}
