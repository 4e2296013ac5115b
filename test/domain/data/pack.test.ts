import { createHash } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import {
  FOOTER_BYTES,
  packHeader,
  packTrailer,
  type PackEntry,
  readPackIndex,
} from '../../../domain/data/pack.js'

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest()
const hex = (text: string) => createHash('sha256').update(text).digest('hex')

/** Chunks that stand one after the other, behind the header. */
function entriesOf(sizes: readonly number[]): PackEntry[] {
  let offset = packHeader().length
  return sizes.map((size, i) => {
    const isPacked = i % 3 === 2
    const entry: PackEntry = {
      sha256: hex(`chunk ${i}`),
      offset,
      stored: isPacked ? Math.ceil(size / 2) : size,
      bytes: size,
      codec: isPacked ? 'deflate' : 'none',
    }
    offset += entry.stored
    return entry
  })
}

const endOf = (entries: readonly PackEntry[]) =>
  entries.reduce((end, { stored }) => end + stored, packHeader().length)

describe('a pack', () => {
  it('is the one of the test vector', () => {
    expect(Buffer.from(packHeader()).toString('hex')).toBe('4d4c465041434b01')
    expect(hex(Buffer.from(packTrailer(entriesOf([5, 6, 7]), sha256)).toString('hex'))).toBe(
      '59524b0eae1ace2b473ef2b524ad1917d379ceb3fed4b4394dee4e11f9474ed7',
    )
  })

  it('has an index that is read as it was written, in the order of the hashes', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 262_144 }), { maxLength: 200 }), sizes => {
        const entries = entriesOf(sizes)
        const trailer = packTrailer(entries, sha256)
        expect(readPackIndex(trailer, endOf(entries) + trailer.length, sha256)).toEqual(
          entries.toSorted((a, b) => (a.sha256 < b.sha256 ? -1 : 1)),
        )
      }),
    )
  })

  it('is refused where any byte of its index is another, or it is cut', () => {
    const entries = entriesOf([5, 6, 7])
    const trailer = packTrailer(entries, sha256)
    const size = endOf(entries) + trailer.length
    for (let at = 0; at < trailer.length; at++) {
      for (const bit of [1, 0x80]) {
        const damaged = Uint8Array.from(trailer)
        damaged[at]! ^= bit
        expect(() => readPackIndex(damaged, size, sha256)).toThrow(
          expect.objectContaining({ code: expect.stringMatching(/^(object_corrupt|unsupported_format)$/) }),
        )
      }
      expect(() => readPackIndex(trailer.subarray(at + 1), size, sha256)).toThrow('no whole pack')
    }
    const longer = Uint8Array.of(0, ...trailer)
    expect(() => readPackIndex(longer, size + 1, sha256)).toThrow('another length')
  })

  it.each<[string, Partial<PackEntry>]>([
    ['before the chunks', { offset: 0 }],
    ['beyond them', { offset: 1_000 }],
    ['of two lengths', { bytes: 6 }],
    ['larger than any, and than the database has numbers', { bytes: 4_000_000_000, codec: 'deflate' }],
  ])('is refused where a chunk is %s', (_, change) => {
    const entries = entriesOf([5]).map(entry => ({ ...entry, ...change }))
    const trailer = packTrailer(entries, sha256)
    expect(() => readPackIndex(trailer, 13 + trailer.length, sha256)).toThrow('no whole pack')
  })

  it('is refused where a chunk is there twice, or its codec is not known', () => {
    const [entry] = entriesOf([5])
    const twice = packTrailer([entry!, entry!], sha256)
    expect(() => readPackIndex(twice, 13 + twice.length, sha256)).toThrow('not in order')
    const strange = packTrailer([{ ...entry!, codec: 'none' }], sha256)
    strange[47] = 9
    strange.set(sha256(strange.subarray(0, 48)), 52)
    expect(strange).toHaveLength(48 + FOOTER_BYTES)
    expect(() => readPackIndex(strange, 13 + strange.length, sha256)).toThrow('unknown codec 9')
  })
})
