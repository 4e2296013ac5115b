import { utf8 } from '../routing/murmur3.js'

const SHIFTS = [7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21]
const SINES = Uint32Array.from({ length: 64 }, (_, i) => Math.floor(Math.abs(Math.sin(i + 1)) * 2 ** 32))

/**
 * MD5 of a text's UTF-8 bytes as four 32-bit words, least significant bytes first (RFC 1321). For hashing
 * values as SQL can too; it protects nothing.
 */
function md5Words(text: string): [number, number, number, number] {
  const words = padded(utf8(text))
  let [a0, b0, c0, d0] = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476]
  for (let block = 0; block < words.length; block += 16) {
    let [a, b, c, d] = [a0, b0, c0, d0]
    for (let i = 0; i < 64; i++) {
      const round = i >> 4
      const [mixed, at] = mix(round, i, b, c, d)
      const sum = (mixed + a + SINES[i]! + words[block + at]!) | 0
      const by = SHIFTS[round * 4 + (i & 3)]!
      ;[a, d, c, b] = [d, c, b, (b + ((sum << by) | (sum >>> (32 - by)))) | 0]
    }
    ;[a0, b0, c0, d0] = [(a0 + a) | 0, (b0 + b) | 0, (c0 + c) | 0, (d0 + d) | 0]
  }
  return [a0 >>> 0, b0 >>> 0, c0 >>> 0, d0 >>> 0]
}

/** The 32 hexadecimal digits. */
export function md5(text: string): string {
  const digits = md5Words(text).flatMap(word => [0, 8, 16, 24].map(by => (word >>> by) & 0xff))
  return digits.map(byte => byte.toString(16).padStart(2, '0')).join('')
}

/**
 * The bucket, from 0, of a text: the last 8 bytes of the MD5 of `<seed>:<text>` as a number, least significant
 * first, modulo the buckets. DuckDB: `md5_number_lower(seed || ':' || text) % buckets`.
 * @param buckets at most 2^20
 */
export function bucketOf(text: string, buckets: number, seed = 0): number {
  const [, , low, high] = md5Words(`${seed}:${text}`)
  return ((high % buckets) * (2 ** 32 % buckets) + (low % buckets)) % buckets
}

function mix(round: number, i: number, b: number, c: number, d: number): [mixed: number, word: number] {
  if (round === 0) return [(b & c) | (~b & d), i]
  if (round === 1) return [(d & b) | (~d & c), (5 * i + 1) & 15]
  if (round === 2) return [b ^ c ^ d, (3 * i + 5) & 15]
  return [c ^ (b | ~d), (7 * i) & 15]
}

/** The bytes, a 1 bit, zeros, and the length in bits, as words of little-endian blocks. */
function padded(bytes: readonly number[]): Int32Array {
  const words = new Int32Array((((bytes.length + 8) >> 6) + 1) * 16)
  for (const [i, byte] of [...bytes, 0x80].entries()) words[i >> 2]! |= byte << ((i & 3) * 8)
  words[words.length - 2] = bytes.length << 3
  words[words.length - 1] = Math.floor(bytes.length / 2 ** 29)
  return words
}
