import { execFileSync } from 'node:child_process'
import { appendFileSync, chmodSync, mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { afterAll, describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { MAX_CHUNK } from '../../domain/data/chunker.js'
import { cutLarge, SEGMENT_BYTES } from '../../packing/cut-large.js'
import { Packing } from '../../packing/packing.js'
import { madeBytes } from '../domain/data/made-bytes.js'
import { chunksOf, collect, directory } from './files.js'

const files = directory()
const one = new Packing({ threads: 1 })
const many = new Packing({ threads: 3 })
afterAll(async () => {
  await Promise.all([one.close(), many.close()])
  files.remove()
})

function made(name: string, content: Uint8Array): string {
  writeFileSync(files.path(name), content)
  return files.path(name)
}

describe('scan', () => {
  it('cuts files as the chunker cuts them whole, in the order in which they come', async () => {
    const sizes = [0, 1, 16_384, 65_537, 1_000_000, 0, 3 * MAX_CHUNK, 5_000_000]
    const contents = sizes.map((size, i) => madeBytes(size, i))
    const paths = contents.map((content, i) => made(`small-${i}`, content))
    for (const packing of [one, many]) {
      const found = await collect(packing.scan(paths))
      expect(found.map(({ file }) => file)).toEqual(paths)
      expect(found.map(({ chunks }) => chunks)).toEqual(contents.map(chunksOf))
      expect(found.map(({ bytes, stat }) => [bytes, stat.size])).toEqual(sizes.map(size => [size, size]))
    }
    expect(chunksOf(new Uint8Array(0))).toEqual([])
  })

  it('gives the bytes of files of one chunk where they are asked for', async () => {
    const contents = [0, 1, 16_384, 1_000_000].map((size, i) => madeBytes(size, i))
    const paths = contents.map((content, i) => made(`asked-${i}`, content))
    const found = await collect(many.scan(paths, { withContent: true }))
    expect(found.map(({ content }) => content)).toEqual([
      undefined,
      new Uint8Array(contents[1]!),
      new Uint8Array(contents[2]!),
      undefined,
    ])
    for (const { content } of await collect(many.scan(paths))) expect(content).toBeUndefined()
  })

  it('cuts many small files, from a list that is made meanwhile', async () => {
    const paths = Array.from({ length: 1_000 }, (_, i) => made(`tiny-${i}`, madeBytes(i, i)))
    async function* listed(): AsyncGenerator<string> {
      for (const path of paths) yield await Promise.resolve(path)
    }
    const seen: number[] = []
    const found = await collect(many.scan(listed(), { onProgress: bytes => seen.push(bytes) }))
    expect(found.map(({ file, bytes }) => [file, bytes])).toEqual(paths.map((path, i) => [path, i]))
    expect(seen.at(-1)).toBe((1_000 * 999) / 2)
    expect(seen).toEqual(seen.toSorted((a, b) => a - b))
  })

  it.each([
    ['noise', madeBytes(5 * SEGMENT_BYTES + 12_345, 7)],
    ['zeros', new Uint8Array(3 * SEGMENT_BYTES)],
    ['zeros behind noise', Buffer.concat([madeBytes(100_001, 1), Buffer.alloc(3 * SEGMENT_BYTES)])],
    ['a file that repeats itself', Buffer.alloc(3 * SEGMENT_BYTES + 5, madeBytes(70_001, 3))],
  ])('cuts a large file by many threads as one cuts it: %s', async (name, content) => {
    const path = made('large', content)
    const expected = chunksOf(content)
    for (const packing of [one, many]) {
      const seen: number[] = []
      const [found] = await collect(packing.scan([path], { onProgress: bytes => seen.push(bytes) }))
      expect(found!.chunks).toEqual(expected)
      expect(seen.at(-1)).toBe(content.length)
    }
  })

  it('puts segments together wherever the cuts of each are', async () => {
    // Of a file of blocks: a cut is behind each block that is one, and after five blocks at most. Segments are
    // those of files, so that a block stands for 256 KiB.
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.boolean(), { maxLength: 200 }),
        fc.integer({ min: 1, max: 4 }),
        async (blocks, threads) => {
          const size = blocks.length * MAX_CHUNK
          const cut = (from: number, until: number, known: readonly number[]) => {
            const chunks = []
            let at = from / MAX_CHUNK
            while (at * MAX_CHUNK < until && !known.includes(at * MAX_CHUNK)) {
              let end = at
              while (end < blocks.length && end < at + 5 && !blocks[end]) end++
              end = Math.min(end + 1, blocks.length, at + 5)
              chunks.push({ bytes: (end - at) * MAX_CHUNK, chunk: `${at}-${end}` })
              at = end
            }
            return { chunks, end: at * MAX_CHUNK }
          }
          const stat = { size, mtimeNs: '', ctimeNs: '', ino: '', mode: 0 }
          let bytes = 0
          const found = await cutLarge(
            'x',
            stat,
            threads,
            ({ from, until, known }) => Promise.resolve(cut(from, until, known)),
            more => (bytes += more),
          )
          expect(found).toEqual(cut(0, size, []).chunks)
          expect(bytes).toBe(size)
        },
      ),
    )
  })

  it.each([
    ['is not there', 'not_found', () => files.path('nowhere')],
    ['stands where a directory is', 'invalid_request', () => (mkdirSync(files.path('d')), files.path('d'))],
    ['is within a file', 'not_found', () => `${made('f', madeBytes(1, 1))}/x`],
    [
      'is a pipe that nobody writes to',
      'invalid_request',
      () => (execFileSync('mkfifo', [files.path('pipe')]), files.path('pipe')),
    ],
    [
      'is a link',
      'invalid_request',
      () => (symlinkSync(made('target', madeBytes(9, 9)), files.path('link')), files.path('link')),
    ],
  ])('names a file that %s', async (_, code, make) => {
    const path = make()
    const all = collect(many.scan([made('good', madeBytes(10, 1)), path]))
    await expect(all).rejects.toMatchObject({ code, message: expect.stringContaining(`"${path}"`) })
  })

  it('names a file that may not be read', async () => {
    const path = made('secret', madeBytes(10, 1))
    chmodSync(path, 0)
    const found = await collect(many.scan([path])).catch((error: unknown) => error)
    // Root may read all.
    if (process.getuid!() === 0) expect(found).toMatchObject([{ bytes: 10 }])
    else expect(found).toMatchObject({ code: 'forbidden', message: expect.stringContaining(`"${path}"`) })
  })

  it.each([
    ['grows', (path: string) => appendFileSync(path, 'x')],
    ['shrinks', (path: string) => truncateSync(path, 5)],
    ['has other bytes', (path: string) => writeFileSync(path, madeBytes(4 * SEGMENT_BYTES, 2))],
  ])('refuses a file that %s while it is read', async (_, change) => {
    const path = made('changing', madeBytes(4 * SEGMENT_BYTES, 1))
    // The first bytes are read; the change is there before the last ones are asked for.
    let isChanged = false
    const onProgress = (): void => {
      if (!isChanged) change(path)
      isChanged = true
    }
    const found = collect(one.scan([path], { onProgress }))
    await expect(found).rejects.toMatchObject({
      code: 'file_changed',
      retryable: true,
      details: { file: path },
    })
  })
})
