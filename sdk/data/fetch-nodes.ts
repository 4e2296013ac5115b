import { hash } from 'node:crypto'
import { decodeNode, type DataNode, type FileEntry, listOf } from '../../domain/data/nodes.js'
import { MlforgeError } from '../../domain/errors.js'
import type { Copy } from './copy.js'

/** Where the chunks and nodes of versions come from. */
export interface ChunkSource {
  /**
   * @param hashes SHA-256 in hex, each once
   * @param sizeOf bytes of each, where that is known: as many come together as memory is meant for
   * @returns each of them, in any order, with bytes that hold until the next is asked for; what it cannot give it
   *   throws for
   */
  load(
    hashes: readonly string[],
    sizeOf?: (sha256: string) => number,
  ): AsyncIterable<{ readonly sha256: string; readonly content: Uint8Array }>
  /** Loads what came damaged from wherever it is whole; what is nowhere it throws for. */
  loadWhole?: ChunkSource['load']
}

/** Nodes that are asked for at once. */
const BATCH = 256

/** Files of a version; its nodes are kept, those of each height asked for together. */
export async function fetchManifest(copy: Copy, source: ChunkSource, root: string): Promise<FileEntry[]> {
  const files: FileEntry[] = []
  let level = [root]
  while (level.length > 0) {
    const below: string[] = []
    for await (const node of fetchNodes(copy, source, level)) {
      if (node.kind === 'files') for (const file of node.entries) files.push(file)
      else if (node.kind === 'tree') for (const { node: each } of node.entries) below.push(each)
      else throw new MlforgeError('object_corrupt', `Manifest ${root} holds a node of kind "${node.kind}".`)
    }
    level = below
  }
  return files
}

/** Gets the lists of chunks that are not kept here. */
export async function fetchLists(
  copy: Copy,
  source: ChunkSource,
  files: readonly FileEntry[],
): Promise<void> {
  let level = files.flatMap(({ content }) => listOf(content) ?? [])
  while (level.length > 0) {
    const below: string[] = []
    for await (const node of fetchNodes(copy, source, [...new Set(level)])) {
      if (node.kind === 'lists') for (const { node: each } of node.entries) below.push(each)
      copy.nodes.flushMuch()
    }
    level = below
  }
}

/** Content that has come, where it was asked for and is what its name says. */
export async function* verified(
  source: ChunkSource,
  hashes: readonly string[],
  sizeOf?: (sha256: string) => number,
): AsyncGenerator<{ readonly sha256: string; readonly content: Uint8Array }> {
  const open = new Set(hashes)
  if (open.size === 0) return
  const damaged: string[] = []
  for await (const { sha256, content } of source.load([...open], sizeOf)) {
    if (!open.delete(sha256)) continue
    if (hash('sha256', content, 'hex') === sha256) yield { sha256, content }
    else damaged.push(sha256)
  }
  if (damaged.length > 0) {
    const { loadWhole } = source
    if (loadWhole === undefined) {
      const [sha256] = damaged
      throw new MlforgeError('object_corrupt', `Chunk ${sha256} came with other bytes. Try again.`, {
        sha256,
      })
    }
    yield* verified({ load: loadWhole }, damaged, sizeOf)
  }
  const [first] = open
  if (first === undefined) return
  throw new MlforgeError('object_missing', `${open.size} chunks did not come, such as ${first}. Try again.`, {
    sha256: first,
  })
}

async function* fetchNodes(
  copy: Copy,
  source: ChunkSource,
  hashes: readonly string[],
): AsyncGenerator<DataNode> {
  for (let from = 0; from < hashes.length; from += BATCH) {
    const batch = hashes.slice(from, from + BATCH)
    const missing = batch.filter(sha256 => !copy.nodes.has(sha256))
    for await (const { content } of verified(source, missing)) copy.nodes.keep(content.slice())
    for (const sha256 of batch) yield decodeNode(await copy.nodes.load(sha256))
  }
}
