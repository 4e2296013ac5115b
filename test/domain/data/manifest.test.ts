import { createHash } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { buildManifest, contentOf } from '../../../domain/data/build.js'
import { type ChunkEntry, decodeNode, encodeNode, type FileEntry } from '../../../domain/data/nodes.js'
import {
  changesOf,
  chunksOf,
  type FileChange,
  filesOf,
  findFile,
  namedBy,
} from '../../../domain/data/walk.js'
import { NodeStore } from './node-store.js'

const sha = (text: string) => createHash('sha256').update(text).digest('hex')

const fileOf = (path: string, content: number): FileEntry =>
  content === 0
    ? { path, bytes: 0, isExecutable: false, content: null }
    : { path, bytes: content, isExecutable: content % 5 === 0, content: { chunk: sha(`chunk ${content}`) } }

const many = (count: number): FileEntry[] =>
  Array.from({ length: count }, (_, i) => fileOf(`part-${i % 50}/image-${i}.png`, 1 + (i % 97)))

const chunks = (count: number): ChunkEntry[] =>
  Array.from({ length: count }, (_, i) => ({ bytes: 60_000 + (i % 1_000), chunk: sha(`${i}`) }))

async function all<T>(values: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const value of values) found.push(value)
  return found
}

/** Paths with parts that are often the same, so that sets of them overlap. */
const paths = fc.dictionary(
  fc
    .array(fc.constantFrom('a', 'b', 'data', 'é', '𝔞', 'z.csv', '1', '-'), { minLength: 1, maxLength: 5 })
    .map(parts => parts.join('/')),
  fc.integer({ min: 0, max: 9 }),
  { maxKeys: 60 },
)

const byUtf8 = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b))

describe('a manifest', () => {
  it('is the one of the test vectors', () => {
    const store = new NodeStore()
    expect(buildManifest([], store.keep)).toBe(
      '1cd0899a962679b477695a1914b3f5256bd594fe07b7314a848223f52e6a7088',
    )
    expect(
      new TextDecoder().decode(
        store.nodes.get('1cd0899a962679b477695a1914b3f5256bd594fe07b7314a848223f52e6a7088'),
      ),
    ).toBe('{"e":[],"t":"files","v":1}')
    expect(buildManifest(many(3), store.keep)).toBe(
      '5918a35eed74a7b2f1dce506b02d7aa1c91c2fb54d2a0c32a8a0f230ab52e0e6',
    )
    expect(buildManifest(many(5_000), store.keep)).toBe(
      'c1d75a8958bc0e70864727c894d4b426448e9c8cdeb97f8f6f5f121323024ad5',
    )
  })

  it('holds its files by path, however they came', async () => {
    await fc.assert(
      fc.asyncProperty(paths, fc.integer(), async (files, seed) => {
        const entries = Object.entries(files).map(([path, content]) => fileOf(path, content))
        const store = new NodeStore()
        const root = buildManifest(entries, store.keep)
        const shuffled = entries.toSorted((a, b) =>
          sha(`${seed}${a.path}`) < sha(`${seed}${b.path}`) ? -1 : 1,
        )
        expect(buildManifest(shuffled, store.keep)).toBe(root)
        const found = await all(filesOf(store.load, root))
        expect(found).toEqual(entries.toSorted((a, b) => byUtf8(a.path, b.path)))
        for (const entry of entries) expect(await findFile(store.load, root, entry.path)).toEqual(entry)
        expect(await findFile(store.load, root, 'nothing')).toBeNull()
        const [middle] = found.slice(found.length >> 1)
        if (middle) {
          const after = await all(filesOf(store.load, root, middle.path))
          expect(after).toEqual(found.slice((found.length >> 1) + 1))
        }
      }),
    )
  })

  it('differs from another one as their files do', async () => {
    const changeOf = (from: FileEntry | undefined, to: FileEntry | undefined): FileChange[] => {
      if (from && to) {
        const isSame = JSON.stringify(from) === JSON.stringify(to)
        return isSame ? [] : [{ change: 'changed', path: to.path, from, to }]
      }
      return to
        ? [{ change: 'added', path: to.path, to }]
        : [{ change: 'removed', path: from!.path, from: from! }]
    }
    await fc.assert(
      fc.asyncProperty(paths, paths, async (one, other) => {
        const store = new NodeStore()
        const entriesOf = (files: Record<string, number>) =>
          new Map(Object.entries(files).map(([path, content]) => [path, fileOf(path, content)]))
        const [before, after] = [entriesOf(one), entriesOf(other)]
        const from = buildManifest([...before.values()], store.keep)
        const to = buildManifest([...after.values()], store.keep)
        const known = [...new Set([...before.keys(), ...after.keys()])].sort(byUtf8)
        expect(await all(changesOf(store.load, from, to))).toEqual(
          known.flatMap(path => changeOf(before.get(path), after.get(path))),
        )
      }),
    )
  })

  it('of many files is made anew from a changed file to the root only, and read no further', async () => {
    const store = new NodeStore()
    const files = many(50_000)
    const before = buildManifest(files, store.keep)
    const nodes = store.added
    expect(nodes).toBeGreaterThan(200)
    store.added = 0
    const changed = files.with(31_415, fileOf(files[31_415]!.path, 98))
    const after = buildManifest(changed, store.keep)
    expect(store.added).toBeLessThanOrEqual(4)
    store.read = 0
    expect(await all(changesOf(store.load, before, after))).toMatchObject([
      { change: 'changed', path: files[31_415]!.path },
    ])
    expect(store.read).toBeLessThanOrEqual(8)
    store.added = 0
    const gone = buildManifest(changed.toSpliced(7, 1), store.keep)
    // Where a node ended with the file that is gone, two become one.
    expect(store.added).toBeLessThanOrEqual(4)
    expect(await all(changesOf(store.load, after, gone))).toMatchObject([{ change: 'removed' }])
  })

  it('holds no path twice, and none that cannot be', () => {
    const { keep } = new NodeStore()
    expect(() => buildManifest([fileOf('a', 1), fileOf('a', 2)], keep)).toThrow('twice')
    expect(() => buildManifest([fileOf('../a', 1)], keep)).toThrow('leaves its directory')
  })
})

describe('a file of many chunks', () => {
  it('is its chunks in order', async () => {
    for (const count of [0, 1, 2, 300, 5_000]) {
      const store = new NodeStore()
      const given = chunks(count)
      const content = contentOf(given, store.keep)
      const bytes = given.reduce((sum, chunk) => sum + chunk.bytes, 0)
      expect(await all(chunksOf(store.load, { bytes, content }))).toEqual(given)
      if (count < 2) expect(content).toEqual(given[0] ? { chunk: given[0].chunk } : null)
    }
  })

  it('keeps its nodes around chunks that come in between', () => {
    const store = new NodeStore()
    const given = chunks(20_000)
    contentOf(given, store.keep)
    store.added = 0
    contentOf(given.toSpliced(9_999, 1, ...chunks(3).map(chunk => ({ ...chunk, bytes: 1 }))), store.keep)
    expect(store.added).toBeLessThanOrEqual(6)
  })

  it('says all that a version needs', async () => {
    const store = new NodeStore()
    const large = {
      path: 'large',
      bytes: 1,
      isExecutable: false,
      content: contentOf(chunks(600), store.keep),
    }
    const root = buildManifest([...many(400), large], store.keep)
    const needed = new Set([root])
    const open = [root]
    for (let node = open.pop(); node !== undefined; node = open.pop()) {
      for (const { sha256, isNode } of namedBy(decodeNode(await store.load(node)))) {
        needed.add(sha256)
        if (isNode) open.push(sha256)
      }
    }
    const expected = [
      ...store.nodes.keys(),
      ...chunks(600).map(({ chunk }) => chunk),
      ...many(400).map(({ content }) => (content as { chunk: string }).chunk),
    ]
    expect(needed).toEqual(new Set(expected))
  })
})

describe('a node', () => {
  it('is read as it was written', () => {
    const nodes = [
      { kind: 'files', entries: [...many(2), fileOf('empty', 0)] },
      { kind: 'tree', height: 2, entries: [{ last: 'z', files: 3, bytes: 9, node: sha('n') }] },
      { kind: 'chunks', entries: chunks(2) },
      { kind: 'lists', height: 1, entries: [{ bytes: 7, node: sha('n') }] },
    ] as const
    for (const node of nodes) expect(decodeNode(encodeNode(node))).toEqual(node)
  })

  it.each([
    ['{"v":2,"t":"files","e":[]}', 'unsupported_format'],
    ['{"v":1,"t":"filez","e":[]}', 'object_corrupt'],
    ['{"v":1,"t":"files"}', 'object_corrupt'],
    ['{"v":1,"t":"files","e":[["a",-1,0,null]]}', 'object_corrupt'],
    ['{"v":1,"t":"files","e":[["a",1,2,null]]}', 'object_corrupt'],
    ['{"v":1,"t":"files","e":[["a",1,0,["x","y"]]]}', 'object_corrupt'],
    ['{"v":1,"t":"chunks","e":[[1,"abc"]]}', 'object_corrupt'],
    ['{"v":1,"t":"tree","e":[]}', 'object_corrupt'],
    ['{"v":1,"t":"files","e":[7]}', 'object_corrupt'],
    ['nonsense', 'object_corrupt'],
    ['[]', 'unsupported_format'],
  ])('is refused as %s', (text, code) => {
    expect(() => decodeNode(new TextEncoder().encode(text))).toThrow(expect.objectContaining({ code }))
  })

  it('is refused with a code, whatever it holds', () => {
    fc.assert(
      fc.property(fc.json(), fc.uint8Array(), (text, bytes) => {
        for (const given of [new TextEncoder().encode(text), bytes]) {
          expect(() => decodeNode(given)).toThrow(expect.objectContaining({ code: expect.any(String) }))
        }
      }),
    )
  })
})
