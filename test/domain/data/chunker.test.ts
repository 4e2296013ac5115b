import { createHash } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { AVERAGE_CHUNK, Chunker, endOfChunk, MAX_CHUNK, MIN_CHUNK } from '../../../domain/data/chunker.js'
import { GEAR } from '../../../domain/data/gear.js'
import { madeBytes, vectorBytes } from './made-bytes.js'

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

/** Lengths of the chunks of content that comes in pieces. */
function lengths(bytes: Uint8Array, pieces: readonly number[] = [bytes.length]): number[] {
  const found: number[] = []
  const chunker = new Chunker(chunk => void found.push(chunk.length))
  let from = 0
  for (const size of pieces) {
    chunker.push(bytes.subarray(from, from + size))
    from += size
  }
  chunker.push(bytes.subarray(from))
  chunker.finish()
  return found
}

const starts = (sizes: readonly number[]) => {
  let at = 0
  return sizes.map(size => (at += size) - size)
}

function hashes(bytes: Uint8Array): Set<string> {
  const sizes = lengths(bytes)
  return new Set(starts(sizes).map((start, i) => sha256(bytes.subarray(start, start + sizes[i]!))))
}

describe('the gear table', () => {
  it('is the one of the format', () => {
    for (let byte = 0; byte < 256; byte++) {
      const digest = createHash('sha256').update(`MLForge gear 1 ${byte}`).digest()
      expect(GEAR[byte]).toBe(digest.readInt32BE(0))
    }
    expect(GEAR).toHaveLength(256)
  })
})

describe('chunks', () => {
  it('are those of the test vector', () => {
    const bytes = vectorBytes(1_000_000, 1)
    expect(sha256(bytes)).toBe('37a8b82af41fe98665976ea0611131b28f5b85de18b02ed95f5c2089132aec94')
    expect(lengths(bytes)).toEqual([
      82093, 66644, 71299, 52283, 86397, 65718, 72585, 57977, 110679, 62329, 143267, 65647, 40414, 22668,
    ])
  })

  it.each([
    ['nothing', 0, []],
    ['a byte', 1, [1]],
    ['as much as the least', MIN_CHUNK, [MIN_CHUNK]],
    ['what is never cut', 2 * MAX_CHUNK + 5, [MAX_CHUNK, MAX_CHUNK, 5]],
  ])('of %s', (_, size, expected) => {
    expect(lengths(new Uint8Array(size))).toEqual(expected)
  })

  it('have sizes around the average, within the bounds', () => {
    const sizes = lengths(madeBytes(32 << 20, 2))
    for (const size of sizes.slice(0, -1)) {
      expect(size).toBeGreaterThan(MIN_CHUNK)
      expect(size).toBeLessThanOrEqual(MAX_CHUNK)
    }
    const mean = (32 << 20) / sizes.length
    expect(mean).toBeGreaterThan(0.75 * AVERAGE_CHUNK)
    expect(mean).toBeLessThan(1.5 * AVERAGE_CHUNK)
  })

  it('are the content, and do not depend on the pieces in which it comes', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 1_200_000 }),
        fc.integer({ min: 0, max: 1_000 }),
        fc.array(fc.integer({ min: 0, max: 400_000 }), { maxLength: 20 }),
        (size, seed, pieces) => {
          const bytes = madeBytes(size, seed)
          const found: Buffer[] = []
          const chunker = new Chunker(chunk => void found.push(Buffer.from(chunk)))
          let from = 0
          for (const piece of pieces) {
            chunker.push(bytes.subarray(from, Math.min(size, from + piece)))
            from = Math.min(size, from + piece)
          }
          chunker.push(bytes.subarray(from))
          chunker.finish()
          expect(Buffer.concat(found).equals(bytes)).toBe(true)
          const whole: number[] = []
          for (let at = 0; at < size; at += whole.at(-1)!) whole.push(endOfChunk(bytes, at, size) - at)
          expect(found.map(chunk => chunk.length)).toEqual(whole)
        },
      ),
      { numRuns: 40 },
    )
  })

  it('stay what they are around an insertion, a deletion and a change', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 4_000_000 }),
        fc.integer({ min: 0, max: 300 }),
        fc.integer({ min: 0, max: 300 }),
        fc.integer({ min: 0, max: 100 }),
        (at, gone, come, seed) => {
          const bytes = madeBytes(4_000_000, 7)
          const changed = Buffer.concat([
            bytes.subarray(0, at),
            madeBytes(come, 1_000 + seed),
            bytes.subarray(at + gone),
          ])
          const before = hashes(bytes)
          const fresh = [...hashes(changed)].filter(hash => !before.has(hash))
          // The chunk that is hit, and those until a cut falls where one was: of 3,000 places 8 at 23, 1 at nearly
          // all others. The content has some sixty.
          expect(fresh.length).toBeLessThanOrEqual(16)
        },
      ),
      { numRuns: 30 },
    )
  })
})
