import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { buildManifest } from '../../domain/data/build.js'
import { encodeNode, type FileEntry } from '../../domain/data/nodes.js'
import { makePack } from '../../packing/make-pack.js'
import { sha256Hex } from '../../stores/ids.js'
import { push, treeOf } from '../support/data-push.js'
import { Harness } from '../support/harness.js'

describe('datasetPush of nodes that nobody would make', () => {
  let harness: Harness
  beforeAll(async () => {
    harness = await Harness.start()
  })
  afterAll(() => harness?.stop())

  const content = Buffer.from('ten bytes.')
  const chunk = sha256Hex(content)
  const file = (path: string, bytes = 10): FileEntry => ({
    ...{ path, bytes, isExecutable: false, content: { chunk } },
  })
  const filesNode = (...entries: FileEntry[]) => encodeNode({ kind: 'files', entries })
  /** Names a node several times. */
  const treeNode = (height: number, below: Uint8Array, last: string, times: number) =>
    encodeNode({
      kind: 'tree',
      height,
      entries: Array.from({ length: times }, () => ({ last, files: 1, bytes: 10, node: sha256Hex(below) })),
    })
  const crafted = (dataset: string, nodes: Uint8Array[], files: number, bytes: number) => {
    const pack = makePack(
      [content, ...nodes].map(each => ({
        ...{ sha256: sha256Hex(each), bytes: each.length, from: { content: each } },
      })),
    )
    const packs = [{ ...pack, bytes: pack.content.length }]
    const manifest = sha256Hex(nodes.at(-1)!)
    return push(harness, dataset, { manifest, files, bytes, entries: [], packs })
  }

  it('takes what has far fewer files than the version before', async () => {
    const nodes: Uint8Array[] = []
    const entries = Array.from({ length: 20_000 }, (_, i) => file(`f${i}`))
    const keep = (node: Uint8Array) => {
      nodes.push(node)
      return sha256Hex(node)
    }
    buildManifest(entries, keep)
    expect(nodes.length).toBeGreaterThan(100)
    expect(await crafted('shrinks', nodes, 20_000, 200_000)).toMatchObject({ status: 'succeeded' })
    const one = await treeOf({ only: 'one' })
    expect(await push(harness, 'shrinks', one, { base: 1 })).toMatchObject({ status: 'succeeded' })
  })

  it.each<[string, () => [Uint8Array[], number, number], RegExp]>([
    ['a path that leaves its directory', () => [[filesNode(file('../x'))], 1, 10], /leaves its directory/],
    ['a name that no checkout writes', () => [[filesNode(file('a/.GIT/config'))], 1, 10], /is reserved/],
    // The answer names them, in a row: the database takes neither of them as they are.
    ['a path with a null character', () => [[filesNode(file('a\0'))], 1, 10], /a\ufffd: It holds/],
    ['a path that is no text', () => [[filesNode(file('a\ud800'))], 1, 10], /no whole Unicode text/],
    ['a manifest that is no node', () => [[Buffer.from('{')], 1, 10], /manifest: .* no JSON object/],
    ['a node of an unknown size', () => [[filesNode(file('a', -1))], 1, 10], /an entry has no size/],
    [
      'a manifest of another kind',
      () => [[encodeNode({ kind: 'chunks', entries: [{ bytes: 10, chunk }] })], 1, 10],
      /is to hold a manifest/,
    ],
    [
      'a file whose list is none',
      () => [[filesNode({ ...file('a'), content: { list: chunk } })], 1, 10],
      /no JSON object/,
    ],
    ['paths out of order', () => [[filesNode(file('b'), file('a'))], 2, 20], /does not come after "b"/],
    ['a path twice', () => [[filesNode(file('a'), file('a'))], 2, 20], /does not come after "a"/],
    [
      'a node that ends with another path than is said',
      () => {
        const leaf = filesNode(file('a'), file('b'))
        return [[leaf, treeNode(1, leaf, 'a', 1)], 2, 20]
      },
      /said to end with "a", and ends with "b"/,
    ],
    ['a chunk of another size', () => [[filesNode(file('a', 20))], 1, 20], /20 bytes, and has 10/],
    [
      'more files than are said',
      () => {
        const leaf = filesNode(...Array.from({ length: 50 }, (_, i) => file(`f${10 + i}`)))
        return [[leaf, treeNode(1, leaf, 'f59', 1)], 3, 30]
      },
      /and has more/,
    ],
    [
      'a node with blanks in it',
      () => [
        [
          Buffer.from(
            Buffer.from(filesNode(file('a')))
              .toString()
              .replace('{', '{ '),
          ),
        ],
        1,
        10,
      ],
      /is not written as canonical JSON/,
    ],
    [
      'a tree of nothing',
      () => [[encodeNode({ kind: 'tree', height: 1, entries: [] })], 0, 0],
      /has no entries/,
    ],
    [
      'a list of nothing',
      () => {
        const list = encodeNode({ kind: 'chunks', entries: [] })
        return [[list, filesNode({ ...file('a', 0), content: { list: sha256Hex(list) } })], 1, 0]
      },
      /has no entries/,
    ],
    [
      'nodes without end',
      () => {
        const nodes = [filesNode(file('z'))]
        for (let height = 1; height <= 80; height++) nodes.push(treeNode(height, nodes.at(-1)!, 'z', 1))
        return [nodes, 1, 10]
      },
      /more nodes than/,
    ],
  ])('refuses %s', async (what, of, why) => {
    const run = await crafted(`crafted-${sha256Hex(what).slice(0, 8)}`, ...of())
    expect(run).toMatchObject({
      status: 'refused',
      error: { code: 'version_invalid', message: expect.stringMatching(why) },
    })
  })
})
