import { createHash } from 'node:crypto'

const { imul } = Math

/** Bytes of the test vectors: sha256 of `<seed>/<block>`, block by block. */
export function vectorBytes(size: number, seed: number): Buffer {
  const blocks: Buffer[] = []
  for (let block = 0; block * 32 < size; block++) {
    blocks.push(createHash('sha256').update(`${seed}/${block}`).digest())
  }
  return Buffer.concat(blocks).subarray(0, size)
}

/** Bytes that look random, the same for the same seed (mulberry32). */
export function madeBytes(size: number, seed: number): Buffer {
  const words = new Int32Array(Math.ceil(size / 4))
  let state = imul(seed + 1, 0x9e3779b9)
  for (let i = 0; i < words.length; i++) {
    state = (state + 0x6d2b79f5) | 0
    let word = imul(state ^ (state >>> 15), state | 1)
    word ^= word + imul(word ^ (word >>> 7), word | 61)
    words[i] = word ^ (word >>> 14)
  }
  return Buffer.from(words.buffer, 0, size)
}
