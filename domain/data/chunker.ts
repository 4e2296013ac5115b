import { GEAR } from './gear.js'

/** Bytes of a chunk, at least (but for the last one), on average, and at most. */
export const MIN_CHUNK = 16 * 1024
export const AVERAGE_CHUNK = 64 * 1024
export const MAX_CHUNK = 256 * 1024

/** Bytes that a cut depends on: older ones have left the 32 bits of the hash. */
const WINDOW = 32
/** A binding of another module would be looked up for each byte, which takes half of the time. */
const TABLE = GEAR
/** 18 of the highest bits before the average, 14 after it: 16 with normalisation level 2. */
const STRICT = ~0 << 14
const LOOSE = ~0 << 18

/**
 * Where the chunk that begins at `from` ends: content-defined chunking by a gear hash, normalised, with cut
 * points skipped below the minimum (FastCDC: Xia et al., USENIX ATC 2016, sections 3.2 to 3.5). The same bytes
 * are cut in the same places wherever they stand, so an insertion moves the cuts around it and no others.
 * @param bytes in which the chunk begins, with at least MAX_CHUNK bytes from there on unless the content ends
 * @param end of the bytes that are there
 * @returns the position after the chunk
 */
export function endOfChunk(bytes: Uint8Array, from: number, end: number): number {
  const least = from + MIN_CHUNK
  if (end <= least) return end
  const most = Math.min(end, from + MAX_CHUNK)
  const usual = Math.min(most, from + AVERAGE_CHUNK)
  return firstCut(bytes, least, usual, STRICT) ?? firstCut(bytes, usual, most, LOOSE) ?? most
}

/** The position after the first byte of a range at which the hash of its window has none of some bits. */
function firstCut(bytes: Uint8Array, from: number, to: number, bits: number): number | null {
  let hash = 0
  // Always 32 bits: where it could be more, it is computed as a double, three times as slowly.
  for (let at = from - WINDOW; at < from; at++) hash = ((hash << 1) + TABLE[bytes[at]!]!) | 0
  let at = from
  // Two bytes at a time: the second hash does not wait for the first one, which makes it half as fast again.
  for (; at + 1 < to; at += 2) {
    const gear = TABLE[bytes[at]!]!
    const first = ((hash << 1) + gear) | 0
    hash = ((hash << 2) + (((gear << 1) + TABLE[bytes[at + 1]!]!) | 0)) | 0
    if ((first & bits) === 0) return at + 1
    if ((hash & bits) === 0) return at + 2
  }
  if (at < to && ((((hash << 1) + TABLE[bytes[at]!]!) | 0) & bits) === 0) return at + 1
  return null
}

/**
 * Cuts content that comes in pieces of any size. Chunks are those of the whole content in one piece.
 * @param take gets each chunk in order; its bytes are valid until it returns
 */
export class Chunker {
  /** What has come and is not cut yet begins at `from` and ends at `end`. */
  private readonly buffer = new Uint8Array(4 * MAX_CHUNK)
  private from = 0
  private end = 0

  constructor(private readonly take: (chunk: Uint8Array) => void) {}

  push(piece: Uint8Array): void {
    for (let read = 0; read < piece.length;) {
      if (this.end === this.buffer.length) this.makeRoom()
      const part = piece.subarray(read, read + this.buffer.length - this.end)
      this.buffer.set(part, this.end)
      this.end += part.length
      read += part.length
      while (this.end - this.from >= MAX_CHUNK) this.cut()
    }
  }

  /** There is no more. Of empty content there is no chunk. */
  finish(): void {
    while (this.from < this.end) this.cut()
  }

  private cut(): void {
    const to = endOfChunk(this.buffer, this.from, this.end)
    this.take(this.buffer.subarray(this.from, to))
    this.from = to
  }

  private makeRoom(): void {
    this.buffer.copyWithin(0, this.from, this.end)
    this.end -= this.from
    this.from = 0
  }
}
