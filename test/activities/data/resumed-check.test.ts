import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { buildManifest } from '../../../domain/data/build.js'
import { encodeNode, type FileEntry, listOf } from '../../../domain/data/nodes.js'
import type { LoadNode } from '../../../domain/data/walk.js'
import { MlforgeError } from '../../../domain/errors.js'
import { makePack } from '../../../packing/make-pack.js'
import type { PackStore } from '../../../stores/packs/pack-store.js'
import { sha256Hex } from '../../../stores/ids.js'
import type { Run } from '../../../stores/postgres/entities/run.js'
import { acceptPush, push, seal, sendPack, type Tree, treeOf } from '../../support/data-push.js'
import { Harness, type HarnessOptions, type RunningWorker } from '../../support/harness.js'

const CHUNKS = 70
const FILES = CHUNKS * CHUNKS
/** Lists of chunks that are read before the worker fails; the place before it was noted after 2,000 files. */
const READ = 3_000

/** Files of two chunks each, in every combination: as many lists, of few bytes. */
function manyLists(): Tree {
  const contents = Array.from({ length: CHUNKS }, (_, i) => Buffer.from(`chunk ${10 + i}`))
  const nodes: Uint8Array[] = []
  const keep = (node: Uint8Array) => {
    nodes.push(node)
    return sha256Hex(node)
  }
  const chunk = (i: number) => ({ bytes: contents[i]!.length, chunk: sha256Hex(contents[i]!) })
  const entries = Array.from({ length: FILES }, (_, i): FileEntry => {
    const both = [chunk(Math.floor(i / CHUNKS)), chunk(i % CHUNKS)]
    const list = keep(encodeNode({ kind: 'chunks', entries: both }))
    return { path: `f${10_000 + i}`, bytes: 16, isExecutable: false, content: { list } }
  })
  const manifest = buildManifest(entries, keep)
  const pack = makePack(
    [...contents, ...nodes].map(content => ({
      ...{ sha256: sha256Hex(content), bytes: content.length, from: { content } },
    })),
  )
  const packs = [{ ...pack, bytes: pack.content.length }]
  return { manifest, files: FILES, bytes: 16 * FILES, entries, packs }
}

describe('a check of files that is cut off', () => {
  const queues: HarnessOptions['queues'] = ['workflows', 'watch']
  let harness: Harness
  let io: RunningWorker
  const tree = manyLists()
  const lists = tree.entries.map(({ content }) => listOf(content)!)
  const isList = new Set(lists)
  let walks: string[][] = []
  let fails = false
  beforeAll(async () => {
    harness = await Harness.start({ queues })
    const { packs } = harness.ports
    const walk = (project: string): LoadNode => {
      const load = packs.walk(project)
      const read: string[] = []
      walks.push(read)
      return (sha256, next) => {
        if (isList.has(sha256)) read.push(sha256)
        if (fails && read.length > READ) {
          fails = false
          throw new MlforgeError('unavailable', 'The object store is away.')
        }
        return load(sha256, next)
      }
    }
    const failing = Object.assign(Object.create(packs) as PackStore, { walk })
    io = await harness.work('io', { ...harness.ports, packs: failing })
  })
  afterAll(async () => {
    await io?.stop()
    await harness?.stop()
  })

  const begin = () => {
    walks = []
    fails = true
  }
  const send = async (run: Run) => {
    for (const pack of tree.packs) await sendPack(harness, run, pack)
    await seal(harness, run)
    return harness.ended(run)
  }
  const expectGoneOn = () => {
    const [first, second] = walks.map(read => new Set(read))
    expect(walks).toHaveLength(2)
    expect([...first!].slice(0, READ)).toEqual(lists.slice(0, READ))
    expect([...second!]).toEqual(lists.slice(2_000))
  }
  const checked = (run: Run, step: string) =>
    harness.ports.ledger.outcome({ runId: run.id, step, generation: run.generation, attempt: 1 })

  it('goes on from the place that it had reached: of a push', async () => {
    begin()
    const run = await send(await acceptPush(harness, 'new', tree))
    expect(run).toMatchObject({ status: 'succeeded', result: { version: 1 } })
    expectGoneOn()
    expect(await checked(run, 'check')).toEqual({ files: FILES, packs: 1 })
  })

  it('goes on among what has changed since the version before', async () => {
    await push(harness, 'next', await treeOf({ 'a.txt': 'a' }))
    begin()
    const run = await send(await acceptPush(harness, 'next', tree, { base: 1 }))
    expect(run).toMatchObject({ status: 'succeeded', result: { version: 2 } })
    expectGoneOn()
    // And that of the node that it was compared with.
    expect(await checked(run, 'check')).toEqual({ files: FILES, packs: 2 })
  })

  it('goes on before a pull', async () => {
    begin()
    const { manifest, files, bytes } = tree
    const request = { version: 1, manifest, files, bytes }
    const run = await harness.accept('pull', 'new', request, {
      alongside: (transaction, pull) => harness.ports.transfers.open(transaction, pull),
    })
    await seal(harness, run)
    expect(await harness.ended(run)).toMatchObject({ status: 'succeeded', result: { version: 1 } })
    expectGoneOn()
    expect(await checked(run, 'prepare')).toEqual({ version: 1, files: FILES })
  })
})
