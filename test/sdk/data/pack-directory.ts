import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { PackEntry } from '../../../domain/data/pack.js'
import { readChunk, verifyPack } from '../../../packing/read-chunk.js'
import type { ChunkSource } from '../../../sdk/data/fetch-nodes.js'

/** Chunks of the packs in a directory, for a process of its own. */
export class PackDirectory implements ChunkSource {
  private readonly chunks = new Map<string, { content: Uint8Array; entry: PackEntry }>()

  constructor(directory: string) {
    for (const name of readdirSync(directory)) {
      const content = readFileSync(join(directory, name))
      for (const entry of verifyPack(content)) this.chunks.set(entry.sha256, { content, entry })
    }
  }

  async *load(hashes: readonly string[]): AsyncGenerator<{ sha256: string; content: Uint8Array }> {
    for (const sha256 of hashes) {
      const found = this.chunks.get(sha256)
      if (!found) continue
      const { content, entry } = found
      // A turn of the event loop, so that a kill may come between any two.
      yield await new Promise(resolve => setImmediate(resolve)).then(() => ({
        sha256,
        content: readChunk(content.subarray(entry.offset, entry.offset + entry.stored), entry),
      }))
    }
  }
}
