const MAGIC = 0x184d2204
/** Shortest match of a block. */
const LEAST = 4
/** Bytes that are copied as fast one by one. */
const SHORT = 24

/**
 * The content of an LZ4 frame (LZ4 Frame Format 1.6.4, LZ4 Block Format), of which the length is known. Checksums are
 * not looked at: the file has none of its own either where it is not compressed.
 * @throws RangeError where the frame does not hold exactly so many bytes
 */
export function lz4Frame(frame: Uint8Array, bytes: number): Uint8Array<ArrayBuffer> {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength)
  const out = new Uint8Array(bytes)
  if (view.getUint32(0, true) !== MAGIC) throw new RangeError('no frame of LZ4')
  const flags = view.getUint8(4)
  if (flags >> 6 !== 1 || (flags & 1) !== 0) throw new RangeError('a frame of LZ4 of another version')
  const hasBlockChecksums = (flags & 0x10) !== 0
  const hasSize = (flags & 0x08) !== 0
  let at = hasSize ? 15 : 7
  let made = 0
  for (;;) {
    const size = view.getUint32(at, true)
    at += 4
    if (size === 0) break
    const length = size & 0x7fffffff
    if (at + length > frame.length) throw new RangeError('a block of LZ4 that is cut off')
    const block = frame.subarray(at, at + length)
    if (size >>> 31 === 1) {
      out.set(block, made)
      made += length
    } else {
      made = unpackBlock(block, out, made)
    }
    at += length + (hasBlockChecksums ? 4 : 0)
  }
  if (made !== bytes) throw new RangeError(`a frame of LZ4 with ${made} bytes, where ${bytes} are announced`)
  return out
}

/** Appends what a block holds. Matches may begin in blocks before it. @returns the end of what is there then */
function unpackBlock(block: Uint8Array, out: Uint8Array, from: number): number {
  let at = 0
  let made = from
  const longer = (length: number): number => {
    let sum = length
    if (length !== 15) return sum
    for (let more = 255; more === 255;) {
      if (at >= block.length) throw new RangeError('a length of LZ4 that is cut off')
      more = block[at++]!
      sum += more
    }
    return sum
  }
  while (at < block.length) {
    const token = block[at++]!
    const literals = longer(token >> 4)
    if (at + literals > block.length || made + literals > out.length) {
      throw new RangeError('literals of LZ4 past their end')
    }
    if (literals > SHORT) out.set(block.subarray(at, at + literals), made)
    else for (let i = 0; i < literals; i++) out[made + i] = block[at + i]!
    at += literals
    made += literals
    if (at === block.length) break
    if (at + 2 > block.length) throw new RangeError('an offset of LZ4 that is cut off')
    const offset = block[at]! | (block[at + 1]! << 8)
    at += 2
    const length = longer(token & 15) + LEAST
    if (offset === 0 || offset > made || made + length > out.length) {
      throw new RangeError('a match of LZ4 past its end')
    }
    if (offset >= length && length > SHORT) out.copyWithin(made, made - offset, made - offset + length)
    else for (let i = 0; i < length; i++) out[made + i] = out[made - offset + i]!
    made += length
  }
  return made
}
