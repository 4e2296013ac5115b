/**
 * MurmurHash3_x86_32 of a text's UTF-8 bytes: a whole number of 0 to 2^32 - 1, the same in every language
 * (Appleby, `MurmurHash3.cpp`, public domain; checked against its published vectors). It spreads keys
 * evenly and is not cryptographic: who knows the salt can pick keys.
 * @param seed whole number of 0 to 2^32 - 1
 */
export function murmur3(text: string, seed = 0): number {
  const bytes = utf8(text)
  const blocks = bytes.length & ~3
  let hash = seed | 0
  for (let at = 0; at < blocks; at += 4) {
    const word = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
    hash = (Math.imul(rotate(hash ^ scramble(word), 13), 5) + 0xe6546b64) | 0
  }
  let tail = 0
  for (let at = bytes.length - 1; at >= blocks; at--) tail = (tail << 8) | bytes[at]!
  hash ^= scramble(tail) ^ bytes.length
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

function scramble(word: number): number {
  return Math.imul(rotate(Math.imul(word, 0xcc9e2d51), 15), 0x1b873593)
}

function rotate(value: number, by: number): number {
  return (value << by) | (value >>> (32 - by))
}

/** UTF-8 as TextEncoder writes it (lone surrogates become U+FFFD); the workflow sandbox need not have one. */
export function utf8(text: string): number[] {
  const bytes: number[] = []
  for (const character of text) {
    const point = character.codePointAt(0)!
    const code = point >= 0xd800 && point <= 0xdfff ? 0xfffd : point
    if (code < 0x80) bytes.push(code)
    else if (code < 0x800) bytes.push(0xc0 | (code >> 6), continuation(code))
    else if (code < 0x10000) bytes.push(0xe0 | (code >> 12), continuation(code >> 6), continuation(code))
    else
      bytes.push(0xf0 | (code >> 18), continuation(code >> 12), continuation(code >> 6), continuation(code))
  }
  return bytes
}

function continuation(bits: number): number {
  return 0x80 | (bits & 0x3f)
}
