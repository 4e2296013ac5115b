import { join } from 'node:path'
import { contentOf, type KeepNode } from '../../domain/data/build.js'
import type { ScanOptions } from '../../packing/packing.js'
import type { Copy } from './copy.js'
import { type IndexEntry, indexEntry } from './index-file.js'

/**
 * Reads files of a working copy, in the order of their paths.
 * @param asOf as `indexEntry` takes it
 * @param keep gets the lists of chunks
 * @returns what is known of each, with its bytes where they were asked for
 */
export async function* readFiles(
  { root, packing }: Copy,
  paths: readonly string[],
  asOf: bigint,
  keep: KeepNode,
  options: ScanOptions = {},
): AsyncGenerator<{ readonly entry: IndexEntry; readonly content?: Uint8Array }> {
  const files = paths.map(path => join(root, path))
  let next = 0
  for await (const { chunks, stat, content } of packing.scan(files, options)) {
    const entry = indexEntry(paths[next++]!, contentOf(chunks, keep), stat, asOf)
    yield { entry, ...(content && { content }) }
  }
}
