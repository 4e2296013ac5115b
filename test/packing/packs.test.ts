import { hash, randomBytes } from 'node:crypto'
import { rmSync, writeFileSync } from 'node:fs'
import { inflateRawSync } from 'node:zlib'
import { afterAll, describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { FOOTER_BYTES, MAX_PIECE_BYTES } from '../../domain/data/pack.js'
import { PACK_BYTES, Packing } from '../../packing/packing.js'
import { readChunk, verifyPack } from '../../packing/read-chunk.js'
import { madeBytes } from '../domain/data/made-bytes.js'
import { collect, directory, piecesOf, stored } from './files.js'

const files = directory()
const packing = new Packing({ threads: 2 })
afterAll(async () => {
  await packing.close()
  files.remove()
})

const pieceOf = (content: Uint8Array) => ({
  sha256: hash('sha256', content, 'hex'),
  bytes: content.length,
  from: { content },
})
const csv = (rows: number): Buffer =>
  Buffer.from(Array.from({ length: rows }, (_, i) => `${i},2026-01-${i % 28},${i * 0.37},red\n`).join(''))

describe('packs', () => {
  it('hold each chunk once, as their index says, and are named by their hash', async () => {
    const contents = [madeBytes(20 * 1024 * 1024, 1), csv(500_000), csv(500_000), madeBytes(100, 2)]
    const paths = contents.map((content, i) => {
      writeFileSync(files.path(`${i}`), content)
      return files.path(`${i}`)
    })
    const scanned = await collect(packing.scan(paths))
    const wanted = new Map(scanned.flatMap(piecesOf).map(piece => [piece.sha256, piece]))
    const node = pieceOf(Buffer.from('{"v":1}'))
    const packs = await collect(packing.packs([...scanned.flatMap(piecesOf), node, node]))

    expect(packs.length).toBeGreaterThan(1)
    const found = new Map<string, Uint8Array>()
    for (const { sha256, content, chunks } of packs) {
      expect(hash('sha256', content, 'hex')).toBe(sha256)
      const entries = verifyPack(content)
      expect(entries).toEqual(chunks.toSorted((a, b) => (a.sha256 < b.sha256 ? -1 : 1)))
      expect(await packing.verify(stored(content))).toEqual(entries)
      expect(chunks.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThan(PACK_BYTES + 256 * 1024)
      for (const entry of entries) {
        expect(found.has(entry.sha256)).toBe(false)
        const stored = content.subarray(entry.offset, entry.offset + entry.stored)
        found.set(entry.sha256, readChunk(stored, entry))
      }
    }
    expect([...found.keys()].toSorted()).toEqual([...wanted.keys(), node.sha256].toSorted())
    scanned.forEach(({ chunks }, i) => {
      expect(Buffer.concat(chunks.map(({ chunk }) => found.get(chunk)!)).equals(contents[i]!)).toBe(true)
    })
  })

  it('are made in the memory of those that nobody needs any more', async () => {
    const contents = Array.from({ length: 5 }, (_, i) => madeBytes(PACK_BYTES, i + 10))
    const pieces = contents.flatMap(content =>
      Array.from({ length: 16 }, (_, i) => pieceOf(content.subarray(i * (1 << 20), (i + 1) * (1 << 20)))),
    )
    const plain = (await collect(packing.packs(pieces))).map(({ sha256 }) => sha256)
    const again: string[] = []
    const reused: Uint8Array[] = []
    for await (const pack of packing.packs(pieces)) {
      expect(verifyPack(pack.content)).toHaveLength(pack.chunks.length)
      again.push(pack.sha256)
      packing.reuse(pack)
      reused.push(pack.content)
    }
    // Handed over, to the thread that has made another one in it.
    expect(reused.some(content => content.byteLength === 0)).toBe(true)
    expect(again).toEqual(plain)
    // A smaller one does not show what was there before.
    packing.reuse((await collect(packing.packs(pieces.slice(0, 16))))[0]!)
    const [small] = await collect(packing.packs([pieceOf(Buffer.from('small'))]))
    expect(verifyPack(small!.content)).toHaveLength(1)
    expect(small!.sha256).toBe((await collect(packing.packs([pieceOf(Buffer.from('small'))])))[0]!.sha256)
  })

  it('are the same for the same pieces', async () => {
    const pieces = [1, 2, 3].map(seed => pieceOf(madeBytes(9_000_000 / seed / 4, seed)))
    const twice = [await collect(packing.packs(pieces)), await collect(packing.packs(pieces))]
    expect(twice[0]!.map(({ sha256 }) => sha256)).toEqual(twice[1]!.map(({ sha256 }) => sha256))
  })

  it('compress text, and store what would not get smaller as it is', async () => {
    const jpegLike = randomBytes(64 * 1024)
    const codecs = async (content: Uint8Array) => {
      const [pack] = await collect(packing.packs([pieceOf(content)]))
      return pack!.chunks[0]!
    }
    expect((await codecs(csv(4_000))).codec).toBe('deflate')
    expect((await codecs(csv(4_000))).stored).toBeLessThan(0.5 * csv(4_000).length)
    expect((await codecs(csv(40))).codec).toBe('deflate')
    expect((await codecs(Buffer.alloc(256 * 1024))).stored).toBeLessThan(2_000)
    expect((await codecs(jpegLike)).codec).toBe('none')
    expect((await codecs(jpegLike.subarray(0, 1_000))).codec).toBe('none')
    expect((await codecs(Buffer.from(jpegLike.toString('base64')))).codec).toBe('none')
    expect((await codecs(Buffer.from('x'))).codec).toBe('none')
  })

  it('of any pieces can be read back', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 })), async contents => {
        const packs = await collect(packing.packs(contents.map(pieceOf)))
        const read = packs.flatMap(({ content, chunks }) =>
          chunks.map(entry =>
            Buffer.from(
              readChunk(content.subarray(entry.offset, entry.offset + entry.stored), entry),
            ).toString('hex'),
          ),
        )
        expect(read).toEqual([...new Set(contents.map(content => Buffer.from(content).toString('hex')))])
      }),
    )
  })

  it.each([
    ['has other bytes', (path: string) => writeFileSync(path, madeBytes(100_000, 8))],
    ['is shorter', (path: string) => writeFileSync(path, madeBytes(10, 7))],
    ['is gone', (path: string) => rmSync(path)],
  ])('are not made of a file that %s since it was cut', async (_, change) => {
    const path = files.path('changed')
    writeFileSync(path, madeBytes(100_000, 7))
    const [scanned] = await collect(packing.scan([path]))
    change(path)
    const packs = collect(packing.packs(piecesOf(scanned!)))
    await expect(packs).rejects.toMatchObject({ code: 'file_changed', details: { file: path } })
  })
})

describe('verify', () => {
  const whole = async () =>
    (await collect(packing.packs([pieceOf(csv(100)), pieceOf(madeBytes(500, 1))])))[0]!

  it('finds any byte that is not what it was', async () => {
    const { content, chunks } = await whole()
    expect(verifyPack(content)).toHaveLength(2)
    // Some bits behind the end of a deflate stream mean nothing, and the name of the pack guards them.
    const padding = chunks.find(({ codec }) => codec === 'deflate')!
    for (let at = 0; at < content.length; at++) {
      const broken = Uint8Array.from(content)
      broken[at]! ^= at === padding.offset + padding.stored - 1 ? 1 : 1 + (at % 255)
      let code: unknown
      try {
        verifyPack(broken)
      } catch (error) {
        code = (error as { code?: unknown }).code
      }
      // The last byte is the version of the format.
      expect([at, code]).toEqual([at, at === content.length - 1 ? 'unsupported_format' : 'object_corrupt'])
    }
  })

  it('refuses packs that lack bytes, and files that are none', async () => {
    const { content } = await whole()
    const path = files.path('pack')
    writeFileSync(path, content)
    expect(await packing.verify(path)).toEqual(verifyPack(content))
    for (const bytes of [
      content.subarray(1),
      content.subarray(0, -1),
      content.subarray(-FOOTER_BYTES),
      Buffer.concat([content.subarray(0, 8), Buffer.from('more'), content.subarray(8)]),
      new Uint8Array(0),
    ]) {
      writeFileSync(path, bytes)
      await expect(packing.verify(path)).rejects.toMatchObject({ code: 'object_corrupt' })
    }
    await expect(packing.verify(files.path('none'))).rejects.toMatchObject({ code: 'not_found' })
  })

  it('inflates no more than a chunk says that it has', () => {
    const bytes = Buffer.alloc(100_000)
    const entry = { sha256: hash('sha256', bytes, 'hex'), codec: 'deflate' as const }
    const bomb = Buffer.from('4bf40100', 'hex')
    expect(inflateRawSync(Buffer.from('0300', 'hex'))).toHaveLength(0)
    expect(() => readChunk(bomb, { ...entry, bytes: 100 })).toThrow(/corrupt/)
    expect(() => readChunk(bytes, { ...entry, codec: 'none', bytes: 10 })).toThrow(/100000 bytes instead/)
    expect(() => readChunk(bytes, { ...entry, bytes: MAX_PIECE_BYTES + 1 })).toThrow(/more than any/)
  })
})
