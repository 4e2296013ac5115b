import { deflateRawSync } from 'node:zlib'

/** Beyond this share of its bytes a chunk is stored as it is: reading it back would cost more than it saves. */
const PAYS = 0.7
const SAMPLE_BYTES = 4_096
/**
 * Bits of entropy in a byte: with more, no Huffman code saves anything, as in images, archives and noise. Of a
 * sample of n bytes, those of noise are 8 - 255 / (2 n ln 2) (Miller, 1955, "Note on the bias of information
 * estimates").
 */
const MOST_ENTROPY = 7.85
const BIAS = 255 / (2 * Math.LN2)

/** Raw deflate of a chunk; null where a sample of it, or the whole, says that it does not pay. */
export function compressed(chunk: Uint8Array): Uint8Array | null {
  const size = Math.min(SAMPLE_BYTES, chunk.length)
  if (entropyOf(chunk, size) > MOST_ENTROPY - BIAS / size) return null
  if (chunk.length > 2 * size) {
    const from = (chunk.length - size) >> 1
    if (deflated(chunk.subarray(from, from + size)).length > PAYS * size) return null
  }
  const result = deflated(chunk)
  return result.length <= PAYS * chunk.length ? result : null
}

function deflated(bytes: Uint8Array): Uint8Array {
  return deflateRawSync(bytes, { level: 1, memLevel: 9, chunkSize: Math.max(64, bytes.length) })
}

/** Of some bytes spread evenly over a chunk. */
function entropyOf(chunk: Uint8Array, size: number): number {
  const counts = new Uint16Array(256)
  const step = chunk.length / size
  for (let i = 0; i < size; i++) counts[chunk[Math.floor(i * step)]!]!++
  let bits = 0
  for (const count of counts) if (count > 0) bits -= (count / size) * Math.log2(count / size)
  return bits
}
