import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { decodeNode } from '../../../domain/data/nodes.js'
import { filesOf } from '../../../domain/data/walk.js'
import { LocalObjectStore } from '../../../stores/objects/local-object-store.js'
import { objectUri } from '../../../stores/objects/object-uri.js'
import { PackStore } from '../../../stores/packs/pack-store.js'
import { PackCatalogue } from '../../../stores/postgres/pack-catalogue.js'
import { type Tree, treeOf } from '../../support/data-push.js'
import { PROJECT } from '../../support/harness.js'
import { type TestDatabase, testDatabase } from '../../support/postgres.js'

const FILES = 3_000

describe('a walk through a manifest in packs', () => {
  let directory: string
  let database: TestDatabase
  let objects: LocalObjectStore
  let packs: PackStore
  let tree: Tree
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'mlforge-walk-'))
    database = await testDatabase()
    objects = new LocalObjectStore(directory)
    const catalogue = new PackCatalogue(database.dataSource)
    packs = new PackStore(objects, catalogue)
    tree = await treeOf(
      Object.fromEntries(Array.from({ length: FILES }, (_, i) => [`f${i}`, `content ${i}`])),
    )
    for (const pack of tree.packs) {
      await objects.write(PROJECT, pack.content, { kind: 'packs', sha256: pack.sha256 })
      await catalogue.add(PROJECT, pack, objects)
    }
  })
  afterAll(async () => {
    await database?.drop()
    await rm(directory, { recursive: true, force: true })
  })

  it('reads nodes ahead, and gives the files in order', async () => {
    const range = jest.spyOn(objects, 'range')
    const seen: string[] = []
    for await (const { path } of filesOf(packs.walk(PROJECT), tree.manifest)) seen.push(path)
    const reads = range.mock.calls.length
    range.mockRestore()
    expect(seen).toEqual(tree.entries.map(({ path }) => path).sort())
    const root = decodeNode(await packs.load(PROJECT, tree.manifest))
    expect(root.kind).toBe('tree')
    expect(root.entries.length).toBeGreaterThan(8)
    // One by one, each node is a read.
    expect(reads).toBeLessThan(root.entries.length / 2)
  })

  it('comes as far as a damaged node, whatever was read ahead', async () => {
    const root = decodeNode(await packs.load(PROJECT, tree.manifest))
    if (root.kind !== 'tree') throw new Error(`The root is of kind ${root.kind}.`)
    const { node, last } = root.entries[3]!
    const before = root.entries[2]!.last
    const pack = tree.packs.find(({ chunks }) => chunks.some(({ sha256 }) => sha256 === node))!
    const file = join(directory, objectUri(PROJECT, pack.sha256, 'packs'))
    const bytes = await readFile(file)
    bytes[pack.chunks.find(({ sha256 }) => sha256 === node)!.offset + 1]! ^= 1
    await chmod(file, 0o600)
    await writeFile(file, bytes)
    const seen: string[] = []
    const walking = async () => {
      for await (const { path } of filesOf(packs.walk(PROJECT), tree.manifest)) seen.push(path)
    }
    await expect(walking()).rejects.toMatchObject({ code: 'object_corrupt', details: { chunk: node } })
    expect(seen.at(-1)).toBe(before)
    const behind: string[] = []
    for await (const { path } of filesOf(packs.walk(PROJECT), tree.manifest, last)) behind.push(path)
    expect([...seen, ...behind]).toHaveLength(FILES - root.entries[3]!.files)
  })
})
